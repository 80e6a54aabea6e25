//! The batches in flight: which is next, and the bookkeeping around an attempt.

use super::clock::{TOLERANCE_MS, millis, ms, timestamp};
use super::rules::{ATTEMPTS_BEFORE_YIELDING, IN_FLIGHT, Rules, Semantics};
use super::schedule::{InFlight, Schedule};
use crate::event::Timestamp;

/// Which batch is next.
#[derive(Clone, PartialEq, Debug)]
pub enum Pick<'a, S> {
    /// This one, again.
    Again(&'a InFlight<S>),
    /// A new one: cut it from the journal and [`Schedule::begin`] it.
    Fresh,
    /// None before this moment.
    NotBefore(Timestamp),
    /// None, for this reason.
    Held(&'a str),
    /// None: everything is delivered.
    Nothing,
}

/// An attempt that is about to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// 1 for the first at this batch.
    pub number: u32,
    /// Acknowledge the events durably before anything is sent.
    pub claim: bool,
}

/// Whether a request may leave now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gate<'a> {
    /// It may.
    Open,
    /// Not before this moment.
    NotBefore(Timestamp),
    /// No, for this reason.
    Held(&'a str),
}

impl<S> Schedule<S> {
    /// Whether a request may leave now. What a lying clock wrote does not bar the way: the sender that is
    /// then started heals it first.
    #[must_use]
    pub fn gate(&self, now: Timestamp, rules: &Rules) -> Gate<'_> {
        let now = ms(now);
        if self.changed.is_some_and(|changed| changed > now.saturating_add(TOLERANCE_MS)) {
            return Gate::Open;
        }
        let latest = now.saturating_add(millis(rules.longest_wait()));
        let ahead = |moment: i64| moment > now && moment <= latest;
        if let Some(hold) = &self.hold
            && hold.configuration == rules.configuration
            && ahead(hold.until)
        {
            return Gate::Held(&hold.reason);
        }
        match self.not_before {
            Some(moment) if ahead(moment) => Gate::NotBefore(timestamp(moment)),
            _ => Gate::Open,
        }
    }

    /// Which batch is next. `fresh` says whether the journal holds events that are in no batch.
    #[must_use]
    pub fn pick(&self, now: Timestamp, rules: &Rules, fresh: bool) -> Pick<'_, S> {
        match self.gate(now, rules) {
            Gate::Held(reason) => return Pick::Held(reason),
            Gate::NotBefore(moment) => return Pick::NotBefore(moment),
            Gate::Open => {}
        }
        let now = ms(now);
        let due =
            || self.in_flight.iter().filter(|batch| batch.not_before.is_none_or(|moment| moment <= now));
        // A batch has its first attempts for itself, and one more after each success of another.
        let entitled =
            |batch: &&InFlight<S>| batch.attempts < ATTEMPTS_BEFORE_YIELDING || batch.seen < self.successes;
        if let Some(batch) = due().filter(entitled).min_by_key(|batch| batch.attempts) {
            return Pick::Again(batch);
        }
        // In an outage a second batch tells whether it is the first one's fault; a crowd of batches would
        // only be a crowd of requests once the vendor is back.
        let failing = self.in_flight.iter().filter(|batch| batch.seen >= self.successes);
        let tried_enough = failing.clone().map(|batch| batch.attempts).min().is_none_or(|fewest| {
            let others = u32::try_from(failing.count()).unwrap_or(u32::MAX);
            fewest >= ATTEMPTS_BEFORE_YIELDING.saturating_mul(others)
        });
        if fresh && tried_enough && self.in_flight.len() < IN_FLIGHT {
            return Pick::Fresh;
        }
        if let Some(batch) = due().min_by_key(|batch| batch.attempts) {
            return Pick::Again(batch);
        }
        match self.in_flight.iter().filter_map(|batch| batch.not_before).min() {
            Some(moment) => Pick::NotBefore(timestamp(moment)),
            None => Pick::Nothing,
        }
    }

    /// Takes up a new batch. Its boundary is durable once the schedule is written.
    pub fn begin(&mut self, span: S) -> u64 {
        let id = self.new_id();
        self.in_flight.push(in_flight(id, span, 0));
        id
    }

    /// Notes that a batch is being tried: how many events are left in it and their size. None if there is
    /// no such batch.
    pub fn attempt(
        &mut self,
        id: u64,
        events: u32,
        bytes: u64,
        now: Timestamp,
        rules: &Rules,
    ) -> Option<Attempt> {
        let now = ms(now);
        let successes = self.successes;
        let longest = millis(rules.longest_wait());
        let batch = self.in_flight.iter_mut().find(|batch| batch.id == id)?;
        if batch.attempts == 0 {
            batch.first_tried = now;
        } else {
            // A clock set ten years ahead must not make a batch ten years old.
            let since = now.saturating_sub(batch.last_tried).clamp(0, longest);
            batch.age = batch.age.saturating_add(since);
        }
        if batch.attempts > 0 || batch.depth > 0 {
            // A success since the last attempt, be it at the batch that this one was cut out of, tells a
            // batch's own failure from an outage.
            batch.own_failures = batch.own_failures.saturating_add(u32::from(successes > batch.seen));
        }
        batch.attempts = batch.attempts.saturating_add(1);
        (batch.last_tried, batch.events, batch.bytes, batch.seen) = (now, events, bytes, successes);
        batch.trying = true;
        let attempt = Attempt { number: batch.attempts, claim: rules.semantics == Semantics::AtMostOnce };
        self.totals.attempts = self.totals.attempts.saturating_add(1);
        self.changed = Some(now);
        Some(attempt)
    }

    /// Takes an attempt back that was noted and whose request certainly did not leave.
    pub fn withdraw(&mut self, id: u64) {
        if let Some(batch) = self.in_flight.iter_mut().find(|batch| batch.id == id && batch.trying) {
            batch.trying = false;
            batch.attempts = batch.attempts.saturating_sub(1);
            self.totals.attempts = self.totals.attempts.saturating_sub(1);
        }
    }

    /// Takes the batches with these ids out of the schedule, for [`Schedule::put_back`]: those that are not for
    /// whom this sender sends to.
    pub fn set_apart(&mut self, ids: &[u64]) -> Vec<InFlight<S>> {
        self.in_flight.extract_if(.., |batch| ids.contains(&batch.id)).collect()
    }

    /// Puts batches back that were set apart.
    pub fn put_back(&mut self, apart: impl IntoIterator<Item = InFlight<S>>) {
        self.in_flight.extend(apart);
    }

    /// Forgets a batch in which nothing is left.
    pub fn done(&mut self, id: u64) {
        self.in_flight.retain(|batch| batch.id != id);
    }

    /// Puts two halves in the place of a batch, as a [`Act::Split`] asked for. Answers their ids.
    pub fn split(&mut self, id: u64, left: S, right: S) -> Option<[u64; 2]> {
        let at = self.in_flight.iter().position(|batch| batch.id == id)?;
        let (a, b) = (self.new_id(), self.new_id());
        let whole = &self.in_flight[at];
        let half = |id, span| InFlight {
            first_tried: whole.first_tried,
            last_tried: whole.last_tried,
            age: whole.age,
            seen: whole.seen,
            ..in_flight(id, span, whole.depth.saturating_add(1))
        };
        let halves = [half(a, left), half(b, right)];
        self.in_flight.splice(at..=at, halves);
        Some([a, b])
    }

    fn new_id(&mut self) -> u64 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }
}

fn in_flight<S>(id: u64, span: S, depth: u32) -> InFlight<S> {
    InFlight {
        id,
        span,
        events: 0,
        bytes: 0,
        attempts: 0,
        depth,
        trying: false,
        first_tried: 0,
        last_tried: 0,
        age: 0,
        not_before: None,
        own_failures: 0,
        crashes: 0,
        seen: 0,
    }
}
