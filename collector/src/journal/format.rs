//! How a header and a record are laid out in bytes; see the module's page.

use super::settings::{Label, RecordKind};
use crate::sum::sum;

/// What a segment begins with. The digit is the format's version.
pub(super) const MAGIC: [u8; 8] = *b"telseg1\n";
/// What comes before a record's payload.
pub(super) const RECORD_HEAD: usize = 32;
/// What comes after it and its padding.
pub(super) const RECORD_TAIL: usize = 8;
/// The longest payload that the format can express.
const LENGTH: usize = (1 << 24) - 1;
/// The longest payload that anybody writes: of the largest record that settings allow, with the reason that the
/// quarantine puts before it.
pub(super) const MAX_PAYLOAD: usize = (1 << 20) + (2 << 10);

const HEADER_FIXED: usize = 40;
const TAIL_TAG: u8 = 0xE5;

/// The longest header copy.
pub(super) const MAX_HEADER: usize = HEADER_FIXED + Label::MAX_DESTINATION + Label::MAX_ORIGIN;

/// A segment's header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) id: u64,
    pub(super) created_ms: u64,
    pub(super) label: Label,
}

impl Header {
    /// Both copies.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (destination, origin) = (self.label.destination.as_bytes(), self.label.origin.as_slice());
        let length = (HEADER_FIXED + destination.len() + origin.len()).next_multiple_of(8);
        let mut copy = Vec::with_capacity(2 * length);
        copy.extend_from_slice(&MAGIC);
        copy.extend_from_slice(&(length as u32).to_le_bytes());
        copy.extend_from_slice(&[0; 4]);
        copy.extend_from_slice(&self.id.to_le_bytes());
        copy.extend_from_slice(&self.created_ms.to_le_bytes());
        copy.extend_from_slice(&(destination.len() as u32).to_le_bytes());
        copy.extend_from_slice(&(origin.len() as u32).to_le_bytes());
        copy.extend_from_slice(destination);
        copy.extend_from_slice(origin);
        copy.resize(length, 0);
        let sum = header_sum(&copy);
        copy[12..16].copy_from_slice(&sum.to_le_bytes());
        copy.extend_from_within(..);
        copy
    }

    /// The header and where the records begin, from the beginning of a segment.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        if let Some((header, length)) = Self::parse_copy(bytes) {
            return Some((header, 2 * length));
        }
        let reach = bytes.len().min(MAX_HEADER + 8);
        (8..reach).step_by(8).find_map(|at| {
            let (header, length) = Self::parse_copy(&bytes[at..])?;
            Some((header, at + length))
        })
    }

    fn parse_copy(bytes: &[u8]) -> Option<(Self, usize)> {
        if bytes.get(..8)? != MAGIC {
            return None;
        }
        let length = u32_at(bytes, 8)? as usize;
        if !(HEADER_FIXED..=MAX_HEADER + 7).contains(&length) || !length.is_multiple_of(8) {
            return None;
        }
        let copy = bytes.get(..length)?;
        if u32_at(copy, 12)? != header_sum(copy) {
            return None;
        }
        let destination_end = HEADER_FIXED.checked_add(u32_at(copy, 32)? as usize)?;
        let origin_end = destination_end.checked_add(u32_at(copy, 36)? as usize)?;
        let label = Label {
            destination: std::str::from_utf8(copy.get(HEADER_FIXED..destination_end)?).ok()?.to_owned(),
            origin: copy.get(destination_end..origin_end)?.to_vec(),
        };
        Some((Self { id: u64_at(copy, 16)?, created_ms: u64_at(copy, 24)?, label }, length))
    }
}

/// Whether a file begins like a segment of a version that this code does not know.
pub(super) fn is_newer(bytes: &[u8]) -> bool {
    bytes.len() >= 8
        && bytes[..6] == MAGIC[..6]
        && bytes[..8] != MAGIC
        && bytes[6] > MAGIC[6]
        && bytes[6] <= b'9'
}

fn header_sum(copy: &[u8]) -> u32 {
    sum(sum(0, &copy[..12]), &copy[16..])
}

/// What makes a segment's marks and checksums its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seed(u64);

impl Seed {
    pub(super) const fn of(segment: u64) -> Self {
        // SplitMix64's finaliser: ids that differ in one bit give seeds that differ in half of them.
        let mut z = segment.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self(z ^ (z >> 31))
    }

    pub(super) const fn mark(self, offset: u64) -> u32 {
        ((self.0 >> 32) as u32) ^ ((offset >> 3) as u32).wrapping_mul(0x9E37_79B1)
    }

    pub(super) const fn sum(self, offset: u64) -> u32 {
        (self.0 as u32) ^ ((offset >> 3) as u32)
    }

    /// The first word of a record, which makes it count; `rest` is all of it behind that.
    #[inline]
    pub(super) fn commit(self, offset: u64, rest: &[u8]) -> u64 {
        u64::from(self.mark(offset)) | u64::from(sum(self.sum(offset), rest)) << 32
    }
}

/// How many bytes a record with such a payload takes.
pub(super) const fn record_size(payload: usize) -> usize {
    RECORD_HEAD + payload.next_multiple_of(8) + RECORD_TAIL
}

/// What a segment holds up to a record: how many events, and whether its writers counted losses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(super) struct Tally(pub(super) u32);

impl Tally {
    const LOSSES: u32 = 1 << 31;

    pub(super) const fn events(self) -> u32 {
        self.0 & !Self::LOSSES
    }

    pub(super) const fn has_losses(self) -> bool {
        self.0 & Self::LOSSES != 0
    }

    /// What it is with so many more events.
    pub(super) const fn and(self, events: u32) -> Self {
        let most = Self::LOSSES - 1 - self.events();
        Self(self.0 + if events < most { events } else { most })
    }

    /// The same with so many events instead.
    pub(super) const fn of(self, events: u32) -> Self {
        Self(self.0 & Self::LOSSES).and(events)
    }

    /// What it is after one more record of this kind.
    pub(super) const fn after(self, kind: u8) -> Self {
        if kind == RecordKind::Loss.code() {
            Self(self.0 | Self::LOSSES)
        } else if kind == RecordKind::Event.code() && self.events() < Self::LOSSES - 1 {
            Self(self.0 + 1)
        } else {
            self
        }
    }
}

/// What a record says beside its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) id: [u8; 16],
    /// Seconds since 1970.
    pub(super) seconds: u32,
    /// The segment up to and including this record.
    pub(super) tally: Tally,
}

impl Head {
    /// The second word: length, kind, seconds.
    pub(super) fn word(&self, payload: usize) -> u64 {
        (payload as u64 & 0xFF_FFFF) | u64::from(self.kind) << 24 | u64::from(self.seconds) << 32
    }

    /// The last word.
    pub(super) fn tail(&self, payload: usize) -> u64 {
        let words = (record_size(payload) / 8) as u64;
        u64::from(self.tally.0) | (words & 0xFF_FFFF) << 32 | u64::from(TAIL_TAG) << 56
    }

    /// Appends the record to `out`, for `offset` in a segment.
    pub(super) fn encode(&self, seed: Seed, offset: u64, payload: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&self.word(payload.len()).to_le_bytes());
        out.extend_from_slice(&self.id);
        out.extend_from_slice(payload);
        out.resize(start + record_size(payload.len()) - RECORD_TAIL, 0);
        out.extend_from_slice(&self.tail(payload.len()).to_le_bytes());
        let commit = seed.commit(offset, &out[start + 8..]);
        out[start..start + 8].copy_from_slice(&commit.to_le_bytes());
    }
}

/// The record at `offset` of a segment's bytes, and how many bytes it takes.
pub(super) fn decode(seed: Seed, bytes: &[u8], offset: usize) -> Option<(Head, &[u8], usize)> {
    let record = bytes.get(offset..)?;
    let (head, payload) = decode_alone(seed, record, offset as u64)?;
    Some((head, payload, record_size(payload.len())))
}

/// The length of the payload that `record` claims, if it has its offset's mark and fits. Only its checksum
/// vouches for that, and to sum it is what a reader's time is spent on.
pub(super) fn claimed(seed: Seed, record: &[u8], offset: u64) -> Option<usize> {
    #[cfg(test)]
    looked::at(4);
    if u32_at(record, 0)? != seed.mark(offset) {
        return None;
    }
    let length = length_at(record)?;
    (length <= MAX_PAYLOAD && record_size(length) <= record.len()).then_some(length)
}

/// The length of the payload that a record's head says.
pub(super) fn length_at(record: &[u8]) -> Option<usize> {
    Some(u32_at(record, 8)? as usize & LENGTH)
}

/// The record that `record` begins with, which is at `offset` of its segment.
pub(super) fn decode_alone(seed: Seed, record: &[u8], offset: u64) -> Option<(Head, &[u8])> {
    let length = claimed(seed, record, offset)?;
    let record = record.get(..record_size(length))?;
    #[cfg(test)]
    looked::at(record.len());
    if u32_at(record, 4)? != sum(seed.sum(offset), &record[8..]) {
        return None;
    }
    let mut id = [0; 16];
    id.copy_from_slice(&record[16..32]);
    let tally = Tally(u32_at(record, record.len() - RECORD_TAIL)?);
    let kind = record[11];
    if kind == 0 {
        return None;
    }
    let head = Head { kind, id, seconds: u32_at(record, 12)?, tally };
    Some((head, &record[RECORD_HEAD..RECORD_HEAD + length]))
}

/// The record that `bytes` end in, if it is sound; they end at `end` of their segment.
pub(super) fn decode_last(seed: Seed, bytes: &[u8], end: u64) -> Option<Head> {
    let size = size_by_end(bytes)?;
    let record = &bytes[bytes.len().checked_sub(size)?..];
    let (head, payload) = decode_alone(seed, record, end.checked_sub(size as u64)?)?;
    (record_size(payload.len()) == size).then_some(head)
}

/// Whether a damaged stretch is one record, all of whose bytes are there: its head or its last word says so.
pub(super) fn is_one(stretch: &[u8]) -> bool {
    let by_head = length_at(stretch).map(record_size);
    [by_head, size_by_end(stretch)].contains(&Some(stretch.len()))
}

/// How many bytes the record takes that `bytes` end in, by its last word; `None` if that is no record's end.
pub(super) fn size_by_end(bytes: &[u8]) -> Option<usize> {
    let tail = u64_at(bytes, bytes.len().checked_sub(RECORD_TAIL)?)?;
    tally_by_tail(tail)?;
    let size = ((tail >> 32) as usize & 0xFF_FFFF) * 8;
    (record_size(0)..=record_size(MAX_PAYLOAD)).contains(&size).then_some(size)
}

/// What a segment holds, by its last word; `None` if that is no record's end. Nothing vouches for it.
pub(super) fn tally_by_tail(tail: u64) -> Option<Tally> {
    ((tail >> 56) as u8 == TAIL_TAG).then_some(Tally(tail as u32))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// The payload of a record of kind loss.
pub(super) fn encode_loss(cause: u8, count: u64) -> [u8; 16] {
    let mut payload = [0; 16];
    payload[0] = cause;
    payload[8..].copy_from_slice(&count.to_le_bytes());
    payload
}

/// Cause and count of a record of kind loss.
pub(super) fn decode_loss(payload: &[u8]) -> Option<(u8, u64)> {
    Some((*payload.first()?, u64_at(payload, 8)?))
}

/// How many bytes readers of this thread looked at: a bound on work that no clock has a part in.
#[cfg(test)]
pub(super) mod looked {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<u64> = const { Cell::new(0) };
    }

    pub(in super::super) fn at(bytes: usize) {
        BYTES.set(BYTES.get() + bytes as u64);
    }

    /// How many since it was last asked.
    pub(in super::super) fn take() -> u64 {
        BYTES.take()
    }
}
