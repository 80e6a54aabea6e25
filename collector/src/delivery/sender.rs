//! The sender: it drains the journal into a backend, one batch after the other.
//!
//! It holds the journal's drain lock, so there is one at a time. It decides nothing: [`super::policy`]
//! says which batch is next and what the end of an attempt means; the files here do it to the journal, the
//! schedule and the backend, in the order that keeps the promise of at-least-once or at-most-once (see
//! the header of [`super::policy`]). It may end at any instruction.

mod attempt;
mod backend;
mod batches;
mod lock;

pub(crate) use self::backend::open_to_erase;
pub(crate) use lock::{is_at_work, longest};

use std::time::{Duration, Instant};

use super::configured::{can_send, rules};
use super::policy::{Act, Gate, Next};
use super::rules::{Rules, Semantics};
use super::schedule::{InFlight, Schedule};
use super::{Unreadable, files, helper};
use crate::backend::Backend;
use crate::consent::{self, May};
use crate::diagnostics::Severity;
use crate::event::Timestamp;
use crate::journal::{self, Drain, LossCause, Span};
use crate::platform::random;
use crate::session::Session;

/// How often a sender that waits looks whether the user said no.
const LOOK: Duration = Duration::from_millis(250);

const WITHDRAWN: &str = "consent was withdrawn";

/// Whether the schedule's waits are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Urgency {
    /// They are.
    Due,
    /// The user asked: at once.
    Now,
}

/// Why a sender ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Finished {
    /// Nothing is left to deliver.
    Empty,
    /// Another sender is at work.
    Busy,
    /// Not before this moment; why, where that is known.
    Waiting(Timestamp, String),
    /// Nothing can be sent until this is mended.
    Held(String),
    /// Consent does not cover it.
    Forbidden(String),
    /// Its time was up.
    OutOfTime,
}

/// What a sender did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Report {
    /// Events that a backend took.
    pub(crate) delivered: u64,
    pub(crate) finished: Finished,
}

/// Drains the journal until nothing is due, or until `deadline`, and then carries a request to erase on.
/// `in_tool` where this is the tool's own process, which nobody may end for the sake of a denial.
pub(crate) fn run(session: &Session, urgency: Urgency, deadline: Instant, in_tool: bool) -> Report {
    let report = deliver(session, urgency, deadline, in_tool);
    // A tool writes local events at its exit, and nobody waits there for a network.
    if !in_tool || session.verdict().may != May::Local {
        crate::erasure::carry_on(session, crate::erasure::By::Sender);
    }
    report
}

fn deliver(session: &Session, urgency: Urgency, deadline: Instant, in_tool: bool) -> Report {
    let report = |finished| Report { delivered: 0, finished };
    let mut drain = match lock::open_drain(session) {
        Ok(Some(drain)) => drain,
        Ok(None) => return report(Finished::Busy),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return report(Finished::Empty),
        Err(error) => return report(Finished::Held(format!("the journal cannot be opened: {error}"))),
    };
    // Read under the lock, which who says no waits for: either that finds what this sender wrote, or this finds the
    // no.
    let gate = session.question.gate(session.place.clone());
    let may = gate.first().may;
    if may == May::Off {
        return report(Finished::Forbidden(gate.first().reason()));
    }
    let local = may == May::Local;
    if !local && !can_send(session) {
        // Nothing is noted in the schedule: it is the helper's, which can send.
        let why = helper::missing(session);
        return report(Finished::Held(why.unwrap_or_else(|| "the program beside this tool sends".into())));
    }
    if !in_tool {
        drain.may_be_ended();
    }
    let directory = session.place.directory();
    let (rules, now) = (rules(session), Timestamp::now());
    if rules.semantics == Semantics::AtMostOnce {
        drain.keeps_claims();
    }
    let mut schedule = match files::read_schedule(directory) {
        Ok(schedule) => schedule,
        Err(Unreadable::Damaged) => Schedule::after_damage(now, &rules, &mut random::share),
        Err(newer @ Unreadable::Newer { .. }) => {
            return report(Finished::Held(format!("the delivery schedule: {newer}")));
        }
    };
    if !in_tool && let Some(start) = files::read_starts(directory).and_then(|starts| starts.detached()) {
        schedule.prove(start);
    }
    let apart = Vec::new();
    let mut sender = Sender {
        session,
        drain,
        gate,
        schedule,
        apart,
        rules,
        backend: None,
        delivered: 0,
        deadline,
        in_tool,
        local,
    };
    let finished = sender.drain_all(urgency);
    sender.save();
    files::forget_others(directory, session.config.journal.max_age.saturating_add(journal::SURE_GONE));
    if let Finished::Held(why) = &finished {
        session.logger.log(Severity::Error, format!("events are held: {why}"));
    }
    let Sender { drain, gate, delivered, .. } = sender;
    end(session, drain, &gate);
    Report { delivered, finished }
}

/// Gives the journal up. Where a no came meanwhile it is purged once more, for who said it did not wait for ever:
/// the drain has kept its own account in it until now.
fn end(session: &Session, drain: Drain, gate: &consent::Gate) {
    drop(drain);
    if is_denied(session, gate) {
        let _ = journal::purge(&session.journal_directory());
    }
}

/// Whether the user said no. Of a yes that covers less nothing is taken back.
fn is_denied(session: &Session, gate: &consent::Gate) -> bool {
    gate.look() == May::Off && session.is_denied()
}

struct Sender<'a> {
    session: &'a Session,
    drain: Drain,
    /// Notices a no.
    gate: consent::Gate,
    schedule: Schedule<Span>,
    /// Batches in flight that are for another destination: they wait, with their boundaries, until it is
    /// this one again.
    apart: Vec<InFlight<Span>>,
    rules: Rules,
    backend: Option<Box<dyn Backend>>,
    delivered: u64,
    deadline: Instant,
    in_tool: bool,
    /// Decided once: a decision that changes meanwhile must not bring local events to an open backend.
    local: bool,
}

impl Sender<'_> {
    fn drain_all(&mut self, urgency: Urgency) -> Finished {
        match self.drain.adopt() {
            Ok(adopted) if adopted.dropped > 0 => self.session.logger.log(
                Severity::Error,
                format!("{} events were dropped to keep the journal's limits", adopted.dropped),
            ),
            Ok(_) => {}
            Err(error) => {
                self.session.logger.log(Severity::Warning, format!("the journal was not tidied up: {error}"));
            }
        }
        let before = self.schedule.clone();
        let left = self.schedule.resume(Timestamp::now(), &self.rules, &mut random::share);
        // What cannot be read now is not gone, and nothing that the one before left is settled without it.
        for (in_flight, _) in &left {
            if let Err(error) = self.drain.read_span(&in_flight.span) {
                self.schedule = before;
                return held_by_journal(error);
            }
        }
        for (in_flight, step) in left {
            if let Err(stumbled) = self.settle(&in_flight, step.act) {
                return stumbled;
            }
        }
        // After what a sender that died left undone was settled: that, too, is no reason to wait now.
        if urgency == Urgency::Now {
            self.schedule.lift();
        }
        if let Err(held) = self.set_others_apart() {
            return held;
        }
        self.save();
        let mut failures = 0;
        loop {
            if Instant::now() >= self.deadline {
                return Finished::OutOfTime;
            }
            if self.gate.look() == May::Off {
                return Finished::Forbidden(WITHDRAWN.into());
            }
            let (id, batch) = match self.next() {
                Ok(Some(next)) => next,
                Ok(None) => return Finished::Empty,
                Err(finished) => return finished,
            };
            let step = match self.attempt(id, &batch) {
                Ok(step) => step,
                Err(finished) => return finished,
            };
            match step {
                Next::GoOn => {}
                Next::Wait(until) => {
                    let left = self.deadline.saturating_duration_since(Instant::now());
                    let wait = wait(until).map(|wait| wait.max(least_pause(failures)));
                    failures += 1;
                    match wait.filter(|wait| urgency == Urgency::Due && *wait < left && !self.in_tool) {
                        Some(wait) => self.pause(wait),
                        None => return self.waiting(),
                    }
                }
                Next::Stop => return self.waiting(),
            }
        }
    }

    /// Does what became of a batch that a sender left undone.
    fn settle(&mut self, left: &InFlight<Span>, act: Act) -> Result<(), Finished> {
        let found = self.drain.read_span(&left.span).map_err(held_by_journal)?;
        if matches!(act, Act::Lose(_)) && left.trying {
            // The one that died may have claimed them, and then the journal holds nothing to count any more. What
            // it had counted itself, a moment before it could note so in the schedule, is counted twice. A batch
            // that nobody was trying lacks nothing but what was counted when it went.
            let found = found.as_ref().map_or(0, |batch| batch.records.len() as u64);
            let claimed = u64::from(left.events).saturating_sub(found);
            self.drain.count_loss(LossCause::Unknown, claimed);
        }
        found.map_or(Ok(()), |batch| self.apply(left.id, &batch, act))
    }

    /// What was recorded for a destination is never sent to another one, tried before or not.
    fn set_others_apart(&mut self) -> Result<(), Finished> {
        let (mut gone, mut others) = (Vec::new(), Vec::new());
        for batch in self.schedule.in_flight() {
            match self.drain.read_span(&batch.span).map_err(held_by_journal)? {
                None => gone.push(batch.id),
                Some(found) if found.label.destination != self.destination() => others.push(batch.id),
                Some(_) => {}
            }
        }
        gone.into_iter().for_each(|id| self.schedule.done(id));
        self.apart = self.schedule.set_apart(&others);
        Ok(())
    }

    /// Why this sender stops although there is more.
    fn waiting(&self) -> Finished {
        let reason = self.schedule.last().map(|(_, _, reason)| reason.to_owned()).unwrap_or_default();
        match self.schedule.gate(Timestamp::now(), &self.rules) {
            Gate::Held(why) => Finished::Held(why.to_owned()),
            Gate::NotBefore(moment) => Finished::Waiting(moment, reason),
            Gate::Open => Finished::Waiting(Timestamp::now(), reason),
        }
    }

    /// Lets time pass, but for a no: who says it waits for the lock.
    fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while self.gate.look() != May::Off {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }

    /// Writes the whole schedule, with what is set apart; nothing after a no. One that comes meanwhile was stored
    /// before the schedule is removed: either that finds this one, or the look afterwards finds the no.
    fn write(&self) -> std::io::Result<()> {
        if is_denied(self.session, &self.gate) {
            return Ok(());
        }
        let directory = self.session.place.directory();
        if self.apart.is_empty() {
            files::write_schedule(directory, &self.schedule)?;
        } else {
            let mut whole = self.schedule.clone();
            whole.put_back(self.apart.iter().cloned());
            files::write_schedule(directory, &whole)?;
        }
        if is_denied(self.session, &self.gate) { files::take_schedule_back(directory) } else { Ok(()) }
    }

    fn save(&mut self) {
        if let Err(error) = self.write() {
            self.session
                .logger
                .log(Severity::Warning, format!("the delivery schedule was not written: {error}"));
        }
    }

    /// A batch whose boundary and attempt are not written is not sent: a hundred runs on a full disk
    /// would be a hundred requests.
    fn save_attempt(&mut self, id: u64) -> Result<(), Finished> {
        self.write().map_err(|error| {
            // It never was: a later sender must not take it for one that died in the middle.
            self.schedule.withdraw(id);
            Finished::Held(format!("the delivery schedule cannot be written: {error}"))
        })?;
        if self.gate.known() == May::Off {
            self.schedule.withdraw(id);
            return Err(Finished::Forbidden(WITHDRAWN.into()));
        }
        Ok(())
    }
}

/// The time until a moment, or none if it has come.
fn wait(until: Timestamp) -> Option<Duration> {
    let now = Timestamp::now();
    let ms = until.unix_ms() - now.unix_ms();
    Duration::try_from_secs_f64(ms.max(0.0) / 1e3).ok()
}

/// What one sender waits at least after so many failures. Where the author's interval is zero there is no
/// backoff between runs; within a run there must be one all the same, for a refused connection ends in
/// microseconds, and its sender would try again for its whole life.
fn least_pause(failures: u32) -> Duration {
    Duration::from_millis(250) * (1 << failures.min(8))
}

fn held_by_journal(error: std::io::Error) -> Finished {
    Finished::Held(format!("the journal cannot be read: {error}"))
}
