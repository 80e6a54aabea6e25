//! A record that has no place yet: laid out as on disk, but for what depends on where it goes.
//!
//! Its maker writes the payload where it will stay, so that a record is made, summed and stored without being
//! put together anywhere else.

use super::format::{Head, RECORD_HEAD, RECORD_TAIL, Seed, Tally, record_size};
use super::settings::RecordKind;
use crate::scratch::Scratch;

/// A record in the making. It is used for one record after another.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    bytes: Scratch,
    kind: u8,
    id: [u8; 16],
    seconds: u32,
    payload: usize,
    alone: bool,
    new_id: bool,
    end: u64,
}

impl Draft {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Scratch::new(),
            kind: 0,
            id: [0; 16],
            seconds: 0,
            payload: 0,
            alone: false,
            new_id: false,
            end: 0,
        }
    }

    /// Begins another record; its payload is to be put into what this returns.
    #[inline]
    pub(crate) fn begin(&mut self) -> &mut Scratch {
        self.bytes.restart(RECORD_HEAD);
        &mut self.bytes
    }

    /// What the record says beside its payload, which is complete.
    #[inline]
    pub(super) fn finish(&mut self, kind: u8, id: [u8; 16], seconds: u32) {
        (self.alone, self.new_id) = (false, false);
        self.payload = self.bytes.bytes().len() - RECORD_HEAD;
        (self.kind, self.id, self.seconds) = (kind, id, seconds);
        let padding = self.payload.next_multiple_of(8) - self.payload;
        self.bytes.put([0; RECORD_TAIL + 7]);
        self.bytes.shorten(7 - padding);
        let head = self.head(Tally::default());
        let bytes = self.bytes.bytes_mut();
        bytes[8..16].copy_from_slice(&head.word(self.payload).to_le_bytes());
        bytes[16..32].copy_from_slice(&id);
    }

    /// A whole record at once.
    pub(super) fn set(&mut self, kind: u8, id: [u8; 16], seconds: u32, payload: &[u8]) {
        self.begin().put_slice(payload);
        self.finish(kind, id, seconds);
    }

    /// Says that its place says nothing: no command is running that it may end. With a `new_id` none ever was.
    #[inline]
    pub(super) fn set_alone(&mut self, new_id: bool) {
        (self.alone, self.new_id) = (true, new_id);
    }

    /// Whether it says nothing of other records, wherever it is.
    #[inline]
    pub(super) fn stands_alone(&self) -> bool {
        self.alone && self.is_event()
    }

    /// Whether it may begin or end a command. Of one that it ends somebody may note the start only now.
    #[inline]
    pub(super) fn is_noted(&self) -> bool {
        !(self.new_id && self.is_event())
    }

    #[inline]
    fn head(&self, tally: Tally) -> Head {
        Head { kind: self.kind, id: self.id, seconds: self.seconds, tally }
    }

    /// The record's bytes for `offset` of a segment.
    #[inline]
    pub(super) fn place(&mut self, seed: Seed, offset: u64, tally: Tally) -> &[u8] {
        let tail = self.head(tally).tail(self.payload);
        let bytes = self.bytes.bytes_mut();
        let end = bytes.len() - RECORD_TAIL;
        bytes[end..].copy_from_slice(&tail.to_le_bytes());
        let commit = seed.commit(offset, &bytes[8..]);
        bytes[..8].copy_from_slice(&commit.to_le_bytes());
        self.end = offset + bytes.len() as u64;
        bytes
    }

    /// Where it ends in the segment that it was placed in last.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    #[inline]
    pub(super) fn kind(&self) -> u8 {
        self.kind
    }

    pub(super) fn is_event(&self) -> bool {
        self.kind == RecordKind::Event.code()
    }

    pub(super) fn id(&self) -> [u8; 16] {
        self.id
    }

    pub(super) fn seconds(&self) -> u32 {
        self.seconds
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.bytes.bytes().get(RECORD_HEAD..RECORD_HEAD + self.payload).unwrap_or_default()
    }

    /// Bytes of the payload so far.
    #[inline]
    pub(super) fn payload_len(&self) -> usize {
        self.bytes.bytes().len().saturating_sub(RECORD_HEAD)
    }

    /// Bytes of the record.
    #[inline]
    pub(super) fn size(&self) -> usize {
        record_size(self.payload)
    }
}
