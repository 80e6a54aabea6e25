//! Appending into a mapping, from many threads at once, without a lock among them.
//!
//! A thread reserves its place with one compare-and-exchange, which fixes the record's offset and
//! its count of events; then it stores the record's words, the first one last. So records are
//! ordered by reservation, a kill at any store leaves a record that counts whole or not at all, and
//! no thread ever waits for another: what a killed thread had reserved and not finished is a stretch
//! that begins with a zero word, which readers step over.

use super::draft::Draft;
use super::format::{Seed, Tally};
use crate::platform::mapping::Mapping;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Words that are stored one by one. Tests put a memory in its place that notes every store.
pub(super) trait Memory {
    type Word: Word;
    /// `count` words from `at`, if there are so many now.
    fn words(&self, at: usize, count: usize) -> Option<&[Self::Word]>;
    /// Whether what this thread stored before byte `end` is there: a file may be cut while it is mapped.
    fn keeps(&self, end: u64) -> bool;
}

/// One of them, zero until it is stored.
pub(super) trait Word {
    fn set(&self, value: u64, order: Ordering);
}

/// Where the next record goes: offset in words, and the tally. One word, so that both are
/// reserved at once.
pub(super) trait Place {
    fn load(&self) -> u64;
    fn exchange(&self, from: u64, to: u64) -> Result<u64, u64>;
}

impl Memory for Mapping {
    type Word = AtomicU64;

    #[inline]
    fn words(&self, at: usize, count: usize) -> Option<&[AtomicU64]> {
        self.get(at, count)
    }

    #[inline]
    fn keeps(&self, end: u64) -> bool {
        Mapping::keeps(self, end)
    }
}

impl Word for AtomicU64 {
    #[inline]
    fn set(&self, value: u64, order: Ordering) {
        self.store(value, order);
    }
}

/// Stores the words of a record in their order but for the first, which makes it count and comes last.
#[inline]
fn store(words: &[impl Word], record: &[[u8; 8]]) {
    let (Some((first, words)), Some((commit, rest))) = (words.split_first(), record.split_first()) else {
        return;
    };
    for (word, bytes) in words.iter().zip(rest) {
        word.set(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
    first.set(u64::from_ne_bytes(*commit), Ordering::Release);
}

impl Place for AtomicU64 {
    fn load(&self) -> u64 {
        AtomicU64::load(self, Ordering::Relaxed)
    }

    fn exchange(&self, from: u64, to: u64) -> Result<u64, u64> {
        // Nothing is read through it: the words that it gives away are this thread's alone.
        self.compare_exchange_weak(from, to, Ordering::Relaxed, Ordering::Relaxed)
    }
}

/// Alone on its stretch of memory: who only reads what lies beside it need not wait for those who write it.
#[derive(Debug)]
#[repr(align(128))]
struct Apart<T>(T);

/// A segment that is appended to in memory.
#[derive(Debug)]
pub(super) struct Mapped<M = Mapping, P = AtomicU64> {
    pub(super) memory: M,
    place: Apart<P>,
    seed: Seed,
    /// Events at which the segment is full.
    most_events: u32,
    /// The byte at which the next step is to be allocated.
    low: AtomicU64,
    /// Events whose place is counted and of which nobody was told that they are stored.
    gone: AtomicU32,
}

/// Where a record was stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appended {
    pub(super) offset: u64,
    /// It is time to allocate more, and this thread is the one to do it.
    pub(super) low: bool,
}

/// What stopped an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// The record does not fit into what is allocated.
    Short,
    /// The segment holds as many events as it may.
    Full,
    /// It is time to look whether the file is still what it was.
    Look,
    /// The file is gone where the record was stored: it is nowhere.
    Gone,
}

/// So many records go between two looks at the file, which cost as much as two records; a look is left to the next
/// time where another thread has the writer.
pub(super) const LOOK_EVERY: u32 = 256;

/// The two halves of a place: bytes and tally.
const fn split(place: u64) -> (u64, Tally) {
    ((place & 0xFFFF_FFFF) * 8, Tally((place >> 32) as u32))
}

const fn join(tail: u64, tally: Tally) -> u64 {
    (tail / 8) | (tally.0 as u64) << 32
}

impl<M: Memory> Mapped<M, AtomicU64> {
    /// Goes on at `tail`, which is a multiple of 8.
    pub(super) fn new(memory: M, seed: Seed, tail: u64, tally: Tally, most_events: u32) -> Self {
        Self::with_place(memory, AtomicU64::new(join(tail, tally)), seed, most_events)
    }
}

impl<M: Memory, P: Place> Mapped<M, P> {
    pub(super) fn with_place(memory: M, place: P, seed: Seed, most_events: u32) -> Self {
        Self {
            memory,
            place: Apart(place),
            seed,
            most_events,
            low: AtomicU64::new(u64::MAX),
            gone: AtomicU32::new(0),
        }
    }

    /// Where the next record goes, and the tally so far.
    pub(super) fn position(&self) -> (u64, Tally) {
        split(self.place.0.load())
    }

    /// Bytes that the events take for which there is room, if they are like those so far, the first of which is
    /// at `start`; none if there are none.
    pub(super) fn room(&self, start: u64) -> Option<u64> {
        let (tail, tally) = self.position();
        let left = u64::from(self.most_events.saturating_sub(tally.events()));
        (tail.saturating_sub(start) * left).checked_div(u64::from(tally.events()))
    }

    /// Events that the tally counts and that were stored nowhere, as whoever appended them knows.
    pub(super) fn gone(&self) -> u32 {
        self.gone.load(Ordering::Relaxed)
    }

    /// Whoever stores the byte at `low` is told.
    pub(super) fn is_low_at(&self, low: u64) {
        self.low.store(low, Ordering::Relaxed);
    }

    /// Whether that byte was stored by now.
    pub(super) fn is_low(&self) -> bool {
        self.position().0 >= self.low.load(Ordering::Relaxed)
    }

    /// Whether somebody is still to be told.
    pub(super) fn is_low_ahead(&self) -> bool {
        let low = self.low.load(Ordering::Relaxed);
        self.memory.words((low / 8) as usize, 1).is_some() && !self.is_low()
    }

    /// Appends a record. With `looked`, no look at the file is due.
    pub(super) fn append(&self, draft: &mut Draft, looked: bool) -> Result<Appended, Stop> {
        let (size, event) = (draft.size(), draft.is_event());
        let mut place = self.place.0.load();
        let (offset, tally, words) = loop {
            let (offset, before) = split(place);
            let tally = before.after(draft.kind());
            if tally.events() > self.most_events {
                return Err(Stop::Full);
            }
            if event && tally.events().is_multiple_of(LOOK_EVERY) && !looked {
                return Err(Stop::Look);
            }
            let Some(words) = self.memory.words((offset / 8) as usize, size / 8) else {
                return Err(Stop::Short);
            };
            match self.place.0.exchange(place, join(offset + size as u64, tally)) {
                Ok(_) => break (offset, tally, words),
                Err(now) => place = now,
            }
        };
        let (record, _) = draft.place(self.seed, offset, tally).as_chunks::<8>();
        store(words, record);
        if !self.memory.keeps(offset + size as u64) {
            self.gone.fetch_add(u32::from(event), Ordering::Relaxed);
            return Err(Stop::Gone);
        }
        let low = (offset..offset + size as u64).contains(&self.low.load(Ordering::Relaxed));
        Ok(Appended { offset, low })
    }
}
