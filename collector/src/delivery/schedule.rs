//! The state of delivery that outlives a sender, so that a hundred runs in an outage are not a hundred
//! requests.
//!
//! Only the sender that holds the journal's lock writes it. A run that wants to know whether to start a
//! sender reads it, and writes [`Starts`](super::starts::Starts) instead: two writers never meet.
//!
//! What it survives:
//! - *Damage.* [`Schedule::read`] notices it; the sender goes on from [`Schedule::after_damage`], which
//!   waits as if an attempt had just failed. Batches in flight are then cut anew: events keep their ids,
//!   so a vendor can drop what it has. (Under at-most-once the journal holds the claims, not this file.)
//! - *A newer format.* It is left alone; this release does not send.
//! - *A clock that lies.* [`Schedule::heal`] moves every moment so that what was left to wait is what is
//!   left to wait, and no wait is longer than the rules can make one.
//! - *A death during an attempt.* The batch says that it was being tried; [`Schedule::resume`](
//!   super::policy) treats that as a crash of the backend, so that a sender that dies each time does not
//!   try for ever.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::backoff::Random;
use super::clock::{TOLERANCE_MS, millis, ms, timestamp};
use super::codec::{self, Unreadable};
use super::rules::Rules;
use crate::event::Timestamp;

const NAME: &str = "telemetry-schedule";
const VERSION: u32 = 1;

/// Longest reason that is kept, in characters: enough for a sentence of a vendor's.
const LONGEST_REASON: usize = 300;

/// The state of delivery. `S` is how the journal says which events a batch holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule<S> {
    /// When it was last changed, by the clock of then.
    pub(super) changed: Option<i64>,
    /// No request before.
    pub(super) not_before: Option<i64>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Crashes of the backend in a row.
    pub(super) crashes: u32,
    /// Batches rejected in a row.
    pub(super) rejections: u32,
    /// How often a batch, or a part of one, was delivered.
    pub(super) successes: u64,
    pub(super) last: Option<Last>,
    pub(super) last_success: Option<i64>,
    pub(super) hold: Option<Hold>,
    /// The start whose detached child proved itself.
    pub(super) proof: Option<u64>,
    pub(super) smaller: Option<Smaller>,
    pub(super) next_id: u64,
    pub(super) in_flight: Vec<InFlight<S>>,
    pub(super) totals: Totals,
}

/// A batch that was tried and is not done with.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct InFlight<S> {
    /// Its number in this schedule, never used again.
    pub id: u64,
    /// Which events it holds.
    pub span: S,
    /// How many events were left in it at the last attempt.
    pub events: u32,
    /// Their estimated size at the last attempt, in bytes.
    pub bytes: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it was cut out of a bigger one.
    pub depth: u32,
    /// It is being tried: found by a later sender, the one that tried died.
    pub trying: bool,
    pub(super) first_tried: i64,
    pub(super) last_tried: i64,
    /// How long it has been in flight, in steps that a jumping clock cannot stretch.
    pub(super) age: i64,
    pub(super) not_before: Option<i64>,
    /// Failures while others were delivered.
    pub(super) own_failures: u32,
    pub(super) crashes: u32,
    /// [`Schedule::successes`] at the last attempt.
    pub(super) seen: u64,
}

impl<S> InFlight<S> {
    /// When it was first tried.
    #[must_use]
    pub fn first_tried(&self) -> Timestamp {
        timestamp(self.first_tried)
    }
}

/// Why nothing is sent although there are events.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Hold {
    pub(super) reason: String,
    pub(super) since: i64,
    pub(super) until: i64,
    /// [`Rules::configuration`] then.
    pub(super) configuration: u64,
}

/// A size that the vendor called too large.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Smaller {
    pub(super) events: u32,
    pub(super) bytes: u64,
    pub(super) at: i64,
}

/// The last attempt and what became of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) at: i64,
    pub(super) outcome: String,
    pub(super) reason: String,
}

/// What became of the events of one journal, counted since the schedule was new.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Events that the vendor took.
    pub delivered: u64,
    /// Events that were set aside: rejected, too large, or given up.
    pub set_aside: u64,
    /// Events that were claimed and did not arrive, or may not have (at-most-once only).
    pub lost: u64,
    /// Attempts, each of which is one call of the backend.
    pub attempts: u64,
}

impl<S> Default for Schedule<S> {
    fn default() -> Self {
        Self {
            changed: None,
            not_before: None,
            failures: 0,
            crashes: 0,
            rejections: 0,
            successes: 0,
            last: None,
            last_success: None,
            hold: None,
            proof: None,
            smaller: None,
            next_id: 0,
            in_flight: Vec::new(),
            totals: Totals::default(),
        }
    }
}

impl<S: Serialize + DeserializeOwned> Schedule<S> {
    /// A schedule from its file.
    ///
    /// # Errors
    /// [`Unreadable::Damaged`]: go on with [`Schedule::after_damage`] and write that.
    /// [`Unreadable::Newer`]: leave the file alone and do not send.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        codec::read(NAME, VERSION, bytes)
    }

    /// The file's content.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        codec::write(NAME, VERSION, self)
    }
}

impl<S> Schedule<S> {
    /// What takes the place of a damaged schedule: as if an attempt had just failed.
    #[must_use]
    pub fn after_damage(now: Timestamp, rules: &Rules, random: Random<'_>) -> Self {
        let now = ms(now);
        // Never at once: a file that is damaged again and again must not mean request upon request.
        let wait = rules.interval.saturating_add(rules.backoff.wait(1, random));
        Self {
            changed: Some(now),
            not_before: Some(now.saturating_add(millis(wait))),
            failures: 1,
            last: Some(Last { at: now, outcome: "retry".into(), reason: "the schedule was damaged".into() }),
            ..Self::default()
        }
    }

    /// Makes every moment agree with the clock. Answers whether anything was moved.
    ///
    /// A schedule that was changed in the future was changed under another clock: all moments move by the
    /// difference, so that a wait begins again and does not last ten years. The first thing that a
    /// sender does; [`Schedule::resume`] does it too.
    pub fn heal(&mut self, now: Timestamp, rules: &Rules) -> bool {
        let now = ms(now);
        let mut moved = false;
        if let Some(changed) = self.changed
            && changed > now.saturating_add(TOLERANCE_MS)
        {
            let by = changed.saturating_sub(now);
            self.each_moment(&mut |moment| *moment = moment.saturating_sub(by));
            moved = true;
        }
        let latest = now.saturating_add(millis(rules.longest_wait()));
        self.each_moment(&mut |moment| {
            if *moment > latest {
                *moment = latest;
                moved = true;
            }
        });
        if moved {
            self.changed = Some(now);
        }
        moved
    }

    fn each_moment(&mut self, change: &mut dyn FnMut(&mut i64)) {
        self.changed.iter_mut().for_each(&mut *change);
        self.not_before.iter_mut().for_each(&mut *change);
        self.last_success.iter_mut().for_each(&mut *change);
        self.last.iter_mut().for_each(|last| change(&mut last.at));
        self.smaller.iter_mut().for_each(|smaller| change(&mut smaller.at));
        if let Some(hold) = &mut self.hold {
            change(&mut hold.since);
            change(&mut hold.until);
        }
        for batch in &mut self.in_flight {
            change(&mut batch.first_tried);
            change(&mut batch.last_tried);
            batch.not_before.iter_mut().for_each(&mut *change);
        }
    }

    /// The batches in flight.
    #[must_use]
    pub fn in_flight(&self) -> &[InFlight<S>] {
        &self.in_flight
    }

    /// A batch in flight.
    #[must_use]
    pub fn batch(&self, id: u64) -> Option<&InFlight<S>> {
        self.in_flight.iter().find(|batch| batch.id == id)
    }

    /// Failures in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// What became of all events so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// No request before this moment; none if there is nothing to wait for.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before.map(timestamp)
    }

    /// The last attempt: when, what became of it in a word, and why.
    #[must_use]
    pub fn last(&self) -> Option<(Timestamp, &str, &str)> {
        self.last.as_ref().map(|last| (timestamp(last.at), last.outcome.as_str(), last.reason.as_str()))
    }

    /// When something was last delivered.
    #[must_use]
    pub fn last_success(&self) -> Option<Timestamp> {
        self.last_success.map(timestamp)
    }

    /// Why nothing is sent, since when and until when, if the hold was made under this configuration.
    #[must_use]
    pub fn held(&self, rules: &Rules) -> Option<(&str, Timestamp, Timestamp)> {
        let hold = self.hold.as_ref().filter(|hold| hold.configuration == rules.configuration)?;
        Some((&hold.reason, timestamp(hold.since), timestamp(hold.until)))
    }

    /// Ends every wait and hold: the user asked for delivery at once.
    pub fn lift(&mut self) {
        self.not_before = None;
        self.hold = None;
        self.in_flight.iter_mut().for_each(|batch| batch.not_before = None);
    }

    /// The start whose detached child last proved itself, by its number.
    #[must_use]
    pub fn proof(&self) -> Option<u64> {
        self.proof
    }

    /// A detached child that holds the lock leaves its mark: the number of its start.
    pub fn prove(&mut self, start: u64) {
        self.proof = Some(start);
    }
}

/// A reason as it is kept and shown: one line, short, nothing that a terminal would obey. What is left out is
/// not left out in silence: the line that an author should add may be in it.
pub(super) fn tidy(reason: &str) -> String {
    let mut chars = reason.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut kept: String = chars.by_ref().take(LONGEST_REASON).collect();
    if chars.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}
