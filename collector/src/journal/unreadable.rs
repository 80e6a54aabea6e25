//! What a part of a segment held in which no record can be read.
//!
//! There are records that were stored and are damaged: their events are losses. And there is what nobody was told is
//! stored, which is none: a write that was cut short, a record that a killed process had not finished in a mapping,
//! and places that were taken for more records than came (see `stretch`), which are zero. The counts of the records
//! around say for how many events there were places. Where some of those stayed empty, what is there has to tell how
//! many of them were not.

use super::format::{self, Tally};
use super::settings::{MOVED, RecordKind};

/// What such a part held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Held {
    /// Events that were stored.
    pub(super) events: u32,
    /// Whether there was a whole record, be it an event or not.
    pub(super) record: bool,
}

/// For how many events the counts of the records around leave room. The record before may count places that nobody used,
/// and the one behind may not, where its writer knew better.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// By what the record before says; none where that is more than the one behind says.
    pub(super) by_last: Option<u32>,
    /// By what is known of what is before.
    pub(super) by_stored: u32,
}

/// What lies between two valid records.
pub(super) fn between(bytes: &[u8], places: Places) -> Held {
    let Walk { hole, held, records } = walk(bytes);
    let most = places.by_last.unwrap_or(places.by_stored);
    // Where there are more places than records some were not used, though no byte of them may be left.
    let unused = hole || places.by_last != Some(places.by_stored) || most > records;
    if let Some(held) = held.filter(|_| unused) {
        return Held { events: held.events.min(places.by_stored), ..held };
    }
    let rest = trimmed(bytes);
    // Damage can be in the count too: there are no more records than fit.
    let events = most.min(most_in(rest));
    // Otherwise it is a torn tail that somebody appended behind.
    Held { events, record: events > 0 || format::is_one(rest) }
}

/// What a damaged end held, behind a segment's last valid record, which says this tally where so many events are stored;
/// none where nobody was told that anything there is stored.
pub(super) fn behind(bytes: &[u8], tally: Tally, stored: u32) -> Option<Held> {
    let rest = trimmed(bytes);
    let Walk { hole, held, .. } = walk(&bytes[..used(bytes)]);
    if let Some(held) = held.filter(|_| hole || stored != tally.events()) {
        return held.record.then_some(held);
    }
    let last = format::size_by_end(rest).filter(|size| *size <= rest.len());
    let claimed = last.and_then(|_| format::tally_by_tail(format::u64_at(rest, rest.len() - 8)?));
    let more = claimed.map_or(0, Tally::events).saturating_sub(tally.events());
    if format::is_one(rest) {
        // Damage can be in its kind or in its count, and the count can be of places that nobody used.
        let by_count = more == 1 || more > 1 && is_event(rest);
        let events = u32::from(by_count || rest.get(11) == Some(&RecordKind::Event.code()));
        return Some(Held { events, record: true });
    }
    // A write that was cut short fits neither by its head nor by its last word.
    let committed = format::u64_at(rest, rest.len() - last?)? != 0;
    committed.then_some(Held { events: more.min(most_in(rest)), record: true })
}

/// Where the last word ends that is not zero.
pub(super) fn used(bytes: &[u8]) -> usize {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    used.next_multiple_of(8).min(bytes.len())
}

/// Without the zero words around.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let bytes = &bytes[..used(bytes)];
    let zeros = bytes.as_chunks::<8>().0.iter().take_while(|word| **word == [0; 8]).count();
    &bytes[zeros * 8..]
}

fn most_in(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len() / format::record_size(0)).unwrap_or(u32::MAX)
}

/// What is found by going from one record to the next.
struct Walk {
    /// Some of it is zero where a record would begin.
    hole: bool,
    /// What there is; none where the damage is in what leads from one to the next.
    held: Option<Held>,
    /// How many records that is, be they events or not.
    records: u32,
}

fn walk(bytes: &[u8]) -> Walk {
    let (mut held, mut records, mut at, mut hole) = (Held::default(), 0, 0, false);
    let end = used(bytes);
    // Whether the word before is zero.
    let mut zero = false;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if format::u64_at(rest, 0).is_none_or(|word| word == 0) {
            (hole, zero) = (true, true);
            at += 8;
        } else if let Some(size) = whole(rest, end.saturating_sub(at)) {
            held = Held { events: held.events + u32::from(is_event(rest)), record: true };
            records += 1;
            at += size;
            zero = false;
        } else if let Some(size) = zero.then(|| unfinished(&bytes[at - 8..])).flatten() {
            at += size - 8;
            zero = false;
        } else {
            return Walk { hole, held: None, records };
        }
    }
    Walk { hole, held: Some(held), records }
}

/// The size of the record that `bytes` begin with, all of whose bytes are there: its head and its last word say so, or
/// one of them, of the last one here, which ends at `end`.
fn whole(bytes: &[u8], end: usize) -> Option<usize> {
    let by_head = format::length_at(bytes).map(format::record_size);
    let agrees = |size: &usize| bytes.get(..*size).and_then(format::size_by_end) == Some(*size);
    by_head.filter(agrees).or_else(|| format::is_one(bytes.get(..end)?).then_some(end))
}

/// The size of a record in a mapping that was never finished, by its head: its first word, which is stored last, is zero.
fn unfinished(bytes: &[u8]) -> Option<usize> {
    let length = format::length_at(bytes)?;
    let known = matches!(
        RecordKind::from_code(*bytes.get(11)?),
        RecordKind::Event | RecordKind::Start | RecordKind::Loss | RecordKind::Other(MOVED)
    );
    (known && length <= format::MAX_PAYLOAD).then(|| format::record_size(length))
}

/// Whether a damaged record is an event. A kind that nobody writes is a damaged one, and most records are events.
fn is_event(record: &[u8]) -> bool {
    let kind = record.get(11).map(|kind| RecordKind::from_code(*kind));
    !matches!(kind, Some(RecordKind::Start | RecordKind::Loss | RecordKind::Other(MOVED)))
}
