//! The clock may lie: neither a flood nor an endless wait comes of it.

use super::*;
use crate::delivery::starts::{Start, Starts, may_start};

/// A machine on which the tool runs every minute.
struct Machine {
    starts: Vec<u8>,
    schedule: Vec<u8>,
    requests: u32,
    delivered: bool,
}

impl Machine {
    fn run(&mut self, clock: i64, up: bool) {
        let rules = Rules::default();
        let mut starts = Starts::read(&self.starts).unwrap_or_default();
        let schedule: Result<Schedule<u32>, _> = Schedule::read(&self.schedule);
        if may_start(schedule.as_ref(), &starts, at(clock), &rules, 7) != Start::Due {
            return;
        }
        starts.started(at(clock), true);
        self.starts = starts.write();
        let mut schedule = schedule.unwrap_or_else(|_| Schedule::after_damage(at(clock), &rules, &mut half));
        let resumed = schedule.resume(at(clock), &rules, &mut half);
        assert!(resumed.is_empty(), "nobody died: {resumed:?}");
        self.schedule = schedule.write();
        let id = match schedule.pick(at(clock), &rules, true) {
            Pick::Again(batch) => batch.id,
            Pick::Fresh => schedule.begin(1),
            _ => return,
        };
        schedule.attempt(id, 1, 400, at(clock), &rules);
        self.requests += 1;
        let step = after(&mut schedule, id, if up { Happened::Delivered } else { refused() }, &rules, clock);
        self.delivered |= step.act == Act::Acknowledge;
        assert!(matches!(step.act, Act::Acknowledge | Act::Keep), "an event paid for the clock: {step:?}");
        self.schedule = schedule.write();
    }
}

/// Runs a day in an outage before the clock jumps, ten days in it after, and then the vendor is back.
fn jump(to: i64) {
    let empty: Schedule<u32> = Schedule::default();
    let mut machine =
        Machine { starts: Starts::default().write(), schedule: empty.write(), requests: 0, delivered: false };
    for minute in 0..24 * 60 {
        machine.run(NOON + minute * MINUTE, false);
    }
    assert!((4..20).contains(&machine.requests), "{}", machine.requests);
    machine.requests = 0;
    let mut clock = to;
    for _ in 0..10 * 24 * 60 {
        machine.run(clock, false);
        clock = clock.saturating_add(MINUTE);
    }
    assert!((1..60).contains(&machine.requests), "{} requests after a jump to {to}", machine.requests);
    let back = clock;
    while !machine.delivered {
        machine.run(clock, true);
        clock = clock.saturating_add(MINUTE);
        assert!(clock.saturating_sub(back) < 2 * DAY, "still waiting after a jump to {to}");
    }
}

#[test]
fn a_clock_set_ten_years_ahead() {
    jump(NOON + 10 * YEAR);
}

#[test]
fn a_clock_set_ten_years_back() {
    jump(NOON - 10 * YEAR);
}

#[test]
fn a_clock_that_begins_again_in_1970_or_before() {
    jump(0);
    jump(-1);
    jump(-100 * YEAR);
}

#[test]
fn a_clock_around_the_end_of_32_bits() {
    jump(i64::from(i32::MAX) - DAY);
    jump(i64::from(i32::MAX) + 1);
    jump(i64::from(u32::MAX) - DAY);
}

#[test]
fn a_clock_that_goes_back_by_an_hour_or_some_seconds() {
    jump(NOON + DAY - HOUR);
    jump(NOON + DAY - 10);
}

#[test]
fn a_clock_at_the_ends_of_what_can_be_written() {
    jump(-62_135_596_800);
    jump(253_402_300_799);
    // Where milliseconds no longer fit there is nothing to wait for: all that is asked is no panic.
    for end in [i64::MIN, i64::MAX] {
        let mut schedule: Schedule<u32> = Schedule::default();
        let id = tried(&mut schedule, 1, &Rules::default(), end);
        after(&mut schedule, id, refused(), &Rules::default(), end);
        schedule.heal(at(NOON), &Rules::default());
        assert!(wait(&schedule, NOON) <= 48 * HOUR);
    }
}

#[test]
fn a_clock_that_was_ten_years_ahead_during_one_attempt() {
    let rules = Rules::default();
    let (mut schedule, id) = trying(1, &rules);
    after(&mut schedule, id, refused(), &rules, NOON + 10 * YEAR);
    // The wait begins again, and lasts.
    assert!(schedule.heal(at(NOON), &rules));
    assert_eq!(wait(&schedule, NOON), 450);
    assert!(!schedule.heal(at(NOON + 100), &rules));
    assert_eq!(wait(&schedule, NOON), 450);
}

#[test]
fn a_jumping_clock_makes_no_batch_too_old() {
    let rules = Rules::default();
    let (mut schedule, id) = trying(1, &rules);
    let mut clock = NOON;
    for _ in 0..10 {
        assert_eq!(after(&mut schedule, id, refused(), &rules, clock).act, Act::Keep);
        clock += 10 * YEAR;
        schedule.attempt(id, 1, 400, at(clock), &rules);
    }
}
