//! One decision of the policy, case by case.

use std::time::Duration;

use super::backoff::{Backoff, Random};
use super::clock::{millis, ms, timestamp};
use super::policy::{Act, Next, Step, Verdict};
use super::rules::{
    CRASHES_BEFORE_HOLD, CRASHES_OF_A_BATCH, FAILURES_OF_ITS_OWN, PART_BACKOFF_BASE, REJECTIONS_BEFORE_HOLD,
    Rules, Semantics,
};
use super::schedule::{InFlight, Schedule, Smaller, tidy};
use crate::event::Timestamp;
use crate::journal::LossCause;

/// One decision: the schedule, and the batch taken out of it.
pub(super) struct After<'a, 'r, S> {
    pub(super) schedule: &'a mut Schedule<S>,
    pub(super) batch: InFlight<S>,
    /// Where the batch stood.
    pub(super) at: usize,
    pub(super) now: Timestamp,
    pub(super) rules: &'a Rules,
    pub(super) random: Random<'r>,
}

impl<S> After<'_, '_, S> {
    fn claimed(&self) -> bool {
        self.rules.semantics == Semantics::AtMostOnce
    }

    fn put_back(self) {
        self.schedule.in_flight.insert(self.at, self.batch);
    }

    pub(super) fn succeeded(&mut self, events: u32) {
        let it = &mut *self.schedule;
        it.successes = it.successes.saturating_add(1);
        add(&mut it.totals.delivered, u64::from(events));
        it.last_success = Some(ms(self.now));
        (it.failures, it.crashes, it.rejections) = (0, 0, 0);
        (it.not_before, it.hold) = (None, None);
    }

    /// Nobody sends for this long.
    fn pause(&mut self, wait: Duration) -> Next {
        let until = ms(self.now).saturating_add(millis(wait));
        self.schedule.not_before = Some(until);
        if wait <= self.rules.patience { Next::Wait(timestamp(until)) } else { Next::Stop }
    }

    fn back_off(&mut self, after_ms: Option<f64>) -> Next {
        let failures = self.schedule.failures.saturating_add(1);
        self.schedule.failures = failures;
        let wait = match self.rules.retry_after.wait(after_ms, self.random) {
            Some(wait) => wait,
            None => self.rules.backoff.wait(failures, self.random),
        };
        self.pause(wait)
    }

    fn given_up(&self) -> Option<(LossCause, String)> {
        let batch = &self.batch;
        if batch.own_failures >= FAILURES_OF_ITS_OWN {
            let attempts = batch.attempts;
            let why = format!("given up after {attempts} attempts: others were delivered in between");
            return Some((LossCause::Attempts, why));
        }
        if self.rules.max_attempts.is_some_and(|most| batch.attempts >= most) {
            return Some((LossCause::Attempts, format!("given up after {} attempts", batch.attempts)));
        }
        let old = batch.age >= millis(self.rules.max_age);
        old.then(|| (LossCause::Age, "given up: too old".to_owned()))
    }

    fn set_aside(self, cause: LossCause, reason: &str, next: Next) -> Step {
        add(&mut self.schedule.totals.set_aside, u64::from(self.batch.events));
        Step { act: Act::SetAside(cause, tidy(reason)), next }
    }

    fn lose(self, reason: &str, next: Next) -> Step {
        add(&mut self.schedule.totals.lost, u64::from(self.batch.events));
        Step { act: Act::Lose(tidy(reason)), next }
    }

    fn keep(self, next: Next) -> Step {
        self.put_back();
        Step { act: Act::Keep, next }
    }

    fn split(mut self, next: Next) -> Step {
        let at = self.batch.events / 2;
        // The halves do not wait. Should the batch stay whole all the same, it does not come round at once.
        self.batch.not_before = Some(ms(self.now).saturating_add(millis(PART_BACKOFF_BASE)));
        self.put_back();
        Step { act: Act::Split { at }, next }
    }

    pub(super) fn retry(mut self, reason: &str, after_ms: Option<f64>) -> Step {
        // An answer, even this one, is no crash.
        self.schedule.crashes = 0;
        let next = self.back_off(after_ms);
        if self.claimed() {
            return self.lose(reason, next);
        }
        match self.given_up() {
            Some((cause, why)) => self.set_aside(cause, &format!("{why}; the last answer: {reason}"), next),
            None => self.keep(next),
        }
    }

    pub(super) fn too_large(self) -> Step {
        const WHY: &str = "the vendor called the request too large";
        let (events, bytes) = (self.batch.events, self.batch.bytes);
        self.schedule.crashes = 0;
        if events <= 1 {
            // It was this event and not the number of them.
            self.schedule.smaller = None;
            return self.rejected(WHY);
        }
        if self.batch.depth == 0 {
            // What is cut from now on is cut to what may pass. A half that is too large again says more
            // about one event in it than about batches.
            self.schedule.smaller = Some(Smaller { events: events / 2, bytes: bytes / 2, at: ms(self.now) });
        }
        if self.claimed() {
            return self.set_aside(LossCause::Rejected, WHY, Next::GoOn);
        }
        self.split(Next::GoOn)
    }

    pub(super) fn rejected(mut self, reason: &str) -> Step {
        let it = &mut *self.schedule;
        (it.failures, it.crashes) = (0, 0);
        let next = self.rejected_whole(reason);
        self.set_aside(LossCause::Rejected, reason, next)
    }

    /// Counts a batch of which everything was rejected.
    fn rejected_whole(&mut self, reason: &str) -> Next {
        let it = &mut *self.schedule;
        it.rejections = it.rejections.saturating_add(1);
        if it.rejections < REJECTIONS_BEFORE_HOLD {
            return Next::GoOn;
        }
        let why = format!("the vendor rejected {} batches in a row: {reason}", it.rejections);
        it.hold(&why, self.now, self.rules, self.random);
        Next::Stop
    }

    pub(super) fn crashed(mut self, reason: &str) -> Step {
        self.schedule.crashes = self.schedule.crashes.saturating_add(1);
        self.batch.crashes = self.batch.crashes.saturating_add(1);
        let mut next = self.back_off(None);
        let crashes = self.schedule.crashes;
        if crashes >= CRASHES_BEFORE_HOLD {
            let why = format!("the backend failed {crashes} times in a row: {reason}");
            self.schedule.hold(&why, self.now, self.rules, self.random);
            next = Next::Stop;
        }
        if self.claimed() {
            return self.lose(reason, next);
        }
        // While the backend is held to be broken, no batch is to blame.
        if crashes >= CRASHES_BEFORE_HOLD || self.batch.crashes < CRASHES_OF_A_BATCH {
            return self.keep(next);
        }
        match self.batch.events {
            // Only a backend that takes other events says that it is this one.
            0 | 1 if self.batch.own_failures == 0 => self.keep(next),
            0 | 1 => {
                let why = format!("the backend failed on this event: {reason}");
                self.set_aside(LossCause::Rejected, &why, next)
            }
            _ => self.split(next),
        }
    }

    pub(super) fn not_sent(mut self, reason: &str) -> Step {
        if self.claimed() {
            return self.lose(reason, Next::Stop);
        }
        self.batch.attempts = self.batch.attempts.saturating_sub(1);
        self.keep(Next::Stop)
    }

    pub(super) fn partial(mut self, verdicts: Vec<Verdict>) -> Step {
        let (mut delivered, mut set_aside, mut kept, mut lost) = (vec![], vec![], vec![], vec![]);
        let mut first_reason = String::new();
        for (index, verdict) in (0..).zip(verdicts) {
            match verdict {
                Verdict::Delivered => delivered.push(index),
                Verdict::Rejected(reason) => {
                    if first_reason.is_empty() {
                        first_reason.clone_from(&reason);
                    }
                    set_aside.push((index, LossCause::Rejected, tidy(&reason)));
                }
                Verdict::Retry(_) if self.claimed() => lost.push(index),
                Verdict::Retry(_) => kept.push(index),
            }
        }
        let (some_delivered, some_retry) = (!delivered.is_empty(), !(kept.is_empty() && lost.is_empty()));
        let next = if some_delivered {
            self.succeeded(delivered.len() as u32);
            // `seen` stays behind: what failed beside others that arrived is a failure of its own, and
            // the next attempt counts it.
            Next::GoOn
        } else if some_retry {
            self.back_off(None)
        } else {
            self.schedule.failures = 0;
            self.rejected_whole(&first_reason)
        };
        self.schedule.crashes = 0;
        if let Some((cause, why)) = self.given_up() {
            set_aside.extend(kept.drain(..).map(|index| (index, cause, why.clone())));
        }
        add(&mut self.schedule.totals.set_aside, set_aside.len() as u64);
        add(&mut self.schedule.totals.lost, lost.len() as u64);
        if !kept.is_empty() {
            let window = Backoff { base: PART_BACKOFF_BASE, max: self.rules.backoff.max };
            let wait = window.wait(self.batch.own_failures.max(1), self.random);
            self.batch.not_before = Some(ms(self.now).saturating_add(millis(wait)));
            self.batch.events = kept.len() as u32;
            self.put_back();
        }
        Step { act: Act::Sort { delivered, set_aside, kept, lost }, next }
    }
}

/// Nothing on disk makes a count overflow.
fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}
