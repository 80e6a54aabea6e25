//! The journal: a crash-safe store of events not yet delivered.
//!
//! It is a directory of files that one writer at a time appends to. It stores opaque payloads and
//! knows of a record only its kind, its id and the second in which it was recorded.
//!
//! # What it promises
//! - What [`Journal::append`] returned `Ok` for survives SIGKILL and a crash of the tool; what came
//!   before a [`Journal::sync`] survives a loss of power.
//! - Nothing read from disk makes a tool fail, loop, or allocate more than a segment's size. After
//!   damage all undamaged records are read.
//! - Nothing is created or opened before the first append, and nobody ever waits for a lock.
//! - Bytes, events and age are bounded. The oldest goes first, and every loss is counted by cause.
//!
//! # Words
//! A *segment* is a file of records. Whoever holds its operating-system lock holds its *lease* and
//! may append. A *slot* is a segment that can be leased; a *sealed* segment is never appended to
//! again. The *drain* is the one reader that delivers. A process that records many holds up to two leases beside
//! that of the slot in use: the next one's and, for some records, the last one's (see `ahead`).
//!
//! # Files
//! | name | what |
//! | --- | --- |
//! | `<owner>-<slot>.open1` | a slot: leased by whoever holds its lock, free to lease otherwise |
//! | `<sequence>-<tally>-<id>.seg1` | a sealed segment; lower sequences are older |
//! | `<id>.ack1` | which records of segment `<id>` are done with |
//! | `drain.state` | losses by cause, what is being merged or removed |
//! | `drain.lock` | held by the drain |
//! | `unwritten` | losses that no record says: of processes that could write nothing else |
//! | `quarantine.0`, `quarantine.1` | what a vendor rejected for good; the second is the older one |
//!
//! The `1` is the format's version. Files with other names belong to somebody else, perhaps a later
//! version, and are left alone. `<owner>` stands for destination and origin, or for what the origin is made of
//! (see `owner`), so that a process finds the slots it may append to without opening others'. Numbers are
//! hexadecimal. Sequences, not clocks, order the segments, because a clock may lie.
//!
//! # Format
//! Everything is little-endian and aligned to 8 bytes. A segment is its header twice, then records.
//!
//! ```text
//! header:  magic[8] length:u32 sum:u32 id:u64 created_ms:u64 destination_len:u32 origin_len:u32
//!          destination origin zero-padding
//! record:  mark:u32 sum:u32 | length:u24 kind:u8 seconds:u32 | id[16] | payload zero-padding |
//!          tally:u32 words:u24 0xE5:u8
//! ```
//! - A record's `sum` covers everything after it, and starts from a value made of the segment's id
//!   and the record's offset; `mark` is made of the same two. So neither a stale block nor a copied
//!   record nor a payload that holds a segment is ever taken for a record.
//! - The last 8 bytes of a record end in a byte that is not zero and say how many events the segment
//!   has places for up to here (the tally; its highest bit says that there are loss records) and how many
//!   words the record has. So the end of a preallocated file is found
//!   from behind, a new writer knows the count without reading, and a reader knows how many events there were at most
//!   where it can read none. A place that nothing was stored in is zero (see `stretch`).
//! - The tally in a sealed segment's name is exact: what is stored, and what was and is damaged.
//! - An acknowledgement is `from:u32 to:u32 sum:u32 "ACK1"`: the records that begin in `from..to`.
//!
//! # Invariants
//! 1. A segment's bytes are written only under its lease, and only past its last record.
//! 2. A record counts when its first word is there; that word is written last (in one `write` for
//!    plain appends, as the last store in a mapping).
//! 3. A lease is worth something only if, after the lock was got, the name still leads to the locked
//!    file. Whoever renames or removes a segment holds its lock, except `purge` and the caps.
//! 4. A segment names its destination and origin and holds records of no other.
//! 5. A sealed segment never changes. Its records leave by acknowledgement, and the file when no
//!    record is left, or with what is left: first `drain.state` takes over its losses and notes that it
//!    goes, then the file goes, then its acknowledgements. So a kill can make the drain count a loss
//!    twice, but not leave one out.
//! 6. Segments are merged by writing the new one, noting in `drain.state` whom it replaces, giving
//!    it its name, removing the old. Whoever finds the note finishes the work.
//! 7. Whoever copies records from an old file to a new one looks, after the copy has its name,
//!    whether the old one still has its own; if not, somebody purged, and the copy goes too.
//! 8. A forked child shares its parent's locks without being told. It never writes to, truncates or
//!    unlocks what its parent leased: the first append in it leases anew.
//! 9. A process that moves to a new segment takes the start records of its running commands along
//!    and says so behind them in the old one, before anything else is appended to either. So a start record without its event, in a segment whose
//!    writer is gone and that says nothing of the kind behind it, is a command that was interrupted.
//! 10. Records stand in the order in which their places were taken. That of an event that no start record belongs to may
//!    have been taken some time before it came, where threads had met (see `stretch`).
//! 11. A slot's last record says what is stored in it, or a zero word is behind it and whoever leases it counts. So a
//!    writer goes on with what is stored, and one that gives a slot up whose threads had met says that in a record. (Two
//!    ways past this are left: a kill where records fill what is allocated to the byte, and a file that somebody cuts
//!    between two records. There some events may be counted as damaged that never were.)
//!
//! # Recovery
//! - *Torn tail*: a record whose bytes are not all there has no valid checksum. Nobody was told that
//!   it is stored, so it is no loss. It is skipped, and the next writer appends behind it.
//! - *Damage at the end*: a last record that is not valid, but all of whose bytes are there, as its head or
//!   its last word says, and whose first word is not zero, was stored. Its event is counted as damaged; so is what
//!   a sealed segment holds less than its name says.
//! - *Damage inside*: the reader goes on, 8 bytes at a time, to the next mark whose record has a
//!   valid checksum. The events between are counted as damaged by the difference of the counts; where some of their
//!   places are zero, by what is there (see `unreadable`). A start
//!   record before it is not taken for an interrupted command: its event may be what is damaged.
//! - *Damaged header*: the second copy serves. If both are damaged nobody knows where the records
//!   may go: the segment is dropped and counted.
//! - *Zeros at the end* (a mapping's writer died, or a segment was got in one piece and is nearly full, see
//!   `extent`): ignored by readers, cut off by the next writer.
//! - *Damaged acknowledgement*: ignored; its records are delivered again, under the same ids.
//! - *Damaged `drain.state`*: counts start again from zero, and that is counted.
//! - *A segment cut under its writer* (or lost by its disk): the writer counts what is gone, gives the
//!   segment up and goes on in the next. A store into a mapping whose file is gone raises a signal that
//!   is caught, and its record is appended again (see `platform::bus_error`).
//! - *A newer version*: left alone.

mod acks;
mod ahead;
mod batch;
mod caps;
mod deliver;
mod draft;
mod drain;
mod extent;
mod fast;
mod format;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod lease;
mod limits;
mod mapped;
mod memory;
mod merge;
mod moving;
mod names;
mod notes;
mod others;
mod owner;
mod purge;
mod quarantine;
mod recorder;
mod scan;
mod segment;
mod settings;
mod state;
mod stretch;
mod survey;
mod sync;
#[cfg(test)]
mod tests;
mod unreadable;
mod writer;

pub use crate::platform::directory::{DirectoryError, state_directory};
pub use batch::{Batch, Position, Record, Span, Want};
pub(crate) use draft::Draft;
pub use drain::{Adopted, Drain, Durability};
pub use memory::Held;
pub(crate) use others::SURE_GONE;
pub use purge::{Purged, purge};
pub use recorder::{AppendError, Fallback, Health, Journal};
pub(crate) use recorder::{Appended, Known};
pub use settings::{Label, LossCause, Map, RecordKind, Settings};
pub(crate) use survey::has_sealed;
pub use survey::{Draining, Survey, peek, read_all, running_drain as draining, survey};
