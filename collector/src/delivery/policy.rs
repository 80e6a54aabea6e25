//! Which batch is next, and what the end of an attempt means.
//!
//! A sender's whole loop, with everything that touches a disk or a network in capitals:
//!
//! ```text
//! for (batch, step) in schedule.resume(now, …)         → APPLY step.act, then WRITE schedule
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

use super::backoff::{Backoff, Random, part};
use super::clock::{TOLERANCE_MS, millis, ms, timestamp};
use super::rules::{
    ATTEMPTS_BEFORE_YIELDING, CRASHES_BEFORE_HOLD, CRASHES_OF_A_BATCH, FAILURES_OF_ITS_OWN, HOLD_RECHECK,
    IN_FLIGHT, PART_BACKOFF_BASE, REJECTIONS_BEFORE_HOLD, Rules, Semantics,
};
use super::schedule::{Hold, InFlight, Last, Schedule, Smaller, tidy};
use crate::event::Timestamp;
use std::time::Duration;

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
        /// Set aside, for the reason.
        set_aside: Vec<(u32, String)>,
        /// Leave: to be sent again.
        kept: Vec<u32>,
        /// Count as lost; they are claimed (at-most-once).
        lost: Vec<u32>,
    },
    /// Set all aside, for this reason.
    SetAside(String),
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
        if fresh && self.in_flight.len() < IN_FLIGHT {
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
            // A success since the last attempt tells a batch's own failure from an outage.
            batch.own_failures += u32::from(successes > batch.seen);
        }
        batch.attempts = batch.attempts.saturating_add(1);
        (batch.last_tried, batch.events, batch.bytes, batch.seen) = (now, events, bytes, successes);
        batch.trying = true;
        let attempt = Attempt { number: batch.attempts, claim: rules.semantics == Semantics::AtMostOnce };
        self.totals.attempts += 1;
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

    /// What a sender does first: makes the moments agree with the clock, and settles what a sender that
    /// died left undone. Each step is to be applied to the batch that it comes with.
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
                self.totals.lost += u64::from(batch.events);
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

/// One decision: the schedule, and the batch taken out of it.
struct After<'a, 'r, S> {
    schedule: &'a mut Schedule<S>,
    batch: InFlight<S>,
    /// Where the batch stood.
    at: usize,
    now: Timestamp,
    rules: &'a Rules,
    random: Random<'r>,
}

impl<S> After<'_, '_, S> {
    fn claimed(&self) -> bool {
        self.rules.semantics == Semantics::AtMostOnce
    }

    fn put_back(self) {
        self.schedule.in_flight.insert(self.at, self.batch);
    }

    fn succeeded(&mut self, events: u32) {
        let it = &mut *self.schedule;
        it.successes += 1;
        it.totals.delivered += u64::from(events);
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

    fn given_up(&self) -> Option<String> {
        let batch = &self.batch;
        if batch.own_failures >= FAILURES_OF_ITS_OWN {
            return Some(format!(
                "given up after {} attempts: others were delivered in between",
                batch.attempts
            ));
        }
        if self.rules.max_attempts.is_some_and(|most| batch.attempts >= most) {
            return Some(format!("given up after {} attempts", batch.attempts));
        }
        (batch.age >= millis(self.rules.max_age)).then(|| "given up: too old".to_owned())
    }

    fn set_aside(self, reason: &str, next: Next) -> Step {
        self.schedule.totals.set_aside += u64::from(self.batch.events);
        Step { act: Act::SetAside(tidy(reason)), next }
    }

    fn lose(self, reason: &str, next: Next) -> Step {
        self.schedule.totals.lost += u64::from(self.batch.events);
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

    fn retry(mut self, reason: &str, after_ms: Option<f64>) -> Step {
        // An answer, even this one, is no crash.
        self.schedule.crashes = 0;
        let next = self.back_off(after_ms);
        if self.claimed() {
            return self.lose(reason, next);
        }
        match self.given_up() {
            Some(why) => self.set_aside(&format!("{why}; the last answer: {reason}"), next),
            None => self.keep(next),
        }
    }

    fn too_large(self) -> Step {
        let (events, bytes) = (self.batch.events, self.batch.bytes);
        self.schedule.crashes = 0;
        if events > 1 && self.batch.depth == 0 {
            // What is cut from now on is cut to what may pass. A half that is too large again says more
            // about one event in it than about batches.
            self.schedule.smaller = Some(Smaller { events: events / 2, bytes: bytes / 2, at: ms(self.now) });
        }
        if events > 1 && !self.claimed() {
            return self.split(Next::GoOn);
        }
        self.rejected("the vendor called the request too large")
    }

    fn rejected(mut self, reason: &str) -> Step {
        let it = &mut *self.schedule;
        (it.failures, it.crashes) = (0, 0);
        let next = self.rejected_whole(reason);
        self.set_aside(reason, next)
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

    fn crashed(mut self, reason: &str) -> Step {
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
            0 | 1 => self.set_aside(&format!("the backend failed on this event: {reason}"), next),
            _ => self.split(next),
        }
    }

    fn not_sent(mut self, reason: &str) -> Step {
        if self.claimed() {
            return self.lose(reason, Next::Stop);
        }
        self.batch.attempts = self.batch.attempts.saturating_sub(1);
        self.keep(Next::Stop)
    }

    fn partial(mut self, verdicts: Vec<Verdict>) -> Step {
        let (mut delivered, mut set_aside, mut kept, mut lost) = (vec![], vec![], vec![], vec![]);
        let mut first_reason = String::new();
        for (index, verdict) in (0..).zip(verdicts) {
            match verdict {
                Verdict::Delivered => delivered.push(index),
                Verdict::Rejected(reason) => {
                    if first_reason.is_empty() {
                        first_reason.clone_from(&reason);
                    }
                    set_aside.push((index, tidy(&reason)));
                }
                Verdict::Retry(_) if self.claimed() => lost.push(index),
                Verdict::Retry(_) => kept.push(index),
            }
        }
        let (some_delivered, some_retry) = (!delivered.is_empty(), !(kept.is_empty() && lost.is_empty()));
        let next = if some_delivered {
            self.succeeded(delivered.len() as u32);
            // What failed beside others that arrived is itself the trouble.
            self.batch.own_failures = self.batch.own_failures.saturating_add(1);
            self.batch.seen = self.schedule.successes;
            Next::GoOn
        } else if some_retry {
            self.back_off(None)
        } else {
            self.schedule.failures = 0;
            self.rejected_whole(&first_reason)
        };
        self.schedule.crashes = 0;
        if let Some(why) = self.given_up() {
            set_aside.extend(kept.drain(..).map(|index| (index, why.clone())));
        }
        self.schedule.totals.set_aside += set_aside.len() as u64;
        self.schedule.totals.lost += lost.len() as u64;
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
