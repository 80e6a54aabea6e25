//! Reading a segment's records in order, past whatever is damaged.

use super::format::{self, Head, Seed, Tally};
use super::unreadable::{self, Places};

/// A record found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) offset: usize,
    pub(super) head: Head,
    pub(super) payload: &'a [u8],
}

/// Walks over the valid records of a segment's bytes.
///
/// It never reads a byte twice except where a mark was right and a checksum wrong, which needs
/// damage of exactly the right kind. A file that was made to be slow is full of such places; so there is a bound
/// on the bytes that are summed in vain, and what comes after it counts as damage.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    seed: Seed,
    at: usize,
    /// Where the last valid record ended.
    end: usize,
    /// What the last valid record said.
    tally: Tally,
    /// Events that were read.
    read: u64,
    /// Where an unreadable stretch began.
    gap: Option<usize>,
    damaged: u64,
    /// Where the last unreadable stretch ends in which there was a record.
    unreadable: usize,
    /// So many bytes may still be summed in vain.
    patience: usize,
}

impl<'a> Scan<'a> {
    /// The records of `bytes` from `start`, where the header ends.
    pub(super) fn new(bytes: &'a [u8], segment: u64, start: usize) -> Self {
        Self {
            bytes,
            seed: Seed::of(segment),
            at: start,
            end: start,
            tally: Tally::default(),
            read: 0,
            gap: None,
            damaged: 0,
            unreadable: 0,
            patience: 4 * bytes.len() + format::record_size(format::MAX_PAYLOAD),
        }
    }

    /// Where the last valid record ended, once the scan is over.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// What the last valid record said of the segment.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Events lost in unreadable stretches between valid records.
    pub(super) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Where the last unreadable stretch between valid records ends in which there was a whole record, be it an
    /// event or not.
    pub(super) fn unreadable(&self) -> usize {
        self.unreadable
    }

    fn close_gap(&mut self, before: u32) {
        let Some(gap) = self.gap.take() else {
            return;
        };
        let stored = u32::try_from(self.read + self.damaged).unwrap_or(u32::MAX);
        let places = Places {
            by_last: before.checked_sub(self.tally.events()),
            by_stored: before.saturating_sub(stored),
        };
        let held = unreadable::between(&self.bytes[gap..self.at], places);
        self.damaged += u64::from(held.events);
        if held.record {
            self.unreadable = self.at;
        }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        while self.at + format::record_size(0) <= self.bytes.len() {
            if let Some((head, payload, size)) = format::decode(self.seed, self.bytes, self.at) {
                let counted = u32::from(head.kind == super::RecordKind::Event.code());
                self.close_gap(head.tally.events().saturating_sub(counted));
                let found = Found { offset: self.at, head, payload };
                self.at += size;
                self.end = self.at;
                self.tally = head.tally;
                self.read += u64::from(counted);
                return Some(found);
            }
            self.gap.get_or_insert(self.at);
            let record = &self.bytes[self.at..];
            let vain = format::claimed(self.seed, record, self.at as u64).map_or(0, format::record_size);
            let Some(patience) = self.patience.checked_sub(vain) else {
                self.at = self.bytes.len();
                break;
            };
            self.patience = patience;
            self.at += 8;
        }
        None
    }
}
