//! The promises of the policy, in virtual time.

mod claims;
mod clocks;
mod damage;
mod denied;
mod model;
mod sessions;
mod starts;
mod steps;

use super::policy::{Act, Happened, Next, Pick, Step, Verdict};
use super::rules::{Rules, Semantics};
use super::schedule::Schedule;
use crate::event::Timestamp;
use crate::journal::LossCause;

/// 2026-08-01T12:07:00Z: away from every crowd.
const NOON: i64 = 1_785_586_020;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

fn at_most_once() -> Rules {
    Rules { semantics: Semantics::AtMostOnce, ..Rules::default() }
}

fn refused() -> Happened {
    Happened::Retry { reason: "connection refused".to_owned(), after_ms: None }
}

/// Half of every window.
fn half() -> f64 {
    0.5
}

/// A schedule with one batch of so many events that is being tried.
fn trying(events: u32, rules: &Rules) -> (Schedule<u32>, u64) {
    let mut schedule = Schedule::default();
    let id = tried(&mut schedule, events, rules, NOON);
    (schedule, id)
}

/// Begins another one and tries it.
fn tried(schedule: &mut Schedule<u32>, events: u32, rules: &Rules, now: i64) -> u64 {
    let id = schedule.begin(events);
    assert!(schedule.attempt(id, events, u64::from(events) * 400, at(now), rules).is_some());
    id
}

fn after(schedule: &mut Schedule<u32>, id: u64, happened: Happened, rules: &Rules, now: i64) -> Step {
    schedule.after_attempt(id, happened, at(now), rules, &mut half)
}

/// The seconds until a request may leave, by the schedule.
fn wait(schedule: &Schedule<u32>, now: i64) -> i64 {
    schedule.not_before().map_or(0, |moment| moment.seconds - now)
}
