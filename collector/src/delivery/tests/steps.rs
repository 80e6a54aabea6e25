//! What the end of an attempt means, case by case.

use super::*;
use crate::delivery::policy::{Attempt, Gate};
use crate::delivery::rules::{CRASHES_BEFORE_HOLD, FAILURES_OF_ITS_OWN, IN_FLIGHT, REJECTIONS_BEFORE_HOLD};

fn rejected(reason: &str) -> Happened {
    Happened::Rejected(reason.to_owned())
}

fn crashed() -> Happened {
    Happened::Crashed("trap".to_owned())
}

#[test]
fn what_is_delivered_is_acknowledged_and_the_next_batch_follows() {
    let rules = Rules::default();
    let (mut it, id) = trying(5, &rules);
    assert_eq!(
        after(&mut it, id, Happened::Delivered, &rules, NOON),
        Step { act: Act::Acknowledge, next: Next::GoOn }
    );
    assert_eq!((it.in_flight().len(), it.totals().delivered, it.failures()), (0, 5, 0));
    assert_eq!(it.last_success(), Some(at(NOON)));
    assert_eq!(it.pick(at(NOON), &rules, true), Pick::Fresh);
    assert_eq!(it.pick(at(NOON), &rules, false), Pick::Nothing);
}

#[test]
fn a_vendor_that_is_away_gets_the_same_batch_later_and_nothing_before() {
    let rules = Rules::default();
    let (mut it, id) = trying(5, &rules);
    let step = after(&mut it, id, refused(), &rules, NOON);
    assert_eq!(step, Step { act: Act::Keep, next: Next::Stop });
    // Half of a window of a quarter of an hour.
    assert_eq!(wait(&it, NOON), 450);
    let until = at(NOON + 450);
    assert_eq!(it.pick(at(NOON + 449), &rules, true), Pick::NotBefore(until));
    match it.pick(until, &rules, true) {
        Pick::Again(batch) => assert_eq!((batch.id, batch.span), (id, 5)),
        other => panic!("{other:?}"),
    }
    let attempt = it.attempt(id, 5, 2_000, until, &rules);
    assert_eq!(attempt, Some(Attempt { number: 2, claim: false }));
}

#[test]
fn waits_double_up_to_half_a_day() {
    let rules = Rules::default();
    let (mut it, id) = trying(5, &rules);
    let mut now = NOON;
    let mut waits = vec![];
    for _ in 0..10 {
        after(&mut it, id, refused(), &rules, now);
        waits.push(wait(&it, now) * 2 / MINUTE);
        now += wait(&it, now);
        it.attempt(id, 5, 2_000, at(now), &rules);
    }
    assert_eq!(waits, [15, 30, 60, 120, 240, 480, 720, 720, 720, 720]);
}

#[test]
fn a_short_wish_of_the_vendor_is_sat_out_and_a_long_one_is_not() {
    let rules = Rules::default();
    for (after_ms, seconds, stops) in [
        (4_000.0, 5, false),
        (8_000.0, 10, false),
        (9_000.0, 11, true),
        (3.6e6, 4_500, true),
        (-1.0, 1, false),
    ] {
        let (mut it, id) = trying(5, &rules);
        let happened = Happened::Retry { reason: "429".to_owned(), after_ms: Some(after_ms) };
        let step = after(&mut it, id, happened, &rules, NOON);
        assert_eq!(step.act, Act::Keep);
        assert_eq!(matches!(step.next, Next::Stop), stops, "{after_ms}");
        assert_eq!(wait(&it, NOON), seconds, "{after_ms}");
    }
}

#[test]
fn a_wish_beyond_all_measure_is_a_day_and_a_half_at_most() {
    let rules = Rules::default();
    for after_ms in [f64::MAX, f64::INFINITY, 1e18] {
        let (mut it, id) = trying(5, &rules);
        let happened = Happened::Retry { reason: String::new(), after_ms: Some(after_ms) };
        it.after_attempt(id, happened, at(NOON), &rules, &mut || 1.0);
        assert_eq!(wait(&it, NOON), DAY * 3 / 2);
    }
}

#[test]
fn an_endless_outage_costs_no_event() {
    let rules = Rules::default();
    let (mut it, id) = trying(5, &rules);
    let mut now = NOON;
    for _ in 0..50 {
        assert_eq!(after(&mut it, id, refused(), &rules, now).act, Act::Keep);
        now += wait(&it, now);
        it.attempt(id, 5, 2_000, at(now), &rules);
    }
    // What ends it is the age that the journal's caps have too.
    assert!(now - NOON > 10 * DAY);
    assert_eq!(it.totals().set_aside, 0);
}

#[test]
fn a_batch_is_given_up_when_it_has_been_in_flight_for_as_long_as_the_journal_keeps_events() {
    let rules = Rules::default();
    let (mut it, id) = trying(5, &rules);
    let mut now = NOON;
    let act = loop {
        match after(&mut it, id, refused(), &rules, now).act {
            Act::Keep => {}
            act => break act,
        }
        now += wait(&it, now);
        it.attempt(id, 5, 2_000, at(now), &rules);
    };
    assert_eq!(
        act,
        Act::SetAside(LossCause::Age, "given up: too old; the last answer: connection refused".to_owned())
    );
    assert!((30..32).contains(&((now - NOON) / DAY)));
}

#[test]
fn an_author_may_limit_the_attempts() {
    let rules = Rules { max_attempts: Some(2), ..Rules::default() };
    let (mut it, id) = trying(5, &rules);
    assert_eq!(after(&mut it, id, refused(), &rules, NOON).act, Act::Keep);
    it.attempt(id, 5, 2_000, at(NOON + DAY), &rules);
    let act = after(&mut it, id, refused(), &rules, NOON + DAY).act;
    assert!(matches!(act, Act::SetAside(LossCause::Attempts, _)), "{act:?}");
    assert_eq!((it.in_flight().len(), it.totals().set_aside), (0, 5));
}

#[test]
fn a_batch_that_fails_while_others_arrive_is_set_aside_and_stops_nobody() {
    let rules = Rules::default();
    let mut it = Schedule::default();
    let (mut now, mut others, mut last) = (NOON, 0, None);
    let poison = it.begin(1);
    while it.batch(poison).is_some() {
        let id = match it.pick(at(now), &rules, true) {
            Pick::Again(batch) => batch.id,
            Pick::Fresh => it.begin(7),
            Pick::NotBefore(moment) => {
                now = moment.seconds + 1;
                continue;
            }
            other => panic!("{other:?}"),
        };
        it.attempt(id, 1, 400, at(now), &rules);
        if id == poison {
            last = Some(after(&mut it, id, refused(), &rules, now).act);
        } else {
            others += 1;
            after(&mut it, id, Happened::Delivered, &rules, now);
        }
    }
    assert_eq!(others, FAILURES_OF_ITS_OWN);
    assert!(matches!(last, Some(Act::SetAside(..))), "{last:?}");
    assert!(now - NOON < DAY, "others wait too long: {}", now - NOON);
}

#[test]
fn an_outage_does_not_fill_the_schedule_with_batches() {
    let rules = Rules::default();
    let mut it = Schedule::default();
    let (mut now, mut attempts) = (NOON, 0);
    while now < NOON + 30 * DAY {
        let id = match it.pick(at(now), &rules, true) {
            Pick::Again(batch) => batch.id,
            Pick::Fresh => it.begin(1),
            Pick::NotBefore(moment) => {
                now = moment.seconds + 1;
                continue;
            }
            other => panic!("{other:?}"),
        };
        it.attempt(id, 1, 400, at(now), &rules);
        after(&mut it, id, refused(), &rules, now);
        attempts += 1;
    }
    assert!(it.in_flight().len() <= 8, "{}", it.in_flight().len());
    assert!(attempts < 150, "{attempts}");
    assert!(it.write().len() < 8 * 1024, "{}", it.write().len());
}

#[test]
fn batches_that_were_partly_kept_do_not_grow_without_bound() {
    let rules = Rules::default();
    let mut it = Schedule::default();
    let mut begun = 0;
    while begun <= IN_FLIGHT && it.pick(at(NOON), &rules, true) == Pick::Fresh {
        let id = tried(&mut it, 2, &rules, NOON);
        let verdicts = vec![Verdict::Delivered, Verdict::Retry("later".to_owned())];
        after(&mut it, id, Happened::Partial(verdicts), &rules, NOON);
        begun += 1;
    }
    assert_eq!((begun, it.in_flight().len()), (IN_FLIGHT, IN_FLIGHT));
    assert!(matches!(it.pick(at(NOON), &rules, true), Pick::NotBefore(_)));
}

#[test]
fn each_event_gets_its_own_verdict() {
    let rules = Rules::default();
    let (mut it, id) = trying(4, &rules);
    let verdicts = vec![
        Verdict::Retry("busy".to_owned()),
        Verdict::Delivered,
        Verdict::Rejected("no name".to_owned()),
        Verdict::Delivered,
    ];
    let step = after(&mut it, id, Happened::Partial(verdicts), &rules, NOON);
    let act = Act::Sort {
        delivered: vec![1, 3],
        set_aside: vec![(2, LossCause::Rejected, "no name".to_owned())],
        kept: vec![0],
        lost: vec![],
    };
    assert_eq!(step, Step { act, next: Next::GoOn });
    let totals = it.totals();
    assert_eq!((totals.delivered, totals.set_aside, totals.lost), (2, 1, 0));
    // The rest waits by itself and holds up nobody.
    assert_eq!(it.pick(at(NOON), &rules, true), Pick::Fresh);
    assert!(matches!(it.pick(at(NOON), &rules, false), Pick::NotBefore(_)));
    assert!(matches!(it.pick(at(NOON + MINUTE), &rules, true), Pick::Again(batch) if batch.id == id));
}

#[test]
fn verdicts_that_all_agree_are_that_one_outcome() {
    let rules = Rules::default();
    let (mut it, id) = trying(2, &rules);
    let all = Happened::Partial(vec![Verdict::Delivered; 2]);
    assert_eq!(after(&mut it, id, all, &rules, NOON).act, Act::Acknowledge);
    let id = tried(&mut it, 2, &rules, NOON);
    let all = Happened::Partial(vec![Verdict::Retry("busy".to_owned()); 2]);
    assert_eq!(after(&mut it, id, all, &rules, NOON), Step { act: Act::Keep, next: Next::Stop });
    assert_eq!(it.failures(), 1);
}

#[test]
fn verdicts_on_another_number_of_events_are_not_believed() {
    let rules = Rules::default();
    for verdicts in [vec![], vec![Verdict::Delivered], vec![Verdict::Delivered; 3]] {
        let (mut it, id) = trying(2, &rules);
        assert_eq!(after(&mut it, id, Happened::Partial(verdicts), &rules, NOON).act, Act::Keep);
        assert_eq!(it.last().map(|(_, outcome, _)| outcome.to_owned()), Some("crashed".to_owned()));
    }
}

#[test]
fn too_large_is_cut_until_the_event_that_is_too_large_stands_alone() {
    let rules = Rules::default();
    let mut it: Schedule<(u32, u32)> = Schedule::default();
    it.begin((0, 1_000));
    let culprit = 613;
    let (mut set_aside, mut delivered, mut requests) = (vec![], 0, 0);
    loop {
        let (id, (from, to)) = match it.pick(at(NOON), &rules, false) {
            Pick::Again(batch) => (batch.id, batch.span),
            Pick::Nothing => break,
            other => panic!("{other:?}"),
        };
        requests += 1;
        it.attempt(id, to - from, 400, at(NOON), &rules);
        let fits = !(from..to).contains(&culprit);
        let happened = if fits { Happened::Delivered } else { Happened::TooLarge };
        let step = it.after_attempt(id, happened, at(NOON), &rules, &mut half);
        assert_eq!(step.next, Next::GoOn);
        match step.act {
            Act::Acknowledge => delivered += to - from,
            Act::SetAside(..) => set_aside.push((from, to)),
            Act::Split { at } => {
                // A crash between any two steps finds the halves.
                it.split(id, (from, from + at), (from + at, to));
                it = Schedule::read(&it.write()).expect("it was just written");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((set_aside, delivered), (vec![(613, 614)], 999));
    assert!(requests <= 21, "{requests}");
}

#[test]
fn a_split_that_is_not_done_does_not_make_a_loop() {
    let rules = Rules::default();
    let (mut it, id) = trying(10, &rules);
    assert_eq!(after(&mut it, id, Happened::TooLarge, &rules, NOON).act, Act::Split { at: 5 });
    assert!(matches!(it.pick(at(NOON), &rules, true), Pick::NotBefore(_) | Pick::Fresh));
    assert!(matches!(it.pick(at(NOON), &rules, false), Pick::NotBefore(_)));
}

#[test]
fn what_is_rejected_is_set_aside_with_the_reason() {
    let rules = Rules::default();
    let (mut it, id) = trying(3, &rules);
    let step = after(&mut it, id, rejected("400: no such project\u{1b}[2J\n"), &rules, NOON);
    // A terminal must not obey what a vendor says.
    assert_eq!(
        step,
        Step {
            act: Act::SetAside(LossCause::Rejected, "400: no such project [2J ".to_owned()),
            next: Next::GoOn
        }
    );
    assert_eq!((it.in_flight().len(), it.totals().set_aside), (0, 3));
}

#[test]
fn a_vendor_that_rejects_everything_gets_no_more_of_the_journal() {
    let rules = Rules::default();
    let mut it = Schedule::default();
    for nth in 1..=REJECTIONS_BEFORE_HOLD {
        let id = tried(&mut it, 3, &rules, NOON);
        let next = after(&mut it, id, rejected("401: revoked"), &rules, NOON).next;
        assert_eq!(next == Next::Stop, nth == REJECTIONS_BEFORE_HOLD);
    }
    let why = "the vendor rejected 3 batches in a row: 401: revoked";
    assert_eq!(it.pick(at(NOON), &rules, true), Pick::Held(why));
    // The author changes the key: at once.
    let mended = Rules { configuration: 1, ..rules.clone() };
    assert_eq!(it.pick(at(NOON), &mended, true), Pick::Fresh);
    // Nothing changes here: once a day.
    assert_eq!(it.pick(at(NOON + DAY), &rules, true), Pick::Fresh);
    let id = tried(&mut it, 3, &rules, NOON + DAY);
    assert_eq!(after(&mut it, id, rejected("401: revoked"), &rules, NOON + DAY).next, Next::Stop);
    assert!(matches!(it.gate(at(NOON + DAY), &rules), Gate::Held(_)));
    let (_, since, _) = it.held(&rules).expect("it is held");
    assert_eq!(since, at(NOON));
    // And a success ends it.
    let id = tried(&mut it, 3, &rules, NOON + 3 * DAY);
    after(&mut it, id, Happened::Delivered, &rules, NOON + 3 * DAY);
    assert_eq!((it.held(&rules), it.gate(at(NOON + 3 * DAY), &rules)), (None, Gate::Open));
}

#[test]
fn one_event_that_crashes_the_backend_is_found_and_the_rest_is_delivered() {
    let rules = Rules::default();
    let mut it: Schedule<(u32, u32)> = Schedule::default();
    it.begin((0, 64));
    let (mut now, mut set_aside, mut delivered) = (NOON, vec![], 0);
    loop {
        let (id, (from, to)) = match it.pick(at(now), &rules, false) {
            Pick::Again(batch) => (batch.id, batch.span),
            Pick::NotBefore(moment) => {
                now = moment.seconds + 1;
                continue;
            }
            Pick::Nothing => break,
            other => panic!("{other:?}"),
        };
        it.attempt(id, to - from, 400, at(now), &rules);
        let happened = if (from..to).contains(&41) { crashed() } else { Happened::Delivered };
        match it.after_attempt(id, happened, at(now), &rules, &mut half).act {
            Act::Acknowledge => delivered += to - from,
            Act::Keep => {}
            Act::SetAside(_, why) => set_aside.push((from, to, why)),
            Act::Split { at } => {
                it.split(id, (from, from + at), (from + at, to));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(set_aside, [(41, 42, "the backend failed on this event: trap".to_owned())]);
    assert_eq!(delivered, 63);
    assert!(now - NOON < 7 * DAY);
}

#[test]
fn a_backend_that_only_crashes_holds_and_no_event_pays_for_it() {
    let rules = Rules::default();
    let mut it: Schedule<(u32, u32)> = Schedule::default();
    it.begin((0, 64));
    let (mut now, mut crashes) = (NOON, 0);
    let why = loop {
        let (id, (from, to)) = match it.pick(at(now), &rules, true) {
            Pick::Again(batch) => (batch.id, batch.span),
            Pick::Fresh => (it.begin((64, 128)), (64, 128)),
            Pick::NotBefore(moment) => {
                now = moment.seconds + 1;
                continue;
            }
            Pick::Held(why) => break why.to_owned(),
            other => panic!("{other:?}"),
        };
        it.attempt(id, to - from, 400, at(now), &rules);
        crashes += 1;
        match it.after_attempt(id, crashed(), at(now), &rules, &mut half).act {
            Act::Keep => {}
            Act::Split { at } => {
                it.split(id, (from, from + at), (from + at, to));
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(crashes, CRASHES_BEFORE_HOLD);
    assert_eq!(why, "the backend failed 8 times in a row: trap");
    assert_eq!((it.totals().set_aside, it.totals().lost), (0, 0));
}

#[test]
fn the_only_event_there_is_does_not_pay_for_a_backend_that_only_crashes() {
    let rules = Rules::default();
    let mut it: Schedule<u32> = Schedule::default();
    let id = it.begin(1);
    let mut now = NOON;
    let why = loop {
        match it.pick(at(now), &rules, false) {
            Pick::Again(_) => {}
            Pick::NotBefore(moment) => {
                now = moment.seconds + 1;
                continue;
            }
            Pick::Held(why) => break why.to_owned(),
            other => panic!("{other:?}"),
        }
        it.attempt(id, 1, 400, at(now), &rules);
        assert_eq!(it.after_attempt(id, crashed(), at(now), &rules, &mut half).act, Act::Keep);
    };
    assert_eq!(why, "the backend failed 8 times in a row: trap");
}

#[test]
fn a_sender_that_dies_in_each_attempt_stops_trying() {
    let rules = Rules::default();
    let mut it: Schedule<u32> = Schedule::default();
    let (mut now, mut attempts) = (NOON, 0);
    while now < NOON + 10 * DAY {
        // A sender starts, tries, and dies: nothing but the schedule is left.
        it = Schedule::read(&it.write()).expect("it was just written");
        for (batch, step) in it.resume(at(now), &rules, &mut half) {
            if let Act::Split { at } = step.act {
                it.split(batch.id, at, batch.events - at);
            }
        }
        let next = match it.pick(at(now), &rules, true) {
            Pick::Again(batch) => Some((batch.id, batch.span)),
            Pick::Fresh => Some((it.begin(100), 100)),
            _ => None,
        };
        if let Some((id, events)) = next {
            it.attempt(id, events, 400, at(now), &rules);
            attempts += 1;
        }
        now += MINUTE;
    }
    assert!(attempts < 30, "{attempts}");
    assert!(matches!(it.gate(at(now), &rules), Gate::Held(_)));
}

#[test]
fn a_denial_costs_no_event_and_no_attempt() {
    let rules = Rules::default();
    let (mut it, id) = trying(3, &rules);
    let step = after(&mut it, id, Happened::Denied, &rules, NOON);
    assert_eq!(step, Step { act: Act::Keep, next: Next::Stop });
    assert_eq!(it.batch(id).map(|batch| (batch.attempts, batch.trying)), Some((0, false)));
    let attempt = it.attempt(id, 3, 400, at(NOON), &rules);
    assert_eq!(attempt, Some(Attempt { number: 1, claim: false }));
    it.withdraw(id);
    assert_eq!(it.batch(id).map(|batch| (batch.attempts, batch.trying)), Some((0, false)));
}

#[test]
fn a_backend_that_is_not_set_up_holds_until_it_is() {
    let rules = Rules::default();
    let (mut it, id) = trying(3, &rules);
    let step = after(&mut it, id, Happened::Held("grant endpoints.intake".to_owned()), &rules, NOON);
    assert_eq!(step, Step { act: Act::Keep, next: Next::Stop });
    assert_eq!(it.pick(at(NOON + HOUR), &rules, true), Pick::Held("grant endpoints.intake"));
    let mended = Rules { configuration: 1, ..rules };
    assert!(matches!(it.pick(at(NOON + HOUR), &mended, true), Pick::Again(batch) if batch.id == id));
    assert_eq!(it.held(&mended), None);
}

#[test]
fn at_most_once_claims_first_and_never_sends_again() {
    let rules = at_most_once();
    for happened in [refused(), crashed(), Happened::Denied, Happened::Held("no grant".to_owned())] {
        let mut it = Schedule::default();
        let id = it.begin(3);
        let attempt = it.attempt(id, 3, 400, at(NOON), &rules);
        assert_eq!(attempt, Some(Attempt { number: 1, claim: true }));
        let step = after(&mut it, id, happened.clone(), &rules, NOON);
        assert!(matches!(step.act, Act::Lose(_)), "{happened:?}: {step:?}");
        assert_eq!((it.in_flight().len(), it.totals().lost), (0, 3), "{happened:?}");
    }
    let (mut it, id) = trying(4, &rules);
    let verdicts = vec![
        Verdict::Retry("busy".to_owned()),
        Verdict::Delivered,
        Verdict::Rejected("no name".to_owned()),
        Verdict::Retry("busy".to_owned()),
    ];
    let step = after(&mut it, id, Happened::Partial(verdicts), &rules, NOON);
    let act = Act::Sort {
        delivered: vec![1],
        set_aside: vec![(2, LossCause::Rejected, "no name".to_owned())],
        kept: vec![],
        lost: vec![0, 3],
    };
    assert_eq!((step.act, it.in_flight().len(), it.totals().lost), (act, 0, 2));
}

#[test]
fn at_most_once_still_waits_while_the_vendor_is_away() {
    let rules = at_most_once();
    let (mut it, id) = trying(3, &rules);
    assert_eq!(after(&mut it, id, refused(), &rules, NOON).next, Next::Stop);
    assert!(matches!(it.pick(at(NOON), &rules, true), Pick::NotBefore(_)));
}

#[test]
fn at_most_once_learns_a_smaller_size_without_sending_anything_twice() {
    let rules = at_most_once();
    let (mut it, id) = trying(100, &rules);
    let step = after(&mut it, id, Happened::TooLarge, &rules, NOON);
    assert!(matches!(step, Step { act: Act::SetAside(..), next: Next::GoOn }));
    assert_eq!(it.in_flight().len(), 0);
}

#[test]
fn what_was_tried_before_the_author_chose_at_most_once_is_not_tried_again() {
    let before = Rules::default();
    let (mut it, id) = trying(3, &before);
    after(&mut it, id, refused(), &before, NOON);
    let dying = tried(&mut it, 4, &before, NOON);
    let steps = it.resume(at(NOON), &at_most_once(), &mut half);
    let ids: Vec<_> =
        steps.iter().map(|(batch, step)| (batch.id, matches!(step.act, Act::Lose(_)))).collect();
    assert_eq!(ids, [(dying, true), (id, true)]);
    assert_eq!((it.in_flight().len(), it.totals().lost), (0, 7));
}

#[test]
fn a_journal_that_does_not_take_the_acknowledgement_stops_the_sender() {
    let rules = Rules::default();
    let (mut it, id) = trying(3, &rules);
    after(&mut it, id, Happened::Delivered, &rules, NOON);
    let next = it.stumbled("no space left on the device", at(NOON), &rules, &mut half);
    assert_eq!(next, Next::Stop);
    assert!(matches!(it.pick(at(NOON), &rules, true), Pick::NotBefore(_)));
    assert_eq!(
        it.last().map(|(_, _, reason)| reason.to_owned()),
        Some("no space left on the device".to_owned())
    );
}
