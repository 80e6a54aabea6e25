//! What the drain hands out and takes back.

use super::batch::{Batch, Position, Record, Span, Want};
use super::drain::{Drain, Durability};
use super::names::Sealed;
use super::settings::{LossCause, RecordKind};
use super::{acks, quarantine};
use std::collections::HashSet;
use std::io;

impl Drain {
    /// The oldest records that are not acknowledged, of one label. `None` if there are none.
    ///
    /// # Errors
    /// What the system says.
    pub fn next_batch(&mut self, want: &Want<'_>) -> io::Result<Option<Batch>> {
        let mut batch: Option<Batch> = None;
        let mut bytes = 0usize;
        for sealed in self.sealed()? {
            if want.after.is_some_and(|after| (sealed.sequence, sealed.id) < (after.sequence, after.segment))
            {
                continue;
            }
            let full = self.gather(&sealed, want, &mut bytes, &mut batch)?;
            if full {
                break;
            }
        }
        if let Some(batch) = &batch {
            self.remember_offer(batch)?;
        }
        Ok(batch)
    }

    /// Adds a segment's records to the batch; `true` when the batch takes no more.
    fn gather(
        &mut self,
        sealed: &Sealed,
        want: &Want<'_>,
        bytes: &mut usize,
        batch: &mut Option<Batch>,
    ) -> io::Result<bool> {
        if !self.load(sealed)? {
            return Ok(false);
        }
        let Some(current) = self.current.as_ref().filter(|current| !current.is_gone()) else {
            return Ok(false);
        };
        let loaded = &current.loaded;
        if want.destination.is_some_and(|destination| destination != loaded.label.destination) {
            return Ok(false);
        }
        let base = Position { sequence: sealed.sequence, segment: sealed.id, offset: 0 };
        for entry in loaded.live() {
            let position = Position { offset: entry.offset, ..base };
            if want.after.is_some_and(|after| position <= *after) {
                continue;
            }
            let Some(found) = loaded.found(entry) else {
                continue;
            };
            // A kill while a command moved to the next segment leaves two copies of its start record.
            // Once one is acknowledged the other is known; until then this knows.
            let twice = |batch: &Batch| {
                batch.records.iter().any(|it| it.kind == RecordKind::Start && it.id == found.head.id)
            };
            if entry.kind == RecordKind::Start && batch.as_ref().is_some_and(twice) {
                continue;
            }
            let Some(size) = (want.size_of)(entry.kind, found.payload) else {
                continue;
            };
            if let Some(batch) = batch
                && (batch.records.len() >= want.max_events
                    || bytes.saturating_add(size) > want.max_bytes
                    || batch.label != loaded.label)
            {
                return Ok(true);
            }
            let batch =
                batch.get_or_insert_with(|| Batch { label: loaded.label.clone(), records: Vec::new() });
            *bytes = bytes.saturating_add(size);
            let (kind, payload) = (entry.kind, found.payload.to_vec());
            batch.records.push(Record { position, kind, id: found.head.id, seconds: entry.seconds, payload });
        }
        Ok(false)
    }

    /// Segments that a stored span may name are not merged.
    fn remember_offer(&mut self, batch: &Batch) -> io::Result<()> {
        for part in batch.span().parts {
            if !self.state.offered.contains(&part.segment) {
                self.state.offered.push(part.segment);
                self.dirty = true;
            }
        }
        self.save(false)
    }

    /// The records of a batch that was handed out before, without what was acknowledged since.
    /// `None` if nothing of it is left.
    ///
    /// # Errors
    /// What the system says.
    pub fn read_span(&mut self, span: &Span) -> io::Result<Option<Batch>> {
        let mut batch: Option<Batch> = None;
        let all = self.sealed()?;
        for part in &span.parts {
            let Some(sealed) = all.iter().find(|sealed| sealed.id == part.segment) else {
                continue;
            };
            if !self.load(sealed)? {
                continue;
            }
            let Some(current) = self.current.as_ref().filter(|current| !current.is_gone()) else {
                continue;
            };
            let loaded = &current.loaded;
            if batch.as_ref().is_some_and(|batch| batch.label != loaded.label) {
                continue;
            }
            let inside = |offset: u32| (part.from..=part.last).contains(&offset);
            for entry in loaded.live().filter(|entry| inside(entry.offset)) {
                let deliverable = matches!(entry.kind, RecordKind::Event | RecordKind::Start);
                let Some(found) = loaded.found(entry).filter(|_| deliverable) else {
                    continue;
                };
                let position =
                    Position { sequence: sealed.sequence, segment: sealed.id, offset: entry.offset };
                let batch =
                    batch.get_or_insert_with(|| Batch { label: loaded.label.clone(), records: Vec::new() });
                let (kind, payload) = (entry.kind, found.payload.to_vec());
                batch.records.push(Record {
                    position,
                    kind,
                    id: found.head.id,
                    seconds: entry.seconds,
                    payload,
                });
            }
        }
        Ok(batch)
    }

    /// Records are done with: delivered, claimed, or given up. They are not handed out again.
    ///
    /// # Errors
    /// What the system says; records of which it is not sure are handed out again.
    pub fn acknowledge(&mut self, positions: &[Position], durability: Durability) -> io::Result<()> {
        let durable = durability == Durability::Durable;
        self.claims |= durable;
        let all = self.sealed()?;
        let mut rest: HashSet<&Position> = positions.iter().collect();
        while let Some(segment) = rest.iter().next().map(|position| position.segment) {
            let mut offsets: Vec<u32> =
                rest.iter().filter(|position| position.segment == segment).map(|it| it.offset).collect();
            rest.retain(|position| position.segment != segment);
            offsets.sort_unstable();
            let Some(sealed) = all.iter().find(|sealed| sealed.id == segment) else {
                continue;
            };
            if self.load(sealed)? {
                self.finish(&offsets, durable)?;
            }
        }
        self.save(false)
    }

    /// Marks records of the current segment as done, on disk first.
    pub(super) fn finish(&mut self, offsets: &[u32], durable: bool) -> io::Result<()> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        if current.is_gone() {
            self.current = None;
            return Ok(());
        }
        let loaded = &mut current.loaded;
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut last = None;
        for (index, offset) in offsets.iter().filter_map(|offset| Some((loaded.entry_at(*offset)?, *offset)))
        {
            // One range for neighbours, and across records that are done anyway.
            let joined = last.is_some_and(|last: usize| {
                loaded.entries.get(last + 1..index).is_some_and(|between| between.iter().all(|it| it.done))
            });
            match ranges.last_mut() {
                Some(range) if joined => range.1 = offset + 1,
                _ => ranges.push((offset, offset + 1)),
            }
            last = Some(index);
        }
        let starts: Vec<[u8; 16]> = offsets
            .iter()
            .filter_map(|offset| loaded.entries.get(loaded.entry_at(*offset)?))
            .filter(|entry| entry.kind == RecordKind::Start)
            .filter_map(|entry| Some(loaded.found(entry)?.head.id))
            .collect();
        let segment = loaded.id;
        if !starts.is_empty() {
            for id in starts {
                self.state.report(id);
            }
            self.state.write(&self.folder, durable)?;
            // Its other copy may be in the same segment, merged.
            if let Some(current) = &mut self.current {
                current.loaded.forget_starts(self.state.reported());
            }
        }
        let stored = acks::append(&self.folder, segment, &ranges, durable);
        let Some(current) = &mut self.current else {
            return stored;
        };
        match stored {
            Ok(()) => current.loaded.acknowledge(&ranges),
            // A full disk: if nothing else is left, the segment itself can go instead.
            Err(error) => {
                let before = current.loaded.entries.clone();
                current.loaded.acknowledge(&ranges);
                if current.loaded.live().next().is_some() || durable {
                    current.loaded.entries = before;
                    return Err(error);
                }
            }
        }
        self.retire_if_done()?;
        Ok(())
    }

    /// Records that a backend rejected for good: set aside with the reason, and done with. Only the
    /// newest are kept.
    ///
    /// # Errors
    /// What the system says; what could not be set aside stays in the journal.
    pub fn quarantine(&mut self, positions: &[Position], reason: &str) -> io::Result<()> {
        self.set_aside(positions, LossCause::Rejected, reason)
    }

    /// The same for this cause, under which they are counted as lost: they will never be delivered.
    ///
    /// # Errors
    /// As [`Drain::quarantine`].
    pub fn set_aside(&mut self, positions: &[Position], cause: LossCause, reason: &str) -> io::Result<()> {
        let all = self.sealed()?;
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        for group in sorted.chunk_by(|a, b| a.segment == b.segment) {
            let Some(sealed) =
                all.iter().find(|sealed| Some(sealed.id) == group.first().map(|it| it.segment))
            else {
                continue;
            };
            if !self.load(sealed)? {
                continue;
            }
            let Some(current) = &self.current else {
                continue;
            };
            let loaded = &current.loaded;
            let mut records = Vec::new();
            for position in group {
                let entry = loaded.entry_at(position.offset).and_then(|index| loaded.entries.get(index));
                if let Some(entry) = entry.filter(|entry| !entry.done)
                    && let Some(found) = loaded.found(entry)
                {
                    let (kind, payload) = (entry.kind, found.payload.to_vec());
                    let (position, id, seconds) = (*position, found.head.id, entry.seconds);
                    records.push(Record { position, kind, id, seconds, payload });
                }
            }
            quarantine::put(&self.folder, &loaded.label, &records, reason)?;
            let offsets: Vec<u32> = records.iter().map(|record| record.position.offset).collect();
            self.state.quarantined += records.len() as u64;
            self.lose(cause, records.len() as u64);
            self.dirty = true;
            self.finish(&offsets, false)?;
        }
        self.save(false)
    }
}
