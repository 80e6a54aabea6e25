//! What the drain hands out: records with their places, and the shape of a batch for later.

use super::settings::{Label, RecordKind};
use serde::{Deserialize, Serialize};

/// A record's place in the journal. Positions are ordered as the drain hands records out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Position {
    pub(super) sequence: u64,
    pub(super) segment: u64,
    pub(super) offset: u32,
}

/// What a batch may hold.
pub struct Want<'a> {
    /// Only records for this destination.
    pub destination: Option<&'a str>,
    /// At most so many records.
    pub max_events: usize,
    /// At most so many bytes, as `size_of` counts them. A first record that is larger comes alone.
    pub max_bytes: usize,
    /// What a record adds to the request; `None` leaves it in the journal.
    pub size_of: &'a dyn Fn(RecordKind, &[u8]) -> Option<usize>,
    /// Only what comes after this place.
    pub after: Option<&'a Position>,
}

/// A record to be delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Where it is.
    pub position: Position,
    /// What it is. A [`RecordKind::Start`] is handed out only if its command was interrupted.
    pub kind: RecordKind,
    /// Its id.
    pub id: [u8; 16],
    /// When it was appended, in seconds since 1970, by the clock of then.
    pub seconds: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// Records of one label, oldest first; never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Who recorded them, and for where.
    pub label: Label,
    /// The records.
    pub records: Vec<Record>,
}

impl Batch {
    /// What [`super::Drain::read_span`] needs to hand the same batch out again.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::of(&self.records)
    }

    /// The places of all records.
    #[must_use]
    pub fn positions(&self) -> Vec<Position> {
        self.records.iter().map(|record| record.position).collect()
    }
}

/// Which records a batch holds, in a few numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Span {
    pub(super) parts: Vec<Part>,
}

/// Records of one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) sequence: u64,
    pub(super) segment: u64,
    /// The first record's offset.
    pub(super) from: u32,
    /// The last record's offset.
    pub(super) last: u32,
}

impl Span {
    /// The span of some of a batch's records, in their order: half of a batch that was too large.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for Position { sequence, segment, offset } in records.iter().map(|record| record.position) {
            match parts.last_mut() {
                Some(part) if part.segment == segment => part.last = offset,
                _ => parts.push(Part { sequence, segment, from: offset, last: offset }),
            }
        }
        Self { parts }
    }

    /// The place of its last record.
    #[must_use]
    pub fn end(&self) -> Option<Position> {
        let part = self.parts.last()?;
        Some(Position { sequence: part.sequence, segment: part.segment, offset: part.last })
    }

    /// Whether a record at this place is one of it.
    #[must_use]
    pub fn holds(&self, position: Position) -> bool {
        self.parts.iter().any(|part| {
            part.segment == position.segment && (part.from..=part.last).contains(&position.offset)
        })
    }

    /// Whether it spans nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}
