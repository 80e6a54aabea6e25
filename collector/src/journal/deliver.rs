//! What the drain hands out and takes back.

use super::batch::{Batch, Position, Record, Span, Want};
use super::drain::{Drain, Durability};
use super::names::Sealed;
use super::settings::{Label, LossCause, RecordKind};
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
        if durable {
            // One batch at a time is claimed and answered.
            self.claimed.clear();
        }
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
                if durable {
                    self.claim(sealed, &offsets);
                }
                self.finish(&offsets, durable)?;
            }
        }
        self.save(false)
    }

    /// Remembers which records of the current segment are claimed now, and were not done with before: whatever
    /// becomes of them is counted from here.
    fn claim(&mut self, sealed: &Sealed, offsets: &[u32]) {
        let Some(current) = &self.current else {
            return;
        };
        let live = offsets.iter().filter(|offset| current.loaded.is_live(**offset));
        let base = Position { sequence: sealed.sequence, segment: sealed.id, offset: 0 };
        self.claimed.extend(live.map(|offset| Position { offset: *offset, ..base }));
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
    pub fn quarantine(&mut self, label: &Label, records: &[Record], reason: &str) -> io::Result<u64> {
        self.set_aside(label, records, LossCause::Rejected, reason)
    }

    /// The same for this cause, under which they are counted as lost: they will never be delivered. Says how many
    /// they were: not those that are done with already, unless this drain claimed them.
    ///
    /// The records come from whoever was handed them: a claim has left nothing of them in the journal.
    ///
    /// # Errors
    /// As [`Drain::quarantine`]; what was claimed is counted nevertheless.
    pub fn set_aside(
        &mut self,
        label: &Label,
        records: &[Record],
        cause: LossCause,
        reason: &str,
    ) -> io::Result<u64> {
        let mut sorted: Vec<&Record> = records.iter().collect();
        sorted.sort_unstable_by_key(|record| record.position);
        sorted.dedup_by_key(|record| record.position);
        let claimed: Vec<&Record> =
            sorted.extract_if(.., |record| self.claimed.remove(&record.position)).collect();
        let mut number = self.claimed_aside(label, &claimed, cause, reason)?;
        let all = if sorted.is_empty() { Vec::new() } else { self.sealed()? };
        for group in sorted.chunk_by(|a, b| a.position.segment == b.position.segment) {
            let segment = group.first().map(|record| record.position.segment);
            if let Some(sealed) = all.iter().find(|sealed| Some(sealed.id) == segment)
                && self.load(sealed)?
            {
                number += self.live_aside(label, group, cause, reason)?;
            }
        }
        self.save(false)?;
        Ok(number)
    }

    /// Sets aside what the claim took out of the journal. Where there is no room for it, it is lost all the same.
    fn claimed_aside(
        &mut self,
        label: &Label,
        records: &[&Record],
        cause: LossCause,
        reason: &str,
    ) -> io::Result<u64> {
        let number = records.len() as u64;
        self.lose(cause, number);
        let stored = quarantine::put(&self.folder, label, records.iter().copied(), reason);
        if stored.is_ok() {
            self.state.quarantined += number;
        }
        let saved = self.save(false);
        stored.and(saved).map(|()| number)
    }

    /// Sets aside what is in the current segment and not done with.
    fn live_aside(
        &mut self,
        label: &Label,
        records: &[&Record],
        cause: LossCause,
        reason: &str,
    ) -> io::Result<u64> {
        let Some(current) = &self.current else {
            return Ok(0);
        };
        let live: Vec<&Record> =
            records.iter().copied().filter(|record| current.loaded.is_live(record.position.offset)).collect();
        let number = live.len() as u64;
        if number == 0 {
            return Ok(0);
        }
        let whole = current.loaded.live().count() == live.len();
        quarantine::put(&self.folder, label, live.iter().copied(), reason)?;
        let done = if whole {
            self.drop_with_segment(&live, cause)?
        } else {
            self.drop_counted(&live, cause)?;
            true
        };
        Ok(if done { number } else { 0 })
    }

    /// What is left of the current segment is set aside, and its file goes with it. `false` if somebody else removed
    /// that.
    fn drop_with_segment(&mut self, records: &[&Record], cause: LossCause) -> io::Result<bool> {
        let Some(current) = self.current.take() else {
            return Ok(false);
        };
        let number = records.len() as u64;
        let starts = || records.iter().filter(|it| it.kind == RecordKind::Start).map(|it| it.id);
        starts().for_each(|id| self.state.report(id));
        self.state.quarantined += number;
        let lost = current.losses_with(cause, number);
        self.count_and_remove(&current.sealed.name(), Some(current.sealed.id), &lost, |state| {
            starts().for_each(|id| state.take_report_back(id));
            state.quarantined = state.quarantined.saturating_sub(number);
        })
    }

    /// Counts records of the current segment as set aside, and then marks them as done. Others are left in it, so
    /// nothing can note that both are to happen: a drain that is killed in between has counted them and hands them
    /// out again, which is too much rather than nothing.
    fn drop_counted(&mut self, records: &[&Record], cause: LossCause) -> io::Result<()> {
        let offsets: Vec<u32> = records.iter().map(|record| record.position.offset).collect();
        let number = offsets.len() as u64;
        self.lose(cause, number);
        self.state.quarantined += number;
        let done = self.save(false).and_then(|()| self.finish(&offsets, false));
        let is_live = |offset: &u32| self.current.as_ref().is_some_and(|it| it.loaded.is_live(*offset));
        if done.is_err() && offsets.iter().any(is_live) {
            // They stay, and are counted when they go.
            self.state.take_back(cause, number);
            self.state.quarantined = self.state.quarantined.saturating_sub(number);
            self.dirty = true;
        }
        done
    }
}
