//! A whole segment in memory, for whoever reads one.

use super::format::{self, Header, Seed, Tally};
use super::names::Sealed;
use super::scan::{Found, Scan};
use super::settings::{Label, LossCause, MOVED, RecordKind};
use super::unreadable::{self, Held};
use crate::platform::file;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;

/// A segment is never longer, whatever its file says; what is behind is not read.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// Why a segment cannot be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is a later version's.
    Newer,
    /// Both copies of its header are damaged, or it never had one.
    Damaged,
    /// The system refused.
    Io(io::Error),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// How many events a segment held whose header is gone, as its end says; none where that says nothing.
pub(super) fn events_by_end(file: &File) -> Option<u64> {
    let bytes = file::read_all(file, MOST_BYTES).unwrap_or_default();
    let used = unreadable::used(&bytes);
    let last = used.checked_sub(8).and_then(|at| format::u64_at(&bytes, at));
    let events = u64::from(last.and_then(format::tally_by_tail)?.events());
    // Nothing holds more events than it has room for, whatever it says.
    Some(events.clamp(1, (used / format::record_size(0)).max(1) as u64))
}

/// A record's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) offset: u32,
    pub(super) kind: RecordKind,
    pub(super) seconds: u32,
    /// Acknowledged, or never to be delivered.
    pub(super) done: bool,
}

/// A segment's bytes and where its records are.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) id: u64,
    pub(super) created_ms: u64,
    pub(super) label: Label,
    pub(super) entries: Vec<Entry>,
    /// Where the last valid record ends.
    pub(super) end: usize,
    /// Where what counts ends: the same, or the end of a damaged stretch behind it.
    pub(super) used: usize,
    /// What it holds, with what is damaged.
    pub(super) tally: Tally,
    /// What its last record says that it holds, with what a damaged end held: more, where places were taken in which
    /// nothing was stored.
    pub(super) claimed: Tally,
    /// Events in unreadable stretches.
    pub(super) damaged: u64,
    /// Losses that its writers recorded.
    pub(super) losses: Vec<(LossCause, u64)>,
    bytes: Vec<u8>,
}

impl Loaded {
    /// Reads a segment.
    pub(super) fn read(file: &File) -> Result<Self, Unreadable> {
        Self::parse(file::read_all(file, MOST_BYTES)?)
    }

    /// Reads a segment from its bytes.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, Unreadable> {
        // A flipped bit can make one copy of the header look like a later version's; the other one
        // tells.
        let Some((header, start)) = Header::parse(&bytes) else {
            return Err(if format::is_newer(&bytes) { Unreadable::Newer } else { Unreadable::Damaged });
        };
        let mut entries = Vec::new();
        let mut losses = Vec::new();
        let mut ended = HashSet::new();
        let mut moved = HashMap::new();
        let mut starts = false;
        let mut scan = Scan::new(&bytes, header.id, start);
        for found in scan.by_ref() {
            let kind = RecordKind::from_code(found.head.kind);
            let done = match kind {
                RecordKind::Loss => {
                    losses.extend(
                        format::decode_loss(found.payload).map(|(c, n)| (LossCause::from_code(c), n)),
                    );
                    true
                }
                RecordKind::Other(MOVED) => {
                    let ids = found.payload.as_chunks::<16>().0;
                    moved.extend(ids.iter().map(|id| (*id, found.offset)));
                    true
                }
                RecordKind::Event => {
                    ended.insert(found.head.id);
                    false
                }
                RecordKind::Start => {
                    starts = true;
                    false
                }
                RecordKind::Other(_) => false,
            };
            let offset = u32::try_from(found.offset).unwrap_or(u32::MAX);
            entries.push(Entry { offset, kind, seconds: found.head.seconds, done });
        }
        let (end, damaged) = (scan.end(), scan.damaged());
        let read = entries.iter().filter(|entry| entry.kind == RecordKind::Event).count() as u64;
        let stored = u32::try_from(read + damaged).unwrap_or(u32::MAX);
        let behind = unreadable::behind(bytes.get(end..).unwrap_or_default(), scan.tally(), stored);
        let (used, unreadable) = match behind {
            Some(_) => [unreadable::used(&bytes); 2].into(),
            None => (end, scan.unreadable()),
        };
        let Held { events: more, .. } = behind.unwrap_or_default();
        let damaged = damaged + u64::from(more);
        let claimed = scan.tally().and(more);
        let tally = claimed.of(stored.saturating_add(more));
        let mut loaded = Self {
            id: header.id,
            created_ms: header.created_ms,
            label: header.label,
            entries,
            end,
            used,
            tally,
            claimed,
            damaged,
            losses,
            bytes,
        };
        if starts {
            // A command may come back to a segment that it moved away from: only what was there
            // before it moved is void. And nobody knows whether it ended where a record behind it cannot be read.
            let is_void = |found: Found<'_>| {
                let id = found.head.id;
                found.offset < unreadable
                    || ended.contains(&id)
                    || moved.get(&id).is_some_and(|moved| *moved > found.offset)
            };
            loaded.finish(|loaded, entry| {
                entry.kind == RecordKind::Start && loaded.found(entry).is_none_or(is_void)
            });
        }
        Ok(loaded)
    }

    /// Takes into account what the segment's name says that it held when it was sealed: what is missing at its
    /// end is damaged.
    pub(super) fn sealed_as(&mut self, sealed: &Sealed) {
        let (held, found) = (sealed.events_in(self.bytes.len() as u64), u64::from(self.tally.events()));
        let missing = held.saturating_sub(found);
        // Where damage is beside unused places, more may have been taken for events than there were.
        let invented = found.saturating_sub(held).min(self.damaged);
        self.damaged = self.damaged - invented + missing;
        self.tally = self.tally.of(u32::try_from(found - invented + missing).unwrap_or(u32::MAX));
        if missing > 0 {
            // Among what is missing may be the end of any command.
            self.finish(|_, entry| entry.kind == RecordKind::Start);
        }
    }

    /// Marks as done what `is_done` says.
    fn finish(&mut self, is_done: impl Fn(&Self, &Entry) -> bool) {
        let mut entries = std::mem::take(&mut self.entries);
        for entry in &mut entries {
            entry.done |= is_done(self, entry);
        }
        self.entries = entries;
    }

    /// Marks as done what begins in these ranges.
    pub(super) fn acknowledge(&mut self, ranges: &[(u32, u32)]) {
        for (from, to) in ranges {
            let first = self.entries.partition_point(|entry| entry.offset < *from);
            for entry in self.entries[first..].iter_mut().take_while(|entry| entry.offset < *to) {
                entry.done = true;
            }
        }
    }

    /// Marks start records of these ids as done: they were reported from another copy.
    pub(super) fn forget_starts(&mut self, reported: &[[u8; 16]]) {
        if !reported.is_empty() {
            self.finish(|loaded, entry| {
                entry.kind == RecordKind::Start
                    && loaded.found(entry).is_none_or(|found| reported.contains(&found.head.id))
            });
        }
    }

    /// The record at a place.
    pub(super) fn found(&self, entry: &Entry) -> Option<Found<'_>> {
        let offset = entry.offset as usize;
        let (head, payload, _) = format::decode(Seed::of(self.id), &self.bytes, offset)?;
        Some(Found { offset, head, payload })
    }

    /// The entry that begins at `offset`.
    pub(super) fn entry_at(&self, offset: u32) -> Option<usize> {
        self.entries.binary_search_by_key(&offset, |entry| entry.offset).ok()
    }

    /// Whether the record that begins at `offset` is still to be delivered.
    pub(super) fn is_live(&self, offset: u32) -> bool {
        self.entry_at(offset).and_then(|index| self.entries.get(index)).is_some_and(|entry| !entry.done)
    }

    /// Records still to be delivered.
    pub(super) fn live(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.done)
    }

    /// Events still to be delivered.
    pub(super) fn live_events(&self) -> u64 {
        self.live().filter(|entry| entry.kind == RecordKind::Event).count() as u64
    }
}

/// Adds to a count by cause.
pub(super) fn count(losses: &mut Vec<(LossCause, u64)>, cause: LossCause, by: u64) {
    if by == 0 {
        return;
    }
    match losses.iter_mut().find(|(known, _)| *known == cause) {
        Some((_, total)) => *total = total.saturating_add(by),
        None => losses.push((cause, by)),
    }
}
