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
pub(crate) use lock::GRACE;

use std::time::{Duration, Instant};

use super::configured::{can_send, rules};
use super::policy::{Gate, Next};
use super::rules::Rules;
use super::schedule::{InFlight, Schedule};
use super::{Unreadable, files, helper};
use crate::backend::Backend;
use crate::consent::May;
use crate::diagnostics::Severity;
use crate::event::Timestamp;
use crate::journal::{Drain, Span};
use crate::session::Session;

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
    let local = session.verdict().may == May::Local;
    if !local && !can_send(session) {
        // Nothing is noted in the schedule: it is the helper's, which can send.
        let why = helper::missing(session);
        return report(Finished::Held(why.unwrap_or_else(|| "the program beside this tool sends".into())));
    }
    let drain = match lock::open_drain(session) {
        Ok(Some(drain)) => drain,
        Ok(None) => return report(Finished::Busy),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return report(Finished::Empty),
        Err(error) => return report(Finished::Held(format!("the journal cannot be opened: {error}"))),
    };
    if !in_tool {
        drain.may_be_ended();
    }
    let directory = session.place.directory();
    let (rules, now) = (rules(session), Timestamp::now());
    let mut schedule = match files::read_schedule(directory) {
        Ok(schedule) => schedule,
        Err(Unreadable::Damaged) => Schedule::after_damage(now, &rules, &mut random()),
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
    if let Finished::Held(why) = &finished {
        session.logger.log(Severity::Error, format!("events are held: {why}"));
    }
    Report { delivered: sender.delivered, finished }
}

struct Sender<'a> {
    session: &'a Session,
    drain: Drain,
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
        for (in_flight, step) in self.schedule.resume(Timestamp::now(), &self.rules, &mut random()) {
            if let Ok(Some(batch)) = self.drain.read_span(&in_flight.span)
                && let Err(stumbled) = self.apply(in_flight.id, &batch, step.act)
            {
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
                        Some(wait) => std::thread::sleep(wait),
                        None => return self.waiting(),
                    }
                }
                Next::Stop => return self.waiting(),
            }
        }
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

    /// Writes the whole schedule, with what is set apart.
    fn write(&self) -> std::io::Result<()> {
        let directory = self.session.place.directory();
        if self.apart.is_empty() {
            return files::write_schedule(directory, &self.schedule);
        }
        let mut whole = self.schedule.clone();
        whole.put_back(self.apart.iter().cloned());
        files::write_schedule(directory, &whole)
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
        })
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

/// Numbers from 0 to 1. Where the system has no randomness every wait is as long as it can be.
fn random() -> impl FnMut() -> f64 {
    || {
        let mut bytes = [0; 8];
        match getrandom::fill(&mut bytes) {
            Ok(()) => (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64,
            Err(_) => 1.0,
        }
    }
}
