//! Whether a run may start a sender.

use super::*;
use crate::delivery::starts::{Child, Start, Starts, may_start};

fn due(starts: &Starts, now: i64, seed: u64) -> Start {
    starts.due(at(now), &Rules::default(), seed)
}

fn started(now: i64) -> Starts {
    let mut starts = Starts::default();
    starts.started(at(now), true);
    starts
}

/// The first moment at which a start is due, in seconds after the last.
fn interval(starts: &Starts, seed: u64) -> i64 {
    match due(starts, NOON, seed) {
        Start::NotBefore(moment) => moment.seconds - NOON,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_run_of_all_may_start_a_sender_even_among_a_crowd() {
    for now in [NOON, NOON - NOON % HOUR] {
        assert_eq!(due(&Starts::default(), now, 7), Start::Due);
    }
}

#[test]
fn a_tool_in_a_loop_starts_at_most_four_senders_an_hour() {
    let (mut starts, mut count) = (Starts::default(), 0);
    for second in 0..DAY {
        if due(&starts, NOON + second, 7) == Start::Due {
            starts.started(at(NOON + second), true);
            count += 1;
        }
    }
    assert!((50..=96).contains(&count), "{count}");
}

#[test]
fn what_is_too_early_for_every_machine_is_due_for_none() {
    let plain = Rules::default();
    let alone = Rules { crowd: None, interval_stretch: 0.0, ..plain.clone() };
    let at_once = Rules { interval: std::time::Duration::ZERO, ..alone.clone() };
    for rules in [&plain, &alone, &at_once] {
        let mut early = 0;
        for last in [NOON, NOON - NOON % HOUR, NOON - 20 * MINUTE] {
            let starts = started(last);
            for now in (last - 2 * HOUR..last + 2 * HOUR).step_by(30) {
                if starts.is_recent(at(now), rules) {
                    early += 1;
                    assert!((0..50).all(|seed| starts.due(at(now), rules, seed) != Start::Due), "{now}");
                }
            }
            assert!(!starts.is_recent(at(last + 2 * HOUR), rules));
            assert!(!starts.is_recent(at(last - 2 * HOUR), rules), "it was noted under another clock");
        }
        assert!(early > 0);
    }
    assert!(!Starts::default().is_recent(at(NOON), &plain));
}

#[test]
fn every_machine_has_its_own_interval_and_the_same_one_in_each_run() {
    let starts = started(NOON);
    let mut seen: Vec<i64> = (0..1_000).map(|seed| interval(&starts, seed)).collect();
    assert_eq!(seen, (0..1_000).map(|seed| interval(&starts, seed)).collect::<Vec<_>>());
    seen.sort_unstable();
    assert!(seen[0] >= 15 * MINUTE && seen[999] <= 37 * MINUTE, "{} to {}", seen[0], seen[999]);
    seen.dedup();
    assert!(seen.len() > 300, "{} different intervals", seen.len());
    // And another one after the next start, so that two machines do not stay together.
    let mut again = started(NOON - HOUR);
    again.started(at(NOON), true);
    assert!((0..100).filter(|seed| interval(&starts, *seed) == interval(&again, *seed)).count() < 5);
}

#[test]
fn timers_that_fire_together_leave_the_sending_to_other_runs() {
    let full_hour = NOON - NOON % HOUR + HOUR;
    for quarter in 0..4 {
        let crowded = full_hour + quarter * 15 * MINUTE;
        let starts = started(crowded - 2 * HOUR);
        assert!((0..1_000).all(|seed| due(&starts, crowded, seed) != Start::Due));
        assert!((0..1_000).all(|seed| due(&starts, crowded + 59, seed) != Start::Due));
        assert!((0..1_000).all(|seed| due(&starts, crowded + 60, seed) == Start::Due));
        // A process that asks again when it is told to does not come with all the others either.
        let mut asked: Vec<i64> = (0..1_000)
            .map(|seed| match due(&starts, crowded, seed) {
                Start::NotBefore(moment) => moment.seconds - crowded,
                other => panic!("{other:?}"),
            })
            .collect();
        asked.sort_unstable();
        assert!(asked[0] >= 60 && asked[999] < 15 * MINUTE && asked[500] > 5 * MINUTE, "{asked:?}");
    }
}

#[test]
fn a_machine_that_only_ever_runs_on_the_hour_sends_every_6_to_24_hours() {
    let full_hour = NOON - NOON % HOUR;
    let mut an_hour = vec![0; 14 * 24];
    for seed in 0..500 {
        let (mut starts, mut gaps, mut last) = (started(full_hour), vec![], 0);
        for (hour, count) in (1..).zip(&mut an_hour) {
            if due(&starts, full_hour + hour * HOUR, seed) == Start::Due {
                starts.started(at(full_hour + hour * HOUR), true);
                gaps.push(hour - last);
                last = hour;
                *count += 1;
            }
        }
        assert!(gaps.iter().all(|gap| (6..=24).contains(gap)), "{gaps:?}");
    }
    // A week on, they do not come together.
    let busiest = an_hour[7 * 24..].iter().max();
    assert!(busiest < Some(&100), "{busiest:?} of 500");
}

#[test]
fn backoff_and_a_hold_bar_the_way_for_each_run() {
    let rules = Rules::default();
    let (mut schedule, id) = trying(1, &rules);
    after(&mut schedule, id, refused(), &rules, NOON);
    let ask = |schedule: &Schedule<u32>, now| may_start(Ok(schedule), &Starts::default(), at(now), &rules, 7);
    assert_eq!(ask(&schedule, NOON + 449), Start::NotBefore(at(NOON + 450)));
    assert_eq!(ask(&schedule, NOON + 450), Start::Due);
    schedule.hold("no such component", at(NOON), &rules, &mut half);
    assert_eq!(ask(&schedule, NOON + 450), Start::Held("no such component".to_owned()));
    assert_eq!(ask(&schedule, NOON + DAY), Start::Due);
}

#[test]
fn an_outage_of_a_day_and_a_run_each_second_make_few_requests() {
    let rules = Rules::default();
    let (mut starts, mut schedule) = (Starts::default(), Schedule::<u32>::default());
    let mut chance = 0u64;
    let mut random = || {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as f64 / f64::from(1u32 << 31)
    };
    for second in 0..DAY {
        let now = at(NOON + second);
        if may_start(Ok(&schedule), &starts, now, &rules, 7) != Start::Due {
            continue;
        }
        starts.started(now, true);
        let id = match schedule.pick(now, &rules, true) {
            Pick::Again(batch) => batch.id,
            Pick::Fresh => schedule.begin(1),
            _ => continue,
        };
        schedule.attempt(id, 1, 400, now, &rules);
        schedule.after_attempt(id, refused(), now, &rules, &mut random);
    }
    let requests = schedule.totals().attempts;
    assert!((3..=20).contains(&requests), "{requests}");
}

#[test]
fn a_start_that_a_lying_clock_noted_bars_nothing_for_long() {
    let starts = started(NOON + 10 * YEAR);
    assert_eq!(due(&starts, NOON, 7), Start::Due);
    let mut starts = starts;
    starts.started(at(NOON), true);
    assert_ne!(due(&starts, NOON + MINUTE, 7), Start::Due);
    assert_eq!(due(&starts, NOON - 10 * YEAR, 7), Start::Due);
}

#[test]
fn a_child_proves_itself_or_its_kind_is_not_started_for_a_week() {
    let mut starts = Starts::default();
    assert_eq!(starts.child(None, at(NOON)), Child::Untried);
    starts.started(at(NOON), true);
    let mut schedule = Schedule::<u32>::default();
    assert_eq!(starts.child(schedule.proof(), at(NOON + 30)), Child::Pending);
    assert_eq!(starts.child(schedule.proof(), at(NOON + HOUR)), Child::Missing);
    assert!(!starts.may_detach(schedule.proof(), at(NOON + HOUR)));
    // A start in another way says nothing about children.
    starts.started(at(NOON + HOUR), false);
    assert!(!starts.may_detach(schedule.proof(), at(NOON + 2 * HOUR)));
    assert!(starts.may_detach(schedule.proof(), at(NOON + 8 * DAY)));
    schedule.prove(starts.detached().expect("one was started detached"));
    assert_eq!(starts.child(schedule.proof(), at(NOON + HOUR)), Child::Proved);
    // The mark of an earlier child is not this one's.
    starts.started(at(NOON + 2 * HOUR), true);
    assert_eq!(starts.child(schedule.proof(), at(NOON + 3 * HOUR)), Child::Missing);
}

#[test]
fn the_starts_are_read_as_they_were_written() {
    let starts = started(NOON);
    assert_eq!(Starts::read(&starts.write()), Ok(starts));
}
