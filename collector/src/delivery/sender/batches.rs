//! The next batch: what is taken out of the journal, and in what portions.

use super::{Finished, Sender, held_by_journal};
use crate::backend;
use crate::delivery::limits::BatchLimits;
use crate::delivery::policy::Pick;
use crate::delivery::recorded::{ANY, sendable};
use crate::event::{EventId, Timestamp, codec};
use crate::journal::{self, LossCause, Want};

impl Sender<'_> {
    /// The next batch: one that was tried before, or a new one.
    pub(super) fn next(&mut self) -> Result<Option<(u64, journal::Batch)>, Finished> {
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
            let size = codec::decode(ANY, payload).map_or(0, |event| backend::json::estimate(&event));
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
        for record in std::mem::take(&mut batch.records) {
            let event = codec::decode(EventId(record.id), &record.payload);
            match event.map(|event| backend::json::estimate(&event)) {
                None => unreadable.push(record),
                Some(size) if size > limits.event_bytes => too_large.push(record),
                Some(_) => batch.records.push(record),
            }
        }
        for (records, cause, reason) in [
            (unreadable, LossCause::Damaged, "the event cannot be read"),
            (too_large, LossCause::Rejected, "larger than the backend takes"),
        ] {
            if !records.is_empty() {
                self.set_aside(&batch.label, &records, cause, reason).map_err(held_by_journal)?;
            }
        }
        if batch.records.is_empty() { Ok(None) } else { Ok(Some(batch)) }
    }
}
