//! One attempt at one batch: leave, claim, request, and what its end does to the journal.

use super::{Finished, Sender, WITHDRAWN};
use crate::backend::{self, Origin, Outcome, SendContext};
use crate::delivery::ledger;
use crate::delivery::policy::{self, Act, Happened, Next, Step};
use crate::delivery::request::request_id;
use crate::diagnostics::Severity;
use crate::event::{EventId, Timestamp};
use crate::identity;
use crate::journal::{self, Durability, LossCause, Span};
use crate::platform::random;

impl Sender<'_> {
    /// One attempt at one batch, and what it means.
    pub(super) fn attempt(&mut self, id: u64, batch: &journal::Batch) -> Result<Next, Finished> {
        self.backend()?;
        let Ok(origin) = serde_json::from_slice::<Origin>(&batch.label.origin) else {
            let reason = "the origin cannot be read".to_owned();
            self.apply(id, batch, Act::SetAside(LossCause::Damaged, reason))?;
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
        let events: Vec<_> = batch.records.iter().filter_map(crate::delivery::recorded::event).collect();
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
        self.save_attempt(id)?;
        if attempt.claim
            && let Err(error) = self.drain.acknowledge(&batch.positions(), Durability::Durable)
        {
            return Err(self.unclaimed(id, batch, &error));
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
            self.schedule.after_attempt(id, happened, Timestamp::now(), &self.rules, &mut random::share);
        let applied = self.apply(id, batch, act);
        self.note(delivery);
        applied?;
        self.save();
        if forbidden { Err(Finished::Forbidden(WITHDRAWN.into())) } else { Ok(next) }
    }

    /// A claim that could not be stored: nothing was sent. What of it is stored nevertheless is never
    /// sent, and counted; the rest waits.
    fn unclaimed(&mut self, id: u64, batch: &journal::Batch, error: &std::io::Error) -> Finished {
        let left = self.drain.read_span(&batch.span()).ok();
        let left = left.map(|left| left.map_or(0, |left| left.records.len()));
        let gone = left.map_or(0, |left| batch.records.len().saturating_sub(left));
        self.drain.count_loss(LossCause::Unknown, gone as u64);
        self.schedule.withdraw(id);
        self.stumble(error)
    }

    /// The journal did not take a note: this sender stops, and the schedule waits.
    fn stumble(&mut self, error: &std::io::Error) -> Finished {
        let why = format!("the journal did not take a note: {error}");
        self.schedule.stumbled(&why, Timestamp::now(), &self.rules, &mut random::share);
        self.session.logger.log(Severity::Warning, why);
        self.waiting()
    }

    /// Does to the journal what the policy said.
    ///
    /// Where the journal cannot take it (a full disk), this sender stops and the schedule waits: events
    /// that were just delivered still look as if they were not, and would be sent again at once.
    pub(super) fn apply(&mut self, id: u64, batch: &journal::Batch, act: Act) -> Result<(), Finished> {
        let positions = batch.positions();
        let at = |index: &u32| positions.get(*index as usize).copied();
        let done = match act {
            Act::Keep => Ok(()),
            Act::Acknowledge => {
                self.delivered += positions.len() as u64;
                self.drain.acknowledge(&positions, Durability::Cached)
            }
            Act::SetAside(cause, reason) => self.set_aside(&batch.label, &batch.records, cause, &reason),
            Act::Sort { delivered, set_aside, kept: _, lost } => {
                self.delivered += delivered.len() as u64;
                self.drain.count_loss(LossCause::Unknown, lost.len() as u64);
                let acknowledged: Vec<_> = delivered.iter().filter_map(at).collect();
                set_aside.iter().fold(
                    self.drain.acknowledge(&acknowledged, Durability::Cached),
                    |done, (index, cause, reason)| {
                        let one = batch.records.get(*index as usize).map(std::slice::from_ref);
                        let one = self.set_aside(&batch.label, one.unwrap_or_default(), *cause, reason);
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
        done.map_err(|error| self.stumble(&error))
    }

    /// Sets events aside that are never sent: counted, and told.
    pub(super) fn set_aside(
        &mut self,
        label: &journal::Label,
        records: &[journal::Record],
        cause: LossCause,
        reason: &str,
    ) -> std::io::Result<()> {
        let number = self.drain.set_aside(label, records, cause, reason)?;
        if number > 0 {
            let what = format!("{number} events are set aside, {}: {reason}", cause.as_str());
            self.session.logger.log(Severity::Error, what);
        }
        Ok(())
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
    ///
    /// With leave to send, which a no waits for before it removes anything. After it only what is still there is
    /// added to: a reset has left nothing.
    fn note(&self, delivery: Option<ledger::Delivery>) {
        let Some(delivery) = delivery else { return };
        let directory = self.session.place.directory();
        let noted = match self.permit() {
            Ok(_leave) => ledger::note(directory, delivery),
            Err(_) => ledger::add(directory, delivery),
        };
        if let Err(error) = noted {
            self.session.logger.log(Severity::Debug, format!("a delivery was not noted: {error}"));
        }
    }
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
