//! Nothing in the schedule's file can hurt, be it damaged or somebody's invention.

use super::*;
use crate::delivery::codec;
use crate::delivery::starts::{Start, Starts, may_start};
use crate::delivery::{Unreadable, limits::BatchLimits};
use proptest::prelude::*;
use serde_json::Value;

/// A schedule in which every field says something.
fn full() -> Schedule<u32> {
    let rules = Rules::default();
    let mut it = Schedule::default();
    let id = tried(&mut it, 10, &rules, NOON);
    after(&mut it, id, Happened::Delivered, &rules, NOON);
    let id = tried(&mut it, 10, &rules, NOON);
    after(&mut it, id, Happened::TooLarge, &rules, NOON);
    it.split(id, 5, 5);
    let id = tried(&mut it, 2, &rules, NOON);
    let verdicts = vec![Verdict::Delivered, Verdict::Retry("later".to_owned())];
    after(&mut it, id, Happened::Partial(verdicts), &rules, NOON);
    let id = tried(&mut it, 3, &rules, NOON);
    after(&mut it, id, refused(), &rules, NOON);
    it.hold("a line of telemetry.toml", at(NOON), &rules, &mut half);
    tried(&mut it, 3, &rules, NOON);
    it.prove(4);
    it
}

#[test]
fn a_schedule_is_read_as_it_was_written() {
    let it = full();
    assert_eq!(Schedule::read(&it.write()), Ok(it));
}

#[test]
fn every_flipped_bit_and_every_truncation_of_a_schedule_is_noticed() {
    let good = full().write();
    for at in 0..good.len() {
        assert_eq!(Schedule::<u32>::read(&good[..at]), Err(Unreadable::Damaged));
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert_eq!(Schedule::<u32>::read(&bad), Err(Unreadable::Damaged), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_damaged_schedule_waits_as_after_a_failure() {
    let rules = Rules::default();
    for share in [0.0, 0.5, 1.0] {
        let it: Schedule<u32> = Schedule::after_damage(at(NOON), &rules, &mut || share);
        assert!(wait(&it, NOON) >= 15 * MINUTE, "{share}");
        assert!(matches!(it.pick(at(NOON), &rules, true), Pick::NotBefore(_)));
    }
}

#[test]
fn a_newer_schedule_is_left_alone_and_nothing_is_sent() {
    let newer = codec::write("telemetry-schedule", 2, &"anything");
    let read = Schedule::<u32>::read(&newer);
    assert_eq!(read, Err(Unreadable::Newer { version: 2, known: 1 }));
    let start = may_start(read.as_ref(), &Starts::default(), at(NOON), &Rules::default(), 7);
    assert!(matches!(start, Start::Held(why) if why.contains("update the tool")));
}

#[test]
fn what_a_later_release_adds_to_this_format_is_passed_over() {
    let mut json: Value = serde_json::to_value(full()).expect("it is JSON");
    json["something"] = "new".into();
    json["in_flight"][0]["something"] = "new".into();
    assert_eq!(Schedule::read(&codec::write("telemetry-schedule", 1, &json)), Ok(full()));
    assert_eq!(
        Schedule::<u32>::read(&codec::write("telemetry-schedule", 1, &serde_json::json!({}))),
        Ok(Schedule::default())
    );
}

/// Puts an extreme number in the place of each that is chosen.
fn distort(json: &mut Value, choices: &mut dyn Iterator<Item = u8>) {
    match json {
        Value::Number(number) => {
            let extreme: Value = match choices.next().unwrap_or(0) % 12 {
                0..=3 => return,
                4 => 0.into(),
                5 => i64::MIN.into(),
                6 => i64::MAX.into(),
                7 => u64::MAX.into(),
                8 => u32::MAX.into(),
                9 => 1.into(),
                10 => (-1).into(),
                _ => (NOON * 1_000).into(),
            };
            *number = serde_json::from_value(extreme).expect("a number");
        }
        Value::Array(items) => items.iter_mut().for_each(|item| distort(item, choices)),
        Value::Object(fields) => fields.values_mut().for_each(|field| distort(field, choices)),
        _ => {}
    }
}

fn happenings() -> Vec<Happened> {
    vec![
        Happened::Delivered,
        refused(),
        Happened::Retry { reason: "\u{7f}".repeat(5_000), after_ms: Some(f64::NAN) },
        Happened::TooLarge,
        Happened::Rejected(String::new()),
        Happened::Crashed("trap".to_owned()),
        Happened::Denied,
        Happened::Held("no".to_owned()),
        Happened::Partial(vec![Verdict::Delivered, Verdict::Retry(String::new())]),
        Happened::Partial(vec![Verdict::Rejected(String::new()), Verdict::Retry(String::new())]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_schedule_with_any_numbers_hurts_nobody(
        choices in proptest::collection::vec(any::<u8>(), 128),
        now in prop_oneof![Just(NOON), Just(i64::MIN), Just(i64::MAX), Just(0), any::<i64>()],
        most_once: bool,
    ) {
        let mut json = serde_json::to_value(full()).expect("it is JSON");
        distort(&mut json, &mut choices.into_iter());
        let bytes = codec::write("telemetry-schedule", 1, &json);
        // A number that a field cannot hold is damage.
        let Ok(read) = Schedule::<u32>::read(&bytes) else { return Ok(()) };
        let rules = if most_once { at_most_once() } else { Rules::default() };
        for happened in happenings() {
            let mut it = read.clone();
            it.resume(at(now), &rules, &mut half);
            if let Some(moment) = it.not_before() {
                let longest = i64::try_from(rules.longest_wait().as_secs()).expect("days");
                prop_assert!(moment.seconds <= now.clamp(-1 << 52, 1 << 52).saturating_add(longest + 1));
            }
            let limits = BatchLimits { events: 10, bytes: 10, event_bytes: 10 };
            prop_assert!(it.limits(limits, at(now)).events >= 1);
            let _ = (it.held(&rules), it.last(), it.gate(at(now), &rules));
            for _ in 0..4 {
                let id = match it.pick(at(now), &rules, true) {
                    Pick::Again(batch) => batch.id,
                    Pick::Fresh => it.begin(2),
                    _ => break,
                };
                it.attempt(id, 2, u64::MAX, at(now), &rules);
                let step = it.after_attempt(id, happened.clone(), at(now), &rules, &mut half);
                if let Act::Split { at } = step.act {
                    it.split(id, at, 2 - at);
                }
            }
            prop_assert_eq!(Schedule::read(&it.write()), Ok(it));
        }
    }

    #[test]
    fn no_bytes_are_more_than_damage(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert_eq!(Schedule::<u32>::read(&bytes), Err(Unreadable::Damaged));
        prop_assert_eq!(Starts::read(&bytes), Err(Unreadable::Damaged));
    }
}
