//! Whether this run may start a sender.
//!
//! [`Starts`] is a small file of its own, because runs write it that do not hold the sender's lock. A run
//! writes it *before* it starts a sender, and starts none where it cannot be written. So neither damage
//! nor a clock that lies can make a flood: the first start puts it right. Two runs that start a sender at
//! the same moment harm nobody, since only one of the two gets the lock.
//!
//! Timers are what makes a fleet move together: cron on a hundred thousand machines at minute 0. Such a
//! run leaves the sending to a run at another time, and does it itself only if there has long been none.

use serde::Serialize;

use super::clock::{TOLERANCE_MS, millis, ms, timestamp};
use super::codec::{self, Unreadable};
use super::policy::Gate;
use super::rules::{Crowd, Rules};
use super::schedule::Schedule;
use super::spread::unit;
use crate::event::Timestamp;
use crate::json::{self, Object};
use std::time::Duration;

const NAME: &str = "telemetry-starts";
const VERSION: u32 = 1;

/// A child that was started detached has this long to leave its mark.
pub const CHILD_PROVES_WITHIN: Duration = Duration::from_secs(60);

/// Where a detached child never proved itself (its kind is killed with its parent there), it is tried
/// again after this long: the machine may have changed.
pub const DETACH_AGAIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// When senders were started.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Starts {
    at: Option<i64>,
    number: u64,
    /// The number of the last start of a detached child, and when.
    detached: Option<(u64, i64)>,
}

/// Whether this run may start a sender.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// It may.
    Due,
    /// No. A long-running tool asks again then.
    NotBefore(Timestamp),
    /// No, for this reason.
    Held(String),
}

/// What is known of the last detached child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Child {
    /// None was ever started.
    Untried,
    /// It left its mark.
    Proved,
    /// It was started a moment ago.
    Pending,
    /// It should have left its mark, and did not.
    Missing,
}

impl Starts {
    /// The starts from their file.
    ///
    /// # Errors
    /// [`Unreadable::Damaged`]: go on with the default. [`Unreadable::Newer`]: start no sender.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        Self::of(codec::body(NAME, VERSION, bytes)?).ok_or(Unreadable::Damaged)
    }

    fn of(body: &[u8]) -> Option<Self> {
        let body = Object::read(body)?;
        Some(Self {
            at: body.optional("at", json::whole)?,
            number: body.optional("number", json::count)?.unwrap_or_default(),
            detached: body.optional("detached", |it| match &it.as_array()?[..] {
                [number, at] => Some((json::count(number)?, json::whole(at)?)),
                _ => None,
            })?,
        })
    }

    /// The file's content.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        codec::write(NAME, VERSION, self)
    }

    /// Notes a start, which is then written before the sender is started. A detached child reads the
    /// number back with [`Starts::detached`].
    pub fn started(&mut self, now: Timestamp, detached: bool) {
        self.number = self.number.wrapping_add(1);
        self.at = Some(ms(now));
        if detached {
            self.detached = Some((self.number, ms(now)));
        }
    }

    /// When a sender was last started.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.at.map(timestamp)
    }

    /// The number of the last detached start: what its child gives to [`Schedule::prove`].
    #[must_use]
    pub fn detached(&self) -> Option<u64> {
        self.detached.map(|(number, _)| number)
    }

    /// What is known of the last detached child, by [`Schedule::proof`].
    #[must_use]
    pub fn child(&self, proof: Option<u64>, now: Timestamp) -> Child {
        match self.detached {
            None => Child::Untried,
            Some((number, _)) if proof == Some(number) => Child::Proved,
            Some((_, at)) if in_the_last(CHILD_PROVES_WITHIN, at, ms(now)) => Child::Pending,
            Some(_) => Child::Missing,
        }
    }

    /// Whether a child may be started detached: not where the last one never arrived, until after a week.
    #[must_use]
    pub fn may_detach(&self, proof: Option<u64>, now: Timestamp) -> bool {
        match (self.child(proof, now), self.detached) {
            (Child::Missing, Some((_, at))) => !in_the_last(DETACH_AGAIN, at, ms(now)),
            _ => true,
        }
    }

    /// Whether it is too early for another start whatever machine this is and whatever the schedule says: that can be
    /// told from this file alone.
    #[must_use]
    pub fn is_recent(&self, now: Timestamp, rules: &Rules) -> bool {
        let now = ms(now);
        let at = self.at.filter(|at| *at <= now.saturating_add(TOLERANCE_MS));
        at.is_some_and(|at| now < at.saturating_add(millis(rules.interval)))
    }

    /// Whether the throttle allows a start. `seed` is the machine's: the same for all its runs.
    ///
    /// The first sender of a journal is always due: where homes are thrown away, there is no second.
    #[must_use]
    pub fn due(&self, now: Timestamp, rules: &Rules, seed: u64) -> Start {
        let now = ms(now);
        // A start in the future was noted under another clock.
        let Some(at) = self.at.filter(|at| *at <= now.saturating_add(TOLERANCE_MS)) else {
            return Start::Due;
        };
        let stretch = rules.interval_stretch.clamp(0.0, 1.0) * unit(seed, "interval", self.number);
        let interval = stretched(rules.interval, stretch);
        let ready = at.saturating_add(interval);
        let Some(crowd) = &rules.crowd else {
            return if now >= ready { Start::Due } else { Start::NotBefore(timestamp(ready)) };
        };
        let patient = between(crowd.wait_min, crowd.wait_max, unit(seed, "crowd", self.number)).max(interval);
        match crowded(now.max(ready), crowd) {
            None if now >= ready => Start::Due,
            None => Start::NotBefore(timestamp(ready)),
            Some(_) if now >= at.saturating_add(patient) => Start::Due,
            Some(until) => {
                // Not all at the end of the crowd either.
                let room = millis(crowd.every).saturating_sub(millis(crowd.lasts)).max(0);
                let later = (room as f64 * unit(seed, "after the crowd", self.number)) as i64;
                Start::NotBefore(timestamp(until.saturating_add(later)))
            }
        }
    }
}

/// Whether this run may start a sender: by the throttle, and by what the last sender left in the schedule.
///
/// `seed` is the machine's. A run that only wants to know cheaply asks [`Starts::due`] first and reads the
/// schedule only if that allows a start.
#[must_use]
pub fn may_start<S>(
    schedule: Result<&Schedule<S>, &Unreadable>,
    starts: &Starts,
    now: Timestamp,
    rules: &Rules,
    seed: u64,
) -> Start {
    let throttle = starts.due(now, rules, seed);
    match schedule {
        Err(newer @ Unreadable::Newer { .. }) => Start::Held(format!("the delivery schedule: {newer}")),
        // The sender replaces it by one that waits.
        Err(Unreadable::Damaged) => throttle,
        Ok(schedule) => match (schedule.gate(now, rules), throttle) {
            (Gate::Held(reason), _) => Start::Held(reason.to_owned()),
            (Gate::Open, throttle) => throttle,
            (Gate::NotBefore(a), Start::NotBefore(b)) => Start::NotBefore(a.max(b)),
            (Gate::NotBefore(moment), _) => Start::NotBefore(moment),
        },
    }
}

fn in_the_last(duration: Duration, at: i64, now: i64) -> bool {
    (0..millis(duration)).contains(&now.saturating_sub(at))
}

fn stretched(duration: Duration, by: f64) -> i64 {
    let whole = millis(duration);
    whole.saturating_add((whole as f64 * by) as i64)
}

fn between(min: Duration, max: Duration, share: f64) -> i64 {
    let (min, max) = (millis(min), millis(max));
    min.saturating_add((max.saturating_sub(min).max(0) as f64 * share) as i64)
}

/// The end of the crowd that this moment lies in.
fn crowded(moment: i64, crowd: &Crowd) -> Option<i64> {
    let every = millis(crowd.every).max(1);
    let into = moment.rem_euclid(every);
    (into < millis(crowd.lasts)).then(|| moment.saturating_sub(into).saturating_add(millis(crowd.lasts)))
}
