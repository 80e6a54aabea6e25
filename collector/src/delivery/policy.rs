//! What the end of an attempt means.
//!
//! A sender's whole loop, with everything that touches a disk or a network in capitals:
//!
//! ```text
//! for (batch, step) in schedule.resume(now, …)          → APPLY step.act
//! WRITE schedule                                         even without a step: what a clock moved must last
//! loop {
//!     match schedule.pick(now, rules, MORE IN JOURNAL) {
//!         Fresh        → id = schedule.begin(CUT A BATCH, …)
//!         Again(batch) → READ the batch's span; if nothing is left in it, schedule.done(id)
//!         NotBefore(t) | Held(why) | Nothing → stop
//!     }
//!     ASK CONSENT
//!     attempt = schedule.attempt(id, …); WRITE schedule     the boundary and the attempt are durable
//!     if attempt.claim { ACKNOWLEDGE, DURABLY }             at-most-once
//!     happened = SEND
//!     step = schedule.after_attempt(id, happened, …)
//!     APPLY step.act to the journal, then WRITE schedule    in this order: a crash in between sends
//!     match step.next { GoOn, Wait(t), Stop }               twice (or finds an empty batch), never nothing
//! }
//! ```
//!
//! At-least-once: what is not acknowledged is sent again. At-most-once: what was claimed is never sent
//! again, and a failure is a counted loss.
//!
//! An outage is the vendor's and waits for as long as the journal's caps allow. A batch that fails while
//! others are delivered is itself the trouble: it lets others go first, is cut where that helps, and is
//! set aside in the end. A backend that crashes, or that rejects everything, *holds*: the events stay.

pub use super::batches::{Attempt, Gate, Pick};

use super::after::After;
use super::backoff::{Random, part};
use super::clock::{millis, ms};
use super::rules::{HOLD_RECHECK, Rules, Semantics};
use super::schedule::{Hold, InFlight, Last, Schedule, tidy};
use crate::event::Timestamp;
use crate::journal::LossCause;

/// What became of one event of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The vendor has it.
    Delivered,
    /// To be sent again, for this reason.
    Retry(String),
    /// Never to be sent again, for this reason.
    Rejected(String),
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Happened {
    /// The vendor has every event.
    Delivered,
    /// One verdict for each event, in order.
    Partial(Vec<Verdict>),
    /// The vendor, or the way to it, is broken for now.
    Retry {
        /// Why.
        reason: String,
        /// Not before this many milliseconds from now, where the vendor said so.
        after_ms: Option<f64>,
    },
    /// The request was too big.
    TooLarge,
    /// The vendor will never take this batch.
    Rejected(String),
    /// The backend trapped, ran out of time, answered nonsense, or took the sender with it.
    Crashed(String),
    /// Consent was withdrawn before the request left.
    Denied,
    /// The backend cannot work as it is set up (no grant, no credential, no component).
    Held(String),
}

/// What to do with the events of the batch, in the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Acknowledge all: delivered. (Under at-most-once the claim already did.)
    Acknowledge,
    /// By index in the batch as it was sent: every index is in exactly one list.
    Sort {
        /// Acknowledge: delivered.
        delivered: Vec<u32>,
        /// Set aside: counted under this cause, for the reason.
        set_aside: Vec<(u32, LossCause, String)>,
        /// Leave: to be sent again.
        kept: Vec<u32>,
        /// Count as lost; they are claimed (at-most-once).
        lost: Vec<u32>,
    },
    /// Set all aside: counted under this cause, for this reason.
    SetAside(LossCause, String),
    /// Leave all: to be sent again.
    Keep,
    /// Cut the batch before this index and tell [`Schedule::split`] the halves.
    Split {
        /// Events in the first half: at least 1, and fewer than the batch has.
        at: u32,
    },
    /// See that all are acknowledged, and count them as lost, for this reason (at-most-once).
    Lose(String),
}

/// What to do after that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Pick another batch.
    GoOn,
    /// Sleep until then and pick another batch. Never longer than [`Rules::patience`] away.
    Wait(Timestamp),
    /// End this sender; the schedule says when another may send.
    Stop,
}

/// What the end of an attempt means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// First, with the journal.
    pub act: Act,
    /// Then, and when the schedule is written.
    pub next: Next,
}

impl<S> Schedule<S> {
    /// What a sender does first: makes the moments agree with the clock, and settles what a sender that
    /// died left undone. Each step is to be applied to the batch that it comes with, and the schedule is to be
    /// written in any case: a wait that was moved to the clock of now must not be moved again next time.
    pub fn resume(&mut self, now: Timestamp, rules: &Rules, random: Random<'_>) -> Vec<(InFlight<S>, Step)>
    where
        S: Clone,
    {
        self.heal(now, rules);
        let died = || Happened::Crashed("the sender ended during the attempt".to_owned());
        let trying: Vec<_> = self.in_flight.iter().filter(|batch| batch.trying).cloned().collect();
        let mut steps = Vec::new();
        for batch in trying {
            let step = self.after_attempt(batch.id, died(), now, rules, random);
            steps.push((batch, step));
        }
        if rules.semantics == Semantics::AtMostOnce {
            // Tried while the author still had it the other way: it may have arrived.
            for batch in self.in_flight.extract_if(.., |batch| batch.attempts > 0) {
                self.totals.lost = self.totals.lost.saturating_add(u64::from(batch.events));
                let why = "tried before delivery was set to at-most-once".to_owned();
                steps.push((batch, Step { act: Act::Lose(why), next: Next::GoOn }));
            }
        }
        steps
    }

    /// What the end of an attempt means. Changes the schedule accordingly; it is to be written after the
    /// step's act is done.
    pub fn after_attempt(
        &mut self,
        id: u64,
        happened: Happened,
        now: Timestamp,
        rules: &Rules,
        random: Random<'_>,
    ) -> Step {
        let Some(at) = self.in_flight.iter().position(|batch| batch.id == id) else {
            return Step { act: Act::Keep, next: Next::Stop };
        };
        let mut batch = self.in_flight.remove(at);
        batch.trying = false;
        let events = batch.events;
        let happened = match happened {
            Happened::Partial(verdicts) => summed_up(verdicts, events),
            other => other,
        };
        self.note(&happened, now);
        let mut after = After { schedule: self, batch, at, now, rules, random };
        match happened {
            Happened::Delivered => {
                after.succeeded(events);
                Step { act: Act::Acknowledge, next: Next::GoOn }
            }
            Happened::Partial(verdicts) => after.partial(verdicts),
            Happened::Retry { reason, after_ms } => after.retry(&reason, after_ms),
            Happened::TooLarge => after.too_large(),
            Happened::Rejected(reason) => after.rejected(&reason),
            Happened::Crashed(reason) => after.crashed(&reason),
            Happened::Denied => after.not_sent("consent was withdrawn before the request left"),
            Happened::Held(reason) => {
                after.schedule.hold(&reason, now, rules, after.random);
                after.not_sent(&reason)
            }
        }
    }

    /// The journal did not take what the last step asked for (a full disk, an I/O error): what was just
    /// delivered would be sent again at once, and again. It counts as a failure, so that it is not.
    pub fn stumbled(&mut self, reason: &str, now: Timestamp, rules: &Rules, random: Random<'_>) -> Next {
        self.failures = self.failures.saturating_add(1);
        let wait = rules.backoff.wait(self.failures, random);
        self.not_before = Some(ms(now).saturating_add(millis(wait)));
        self.last = Some(Last { at: ms(now), outcome: "retry".to_owned(), reason: tidy(reason) });
        self.changed = Some(ms(now));
        Next::Stop
    }

    /// Stops all sending for this reason until the configuration changes or about a day has passed.
    pub fn hold(&mut self, reason: &str, now: Timestamp, rules: &Rules, random: Random<'_>) {
        let now = ms(now);
        let wait = HOLD_RECHECK * 3 / 4 + part(HOLD_RECHECK / 2, random);
        let since = match &self.hold {
            Some(hold) if hold.configuration == rules.configuration => hold.since,
            _ => now,
        };
        self.hold = Some(Hold {
            reason: tidy(reason),
            since,
            until: now.saturating_add(millis(wait)),
            configuration: rules.configuration,
        });
        self.changed = Some(now);
    }

    fn note(&mut self, happened: &Happened, now: Timestamp) {
        let (outcome, reason) = match happened {
            Happened::Delivered => ("delivered", ""),
            Happened::Partial(_) => ("partial", ""),
            Happened::Retry { reason, .. } => ("retry", reason.as_str()),
            Happened::TooLarge => ("too-large", ""),
            Happened::Rejected(reason) => ("rejected", reason.as_str()),
            Happened::Crashed(reason) => ("crashed", reason.as_str()),
            Happened::Denied => ("denied", ""),
            Happened::Held(reason) => ("held", reason.as_str()),
        };
        self.last = Some(Last { at: ms(now), outcome: outcome.to_owned(), reason: tidy(reason) });
        self.changed = Some(ms(now));
    }
}

/// Verdicts that all say the same are that; a list of another length than the batch is nonsense, and
/// nothing in it can be believed.
fn summed_up(verdicts: Vec<Verdict>, events: u32) -> Happened {
    if verdicts.len() != events as usize {
        return Happened::Crashed(format!("the backend gave {} verdicts on {events} events", verdicts.len()));
    }
    if verdicts.iter().all(|verdict| *verdict == Verdict::Delivered) {
        return Happened::Delivered;
    }
    match &verdicts[..] {
        [Verdict::Retry(reason), rest @ ..] if rest.iter().all(|v| matches!(v, Verdict::Retry(_))) => {
            Happened::Retry { reason: reason.clone(), after_ms: None }
        }
        _ => Happened::Partial(verdicts),
    }
}
