//! The journal's vocabulary: kinds, causes, limits.

use std::time::{Duration, SystemTime};

/// What a record is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RecordKind {
    /// One thing that happened.
    Event,
    /// A command began. Its event has the same id.
    Start,
    /// Events were lost: cause and count. Written by the journal itself, never delivered.
    Loss,
    /// From a later version: kept, not understood.
    Other(u8),
}

/// The journal's own: start records that went along to the next segment, or that are taken back.
pub(super) const MOVED: u8 = 4;

impl RecordKind {
    /// The number on disk.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Event => 1,
            Self::Start => 2,
            Self::Loss => 3,
            Self::Other(code) => code,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Event,
            2 => Self::Start,
            3 => Self::Loss,
            other => Self::Other(other),
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why events were lost.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[non_exhaustive]
        pub enum LossCause {
            $($(#[$doc])* $name,)*
            /// A later version's.
            Other(u8),
        }

        impl LossCause {
            /// The number on disk.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The cause with this number.
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Other(other),
                }
            }

            /// The words that `status` uses.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "unknown",
                }
            }
        }
    };
}

causes! {
    /// The journal reached its bytes.
    Bytes = 1, "the journal was full";
    /// The journal reached its number of events.
    Events = 2, "the journal held too many events";
    /// They were too old.
    Age = 3, "too old";
    /// One was larger than a record may be.
    TooLarge = 4, "larger than a record may be";
    /// No directory could be written, and memory held its most.
    Memory = 5, "nothing could be written and memory was full";
    /// The disk gave back something else than what was written.
    Damaged = 6, "damaged on disk";
    /// The backend rejected them for good.
    Rejected = 7, "rejected by the backend";
    /// They were tried too often.
    Attempts = 8, "tried too often";
    /// Claimed for delivery at most once, and the outcome is unknown.
    Unknown = 9, "sent at most once, outcome unknown";
    /// Left out by sampling.
    Sampled = 10, "left out by sampling";
    /// A run recorded more than its ceiling.
    Ceiling = 11, "over a run's ceiling";
    /// Its process ended while they were in memory only.
    Exit = 12, "never written before the process ended";
}

/// When a recorder maps its segment into memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Map {
    /// Never: each record is one `write`.
    Never,
    /// After so many records of one process, on file systems that truly preallocate.
    After(u32),
}

/// The journal's limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes of all segments together. Default 10 MiB, at least 256 KiB.
    pub max_bytes: u64,
    /// Events of all segments together. Default 50,000.
    pub max_events: u64,
    /// Age of an event. Default 30 days.
    pub max_age: Duration,
    /// Bytes of one payload. Default 64 KiB, at most 1 MiB.
    pub max_record: usize,
    /// Records held in memory where nothing can be written. Default 1,000.
    pub max_held: usize,
    /// When to map. Default after 64 records.
    pub map: Map,
    /// The clock, for tests. Default the system's.
    pub clock: fn() -> SystemTime,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_bytes: 10 << 20,
            max_events: 50_000,
            max_age: Duration::from_secs(30 * 24 * 3600),
            max_record: 64 << 10,
            max_held: 1_000,
            map: Map::After(64),
            clock: SystemTime::now,
        }
    }
}

impl Settings {
    /// A segment is an eighth of the whole as a rule (see `extent`): small enough that dropping the oldest one loses
    /// little, large enough that ten thousand runs leave a handful of files.
    pub(super) fn segment_bytes(&self) -> u64 {
        (self.max_bytes.max(256 << 10) / 8).min(8 << 20) & !7
    }

    /// The same for events.
    pub(super) fn segment_events(&self) -> u64 {
        (self.max_events / 8).max(1)
    }

    pub(super) fn record_bytes(&self) -> usize {
        self.max_record.min(1 << 20)
    }

    /// Seconds since 1970, as a record stores them.
    pub(super) fn seconds(&self) -> u32 {
        let since = (self.clock)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
    }
}

/// Who recorded, and where it may go: in every segment's header.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Label {
    /// The destination; a segment is never sent to another. At most 2 KiB.
    pub destination: String,
    /// The origin, in bytes that the journal does not understand. At most 8 KiB.
    pub origin: Vec<u8>,
}

impl Label {
    /// More than this is refused.
    pub(super) const MAX_DESTINATION: usize = 2 << 10;
    /// More than this is refused.
    pub(super) const MAX_ORIGIN: usize = 8 << 10;
}
