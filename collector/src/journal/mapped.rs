//! Appending into a mapping, from many threads at once, without a lock among them.
//!
//! A thread reserves its place with one compare-and-exchange, which fixes the record's offset and
//! its count of events; then it stores the record's words, the first one last. So records are
//! ordered by reservation, a kill at any store leaves a record that counts whole or not at all, and
//! no thread ever waits for another: what a killed thread had reserved and not finished begins with a zero word, and
//! readers step over it. Where threads meet, each reserves for some records at once (see `stretch`).

use super::draft::Draft;
use super::format::{Seed, Tally};
use super::stretch::Stretch;
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
    /// Events that the tally counts and of which nobody was told that they are stored: they are nowhere.
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

    #[cfg(test)]
    pub(super) fn place(&self) -> &P {
        &self.place.0
    }

    /// Where the next record goes, and the tally so far.
    pub(super) fn position(&self) -> (u64, Tally) {
        split(self.place.0.load())
    }

    /// Where the next record goes, and what is stored, once nobody appends any more.
    pub(super) fn held(&self) -> (u64, Tally) {
        let (tail, tally) = self.position();
        (tail, tally.of(tally.events().saturating_sub(self.gone())))
    }

    /// Bytes that the events take for which there is room, if they are like those so far, the first of which is
    /// at `start`; none if there are none.
    pub(super) fn room(&self, start: u64) -> Option<u64> {
        let (tail, tally) = self.position();
        let left = u64::from(self.most_events.saturating_sub(tally.events()));
        (tail.saturating_sub(start) * left).checked_div(u64::from(tally.events()))
    }

    /// Events that the tally counts and that are stored nowhere, as this process knows.
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
        let (taken, _) = self.take(draft, looked)?;
        self.put(draft, taken)
    }

    /// Appends an event whose order to other threads' records says nothing. `own` is this thread's word: what it has
    /// of a [`Stretch`].
    #[inline]
    pub(super) fn append_apart(&self, draft: &mut Draft, looked: bool, own: &P) -> Result<Appended, Stop> {
        let word = own.load();
        if word == Stretch::NONE {
            let (taken, alone) = self.take(draft, looked)?;
            if !alone {
                let _ = own.exchange(word, Stretch::WANTED);
            }
            return self.put(draft, taken);
        }
        let taken = match self.take_from(draft, own, word) {
            Some(taken) => taken,
            None => match self.take_stretch(draft, looked, own, word)? {
                Some(taken) => taken,
                None => self.take(draft, looked)?.0,
            },
        };
        self.put(draft, taken)
    }

    /// A place for a record, and whether nobody else took one meanwhile.
    #[inline(always)]
    fn take(&self, draft: &Draft, looked: bool) -> Result<(Taken<'_, M>, bool), Stop> {
        let (size, event) = (draft.size(), draft.is_event());
        let mut place = self.place.0.load();
        let mut alone = true;
        loop {
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
                Ok(_) => {
                    let low = self.is_low_within(offset, size as u64);
                    return Ok((Taken { offset, tally, words, low }, alone));
                }
                Err(now) => (place, alone) = (now, false),
            }
        }
    }

    /// The next place of this thread's stretch, if there is one that the event fits in.
    #[inline(always)]
    fn take_from(&self, draft: &Draft, own: &P, word: u64) -> Option<Taken<'_, M>> {
        let (size, stretch) = (draft.size(), Stretch::unpack(word));
        let rest = stretch.without(size as u64)?;
        let words = self.memory.words((stretch.next / 8) as usize, size / 8)?;
        // Another thread may have the same word, where there are many.
        own.exchange(word, rest.pack()?).ok()?;
        Some(Taken { offset: stretch.next, tally: rest.tally, words, low: false })
    }

    /// A stretch for this thread, and its first place. None where it is not worth it or does not fit: it is taken
    /// together, and an event by itself may fit.
    #[cold]
    fn take_stretch(
        &self,
        draft: &Draft,
        looked: bool,
        own: &P,
        word: u64,
    ) -> Result<Option<Taken<'_, M>>, Stop> {
        let size = draft.size() as u64;
        let old = Stretch::unpack(word);
        let Some(events) = old.events_after(draft.size()) else { return Ok(None) };
        let bytes = size * u64::from(events);
        let mut place = self.place.0.load();
        loop {
            let (offset, before) = split(place);
            if old.end() == offset {
                // Nobody came since the last one was taken.
                self.leave(own, word, Stretch::NONE);
                return Ok(None);
            }
            let last = before.events() + events;
            if last / LOOK_EVERY > before.events() / LOOK_EVERY && !looked {
                return Err(Stop::Look);
            }
            let words = self.memory.words((offset / 8) as usize, (bytes / 8) as usize);
            let whole = Stretch { next: offset, left: bytes, events, tally: before };
            let rest = whole.without(size).and_then(Stretch::pack);
            let (Some(words), Some(rest), true) = (words, rest, last <= self.most_events) else {
                return Ok(None);
            };
            match self.place.0.exchange(place, join(offset + bytes, before.and(events))) {
                Ok(_) => {
                    if !self.leave(own, word, rest) {
                        // Another thread has the same word, and took a stretch of its own: one place is enough.
                        let (taken, one) = (offset + bytes, join(offset + size, before.and(1)));
                        self.give_back(join(taken, before.and(events)), one, events - 1);
                    }
                    let words = words.get(..(size / 8) as usize).unwrap_or_default();
                    let low = self.is_low_within(offset, bytes);
                    return Ok(Some(Taken { offset, tally: before.and(1), words, low }));
                }
                Err(now) => place = now,
            }
        }
    }

    /// Puts another one in the place of a stretch of which some may be left, unless another thread did.
    fn leave(&self, own: &P, word: u64, next: u64) -> bool {
        loop {
            match own.exchange(word, next) {
                Ok(_) => {
                    self.gone.fetch_add(Stretch::unpack(word).events, Ordering::Relaxed);
                    return true;
                }
                Err(now) if now == word => {}
                Err(_) => return false,
            }
        }
    }

    /// Gives events back that were taken last, or counts them where more was taken behind them.
    fn give_back(&self, place: u64, before: u64, events: u32) {
        loop {
            match self.place.0.exchange(place, before) {
                Ok(_) => return,
                Err(now) if now == place => {}
                Err(_) => {
                    self.gone.fetch_add(events, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    /// Ends all stretches, the words of which these are, while nobody appends: what nothing was taken behind is
    /// given back.
    pub(super) fn close<const N: usize>(&self, words: [u64; N]) {
        let mut open = words.map(Stretch::unpack);
        for _ in 0..N {
            let place = self.place.0.load();
            let is_last = |it: &&mut Stretch| it.left > 0 && it.end() == split(place).0;
            let Some(last) = open.iter_mut().find(is_last) else { break };
            self.give_back(place, join(last.next, last.tally), last.events);
            (last.left, last.events) = (0, 0);
        }
        self.gone.fetch_add(open.iter().map(|it| it.events).sum(), Ordering::Relaxed);
    }

    fn is_low_within(&self, offset: u64, size: u64) -> bool {
        (offset..offset + size).contains(&self.low.load(Ordering::Relaxed))
    }

    #[inline(always)]
    fn put(&self, draft: &mut Draft, taken: Taken<'_, M>) -> Result<Appended, Stop> {
        let Taken { offset, tally, words, low } = taken;
        let (record, _) = draft.place(self.seed, offset, tally).as_chunks::<8>();
        store(words, record);
        if !self.memory.keeps(offset + draft.size() as u64) {
            self.gone.fetch_add(u32::from(draft.is_event()), Ordering::Relaxed);
            return Err(Stop::Gone);
        }
        Ok(Appended { offset, low })
    }
}

/// The place of a record, which nobody else has.
struct Taken<'a, M: Memory> {
    offset: u64,
    tally: Tally,
    words: &'a [M::Word],
    low: bool,
}
