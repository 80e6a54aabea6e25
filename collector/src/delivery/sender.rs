//! The sender: it drains the journal into a backend, one batch after the other.
//!
//! It holds the journal's drain lock, so there is one at a time. It decides nothing: [`super::policy`]
//! says which batch is next and what the end of an attempt means; this file does it to the journal, the
//! schedule and the backend, in the order that keeps the promise of at-least-once or at-most-once (see
//! the header of [`super::policy`]). It may end at any instruction.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::limits::BatchLimits;
use super::policy::{Act, Gate, Happened, Next, Pick, Step};
use super::request::request_id;
use super::rules::{INTERVAL, Rules, Semantics};
use super::schedule::{InFlight, Schedule};
use super::{Unreadable, policy};
use super::{files, ledger};
use crate::backend::{self, Ask, Backend, Origin, Outcome, Permit, SendContext};
use crate::consent::May;
use crate::diagnostics::Severity;
use crate::event::{Ended, Event, EventId, Timestamp, codec};
use crate::identity;
use crate::journal::{self, Drain, Durability, LossCause, RecordKind, Span, Want};
use crate::session::{LOCAL, Session};

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

/// Whether this build can open the chosen backend.
pub(crate) fn can_send(session: &Session) -> bool {
    cfg!(feature = "components")
        || !matches!(
            session.selected.choice,
            backend::select::Choice::Named(_) | backend::select::Choice::Path(_)
        )
}

/// The author's rules of delivery.
pub(crate) fn rules(session: &Session) -> Rules {
    let delivery = &session.config.delivery;
    let defaults = Rules::default();
    let throttled = !delivery.interval.is_zero();
    Rules {
        semantics: match delivery.semantics {
            crate::tool::Semantics::AtLeastOnce => Semantics::AtLeastOnce,
            crate::tool::Semantics::AtMostOnce => Semantics::AtMostOnce,
        },
        interval: delivery.interval,
        // An author who lets every run send wants no other wait either: that is for tests.
        crowd: defaults.crowd.filter(|_| throttled),
        backoff: Backoff { base: delivery.interval.min(INTERVAL), ..defaults.backoff },
        max_age: session.config.journal.max_age,
        configuration: configuration(session),
        ..defaults
    }
}

/// A number that changes with everything that may have mended a broken backend.
fn configuration(session: &Session) -> u64 {
    let mut hasher = DefaultHasher::new();
    let config = &session.config;
    format!("{:?} {:?} {}", config.backend, config.endpoints, session.tool.version()).hash(&mut hasher);
    for endpoint in config.endpoints.values() {
        if let Some(crate::tool::CredentialSource::Environment(name)) =
            endpoint.credential.as_ref().map(|it| &it.source)
        {
            std::env::var_os(name).is_some().hash(&mut hasher);
        }
    }
    if let (Some(base), Some(path)) = (session.tool.base_directory(), &config.backend.path) {
        let about = std::fs::metadata(base.join(path)).ok();
        about.map(|about| (about.len(), about.modified().ok())).hash(&mut hasher);
    }
    hasher.finish()
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
    let drain = match open_drain(session) {
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
    if urgency == Urgency::Now {
        schedule.lift();
    }
    let local = session.verdict().may == May::Local;
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

/// The journal's drain; none where another sender is at work. One that has outlived its lifetime (it was
/// stopped, or hangs where no timeout reaches) is ended, and this one takes its place.
fn open_drain(session: &Session) -> std::io::Result<Option<Drain>> {
    /// Beyond its lifetime, for its last request to end.
    const GRACE: Duration = Duration::from_secs(60);
    let directory = session.journal_directory();
    let open = || Drain::try_open(&directory, session.journal_settings());
    if let Some(drain) = open()? {
        return Ok(Some(drain));
    }
    let now = u32::try_from(Timestamp::now().seconds).unwrap_or(0);
    let stuck = journal::draining(&directory)
        .map(|other| other.end_if_stuck(now, session.config.delivery.lifetime + GRACE));
    match stuck {
        Some(Ok(true)) => {
            let why = "a sender that outlived its lifetime was ended";
            session.logger.log(Severity::Warning, why);
            // The system gives its lock back when it has taken the process down.
            for _ in 0..100 {
                if let Some(drain) = open()? {
                    return Ok(Some(drain));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(None)
        }
        Some(Err(error)) => {
            let why = format!("a sender that outlived its lifetime cannot be ended: {error}");
            session.logger.log(Severity::Warning, why);
            Ok(None)
        }
        Some(Ok(false)) | None => Ok(None),
    }
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
        if let Err(error) = self.drain.adopt() {
            self.session.logger.log(Severity::Warning, format!("the journal was not tidied up: {error}"));
        }
        for (in_flight, step) in self.schedule.resume(Timestamp::now(), &self.rules, &mut random()) {
            if let Ok(Some(batch)) = self.drain.read_span(&in_flight.span)
                && let Err(stumbled) = self.apply(in_flight.id, &batch, step.act)
            {
                return stumbled;
            }
        }
        if let Err(held) = self.set_others_apart() {
            return held;
        }
        self.save();
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
                    match wait(until).filter(|wait| urgency == Urgency::Due && *wait < left && !self.in_tool)
                    {
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

    /// The next batch: one that was tried before, or a new one.
    fn next(&mut self) -> Result<Option<(u64, journal::Batch)>, Finished> {
        loop {
            let now = Timestamp::now();
            let after = self.schedule.in_flight().iter().filter_map(|batch| batch.span.end()).max();
            let fresh = self.peek(after.as_ref())?;
            let (id, span) = match self.schedule.pick(now, &self.rules, fresh) {
                Pick::Nothing => return Ok(None),
                Pick::Held(why) => return Err(Finished::Held(why.to_owned())),
                Pick::NotBefore(moment) => {
                    let reason =
                        self.schedule.last().map(|(_, _, reason)| reason.to_owned()).unwrap_or_default();
                    return Err(Finished::Waiting(moment, reason));
                }
                Pick::Again(batch) => (batch.id, batch.span.clone()),
                Pick::Fresh => match self.cut(after.as_ref())? {
                    Some(batch) => {
                        let id = self.schedule.begin(batch.span());
                        return Ok(Some((id, batch)));
                    }
                    // All that was there could not be sent and was set aside.
                    None => continue,
                },
            };
            match self.drain.read_span(&span).map_err(held_by_journal)? {
                Some(batch) => return Ok(Some((id, batch))),
                None => self.schedule.done(id),
            }
        }
    }

    /// Whether the journal holds events that are in no batch.
    fn peek(&mut self, after: Option<&journal::Position>) -> Result<bool, Finished> {
        let destination = self.destination().to_owned();
        let any = |kind, _: &[u8]| sendable(kind).then_some(0);
        let want = Want {
            destination: Some(&destination),
            max_events: 1,
            max_bytes: usize::MAX,
            size_of: &any,
            after,
        };
        self.drain.next_batch(&want).map(|batch| batch.is_some()).map_err(held_by_journal)
    }

    /// Cuts a new batch to the backend's limits. What can never be sent is set aside on the way.
    fn cut(&mut self, after: Option<&journal::Position>) -> Result<Option<journal::Batch>, Finished> {
        let limits = self.backend()?.limits();
        let described =
            BatchLimits { events: limits.events, bytes: limits.bytes, event_bytes: limits.event_bytes };
        let limits = self.schedule.limits(described, Timestamp::now());
        let destination = self.destination().to_owned();
        let size = |kind, payload: &[u8]| {
            let size = codec::decode(payload).map_or(0, |event| backend::json::estimate(&event));
            sendable(kind).then(|| usize::try_from(size).unwrap_or(usize::MAX))
        };
        let want = Want {
            destination: Some(&destination),
            max_events: limits.events as usize,
            max_bytes: usize::try_from(limits.bytes).unwrap_or(usize::MAX),
            size_of: &size,
            after,
        };
        let Some(mut batch) = self.drain.next_batch(&want).map_err(held_by_journal)? else { return Ok(None) };
        let (mut unreadable, mut too_large) = (Vec::new(), Vec::new());
        batch.records.retain(|record| match codec::decode(&record.payload) {
            None => {
                unreadable.push(record.position);
                false
            }
            Some(event) if backend::json::estimate(&event) > limits.event_bytes => {
                too_large.push(record.position);
                false
            }
            Some(_) => true,
        });
        for (positions, reason) in
            [(unreadable, "the event cannot be read"), (too_large, "larger than the backend takes")]
        {
            if !positions.is_empty() {
                self.drain.quarantine(&positions, reason).map_err(held_by_journal)?;
            }
        }
        if batch.records.is_empty() { Ok(None) } else { Ok(Some(batch)) }
    }

    /// One attempt at one batch, and what it means.
    fn attempt(&mut self, id: u64, batch: &journal::Batch) -> Result<Next, Finished> {
        self.backend()?;
        let Ok(origin) = serde_json::from_slice::<Origin>(&batch.label.origin) else {
            let reason = "the origin cannot be read".to_owned();
            self.apply(id, batch, Act::SetAside(reason))?;
            self.schedule.done(id);
            return Ok(Next::GoOn);
        };
        if let Some(machine_id) = &origin.machine_id
            && self.session.selected.destination == batch.label.destination
        {
            // Noted before it is sent, so that an erasure never misses one.
            let noted = identity::remember(self.session.place.directory(), machine_id);
            noted.map_err(|error| Finished::Held(format!("the machine id cannot be noted: {error}")))?;
        }
        let events: Vec<_> = batch.records.iter().filter_map(event).collect();
        let bytes = events.iter().map(backend::json::estimate).sum();
        let now = Timestamp::now();
        let count = u32::try_from(batch.records.len()).unwrap_or(u32::MAX);
        let Some(attempt) = self.schedule.attempt(id, count, bytes, now, &self.rules) else {
            return Ok(Next::GoOn);
        };
        let permit = match self.permit() {
            Ok(permit) => permit,
            Err(why) => {
                self.schedule.withdraw(id);
                return Err(Finished::Forbidden(why));
            }
        };
        self.save_or_hold()?;
        if attempt.claim {
            self.drain.acknowledge(&batch.positions(), Durability::Durable).map_err(held_by_journal)?;
        }
        let context = SendContext {
            attempt: attempt.number,
            request_id: request_id(batch.records.iter().map(|record| EventId(record.id))),
            now,
        };
        let batch_to_send = backend::Batch { origin, events };
        let native = !self.is_component();
        // A component's requests ask for leave themselves, each right before it is dialled.
        let permit = if native {
            Some(permit)
        } else {
            drop(permit);
            None
        };
        let backend = self.backend()?;
        let before = backend.bytes_sent();
        let outcome = backend.send(&batch_to_send, &context);
        let left = backend.bytes_sent().zip(before).map(|(after, before)| after.saturating_sub(before));
        let log = backend.take_log();
        drop(permit);
        for line in log {
            self.session.logger.log(Severity::Debug, format!("backend: {line}"));
        }
        let forbidden = matches!(outcome, Outcome::Forbidden);
        let happened = happened(outcome);
        if !matches!(happened, Happened::Delivered) {
            self.session.logger.log(Severity::Warning, format!("a batch was not delivered: {happened:?}"));
        }
        let delivery = self.entry(now, u64::from(count), left.unwrap_or(bytes), &happened);
        let Step { act, next } =
            self.schedule.after_attempt(id, happened, Timestamp::now(), &self.rules, &mut random());
        let applied = self.apply(id, batch, act);
        self.note(delivery);
        applied?;
        self.save();
        if forbidden { Err(Finished::Forbidden("consent was withdrawn".into())) } else { Ok(next) }
    }

    /// Does to the journal what the policy said.
    ///
    /// Where the journal cannot take it (a full disk), this sender stops and the schedule waits: events
    /// that were just delivered still look as if they were not, and would be sent again at once.
    fn apply(&mut self, id: u64, batch: &journal::Batch, act: Act) -> Result<(), Finished> {
        let positions = batch.positions();
        let at = |index: &u32| positions.get(*index as usize).copied();
        let done = match act {
            Act::Keep => Ok(()),
            Act::Acknowledge => {
                self.delivered += positions.len() as u64;
                self.drain.acknowledge(&positions, Durability::Cached)
            }
            Act::SetAside(reason) => self.drain.quarantine(&positions, &reason),
            Act::Sort { delivered, set_aside, kept: _, lost } => {
                self.delivered += delivered.len() as u64;
                self.drain.count_loss(LossCause::Unknown, lost.len() as u64);
                let acknowledged: Vec<_> = delivered.iter().filter_map(at).collect();
                set_aside.iter().fold(
                    self.drain.acknowledge(&acknowledged, Durability::Cached),
                    |done, (index, reason)| {
                        let one =
                            at(index).map_or(Ok(()), |position| self.drain.quarantine(&[position], reason));
                        done.and(one)
                    },
                )
            }
            // Too few are left to cut: a sender died after it had acknowledged some.
            Act::Split { .. } if batch.records.len() < 2 => Ok(()),
            Act::Split { at } => {
                let at = at as usize;
                let at = if (1..batch.records.len()).contains(&at) { at } else { batch.records.len() / 2 };
                let (left, right) = batch.records.split_at(at);
                self.schedule.split(id, Span::of(left), Span::of(right));
                Ok(())
            }
            Act::Lose(_) => {
                self.drain.count_loss(LossCause::Unknown, positions.len() as u64);
                self.drain.acknowledge(&positions, Durability::Cached)
            }
        };
        done.map_err(|error| {
            let why = format!("the journal did not take a note: {error}");
            self.schedule.stumbled(&why, Timestamp::now(), &self.rules, &mut random());
            self.session.logger.log(Severity::Warning, why);
            self.waiting()
        })
    }

    /// The backend, opened when it is first needed.
    fn backend(&mut self) -> Result<&mut dyn Backend, Finished> {
        if self.backend.is_none() {
            match open(self.session, self.local, self.ask()) {
                Ok(backend) => self.backend = Some(backend),
                Err(why) => {
                    self.schedule.hold(&why, Timestamp::now(), &self.rules, &mut random());
                    return Err(Finished::Held(why));
                }
            }
        }
        match &mut self.backend {
            Some(backend) => Ok(backend.as_mut()),
            None => Err(Finished::Held("there is no backend".into())),
        }
    }

    /// What the user's `log` says of an attempt; nothing of one that left nothing.
    fn entry(
        &self,
        now: Timestamp,
        events: u64,
        bytes: u64,
        happened: &Happened,
    ) -> Option<ledger::Delivery> {
        let left = !self.is_local() && !matches!(happened, Happened::Denied);
        left.then(|| ledger::Delivery {
            time: now.rfc3339(),
            events,
            bytes,
            destination: self.destination().to_owned(),
            outcome: ledger::in_words(happened),
        })
    }

    /// Notes it after the journal: what cannot be noted is told and costs nothing else.
    fn note(&self, delivery: Option<ledger::Delivery>) {
        let Some(delivery) = delivery else { return };
        if let Err(error) = ledger::note(self.session.place.directory(), delivery) {
            self.session.logger.log(Severity::Debug, format!("a delivery was not noted: {error}"));
        }
    }

    fn is_component(&self) -> bool {
        use backend::select::Choice;
        !self.is_local() && matches!(self.session.selected.choice, Choice::Named(_) | Choice::Path(_))
    }

    fn is_local(&self) -> bool {
        self.local
    }

    /// The destination whose events this sender takes.
    fn destination(&self) -> &str {
        if self.is_local() { LOCAL } else { &self.session.selected.destination }
    }

    /// Asks for leave for one request.
    fn ask(&self) -> Ask {
        let (question, place, in_tool) =
            (self.session.question.clone(), self.session.place.clone(), self.in_tool);
        std::sync::Arc::new(move || question.permit(&place, in_tool).map(|permit| Box::new(permit) as Permit))
    }

    fn permit(&self) -> Result<Permit, String> {
        if self.is_local() { Ok(Box::new(())) } else { (self.ask())() }
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
    fn save_or_hold(&mut self) -> Result<(), Finished> {
        self.write()
            .map_err(|error| Finished::Held(format!("the delivery schedule cannot be written: {error}")))
    }
}

pub(crate) fn sendable(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Event | RecordKind::Start)
}

/// A record as an event. A start without its end is a command that was interrupted.
pub(crate) fn event(record: &journal::Record) -> Option<Event<'static>> {
    let mut event = codec::decode(&record.payload)?;
    if record.kind == RecordKind::Start {
        event.ended = Some(Ended::Interrupted);
    }
    Some(event)
}

fn happened(outcome: Outcome) -> Happened {
    match outcome {
        Outcome::Delivered => Happened::Delivered,
        Outcome::Partial(verdicts) => Happened::Partial(
            verdicts
                .into_iter()
                .map(|verdict| match verdict {
                    backend::Verdict::Delivered => policy::Verdict::Delivered,
                    backend::Verdict::Retry(reason) => policy::Verdict::Retry(reason),
                    backend::Verdict::Rejected(reason) => policy::Verdict::Rejected(reason),
                })
                .collect(),
        ),
        Outcome::Retry { reason, after } => {
            Happened::Retry { reason, after_ms: after.map(|after| after.as_secs_f64() * 1e3) }
        }
        Outcome::TooLarge => Happened::TooLarge,
        Outcome::Rejected(reason) => Happened::Rejected(reason),
        Outcome::Held(why) => Happened::Held(why),
        Outcome::Failed(why) => Happened::Crashed(why),
        Outcome::Forbidden => Happened::Denied,
    }
}

/// The chosen backend, each of whose requests asks for leave.
pub(crate) fn open(session: &Session, local: bool, ask: Ask) -> Result<Box<dyn Backend>, String> {
    let at_most_once = session.config.delivery.semantics == crate::tool::Semantics::AtMostOnce;
    open_with(session, local, ask, at_most_once)
}

/// The chosen backend for requests to erase. Those may be made more than once, so one claim covers any number.
pub(crate) fn open_to_erase(session: &Session, ask: Ask) -> Result<Box<dyn Backend>, String> {
    open_with(session, false, ask, false)
}

fn open_with(
    session: &Session,
    local: bool,
    ask: Ask,
    at_most_once: bool,
) -> Result<Box<dyn Backend>, String> {
    use backend::select::Choice;
    if local {
        return Ok(Box::new(backend::File::new(session.local_log())));
    }
    match &session.selected.choice {
        Choice::None => Err("the author chose no backend".into()),
        Choice::Stdout => Ok(Box::new(backend::Stdout::default())),
        Choice::File => Ok(Box::new(backend::File::new(session.local_log()))),
        Choice::Own => match &session.tool.backend {
            Some((_, make)) => Ok(make()),
            None => Err("the author's own backend is missing".into()),
        },
        choice @ (Choice::Named(_) | Choice::Path(_)) => component(session, choice, ask, at_most_once),
    }
}

#[cfg(feature = "components")]
fn component(
    session: &Session,
    choice: &backend::select::Choice,
    ask: Ask,
    at_most_once: bool,
) -> Result<Box<dyn Backend>, String> {
    let cache = crate::platform::directory::cache_directory(&session.config.tool.id);
    let component = backend::component::open(
        &session.tool,
        &session.config,
        choice,
        cache,
        backend::component::Outlet::Network(ask),
        at_most_once,
    )?;
    Ok(Box::new(component))
}

#[cfg(not(feature = "components"))]
fn component(_: &Session, _: &backend::select::Choice, _: Ask, _: bool) -> Result<Box<dyn Backend>, String> {
    Err("this tool records only: a program `<tool>-telemetry` beside it sends".into())
}

/// The time until a moment, or none if it has come.
fn wait(until: Timestamp) -> Option<Duration> {
    let now = Timestamp::now();
    let ms = until.unix_ms() - now.unix_ms();
    Duration::try_from_secs_f64(ms.max(0.0) / 1e3).ok()
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
