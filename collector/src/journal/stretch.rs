//! Places that a thread takes at once, where another one appends at the same time.
//!
//! The word that says where the next record goes travels from processor to processor with each record, which takes
//! as long as half of all else that a record takes. So a thread that has met another one takes places for some
//! records together, and uses them up without asking. One that meets nobody takes them one by one.
//!
//! - Only events go into a stretch, and of those only such as no start record belongs to: of start records, their
//!   ends and what says that they moved, what lies behind what must be as it happened.
//! - What is left of a stretch when its segment is given up is given back where nothing was taken behind it.
//!   Elsewhere it stays zero, which readers step over as over what a killed thread left. Its events are counted as
//!   stored nowhere (see [`Mapped::gone`](super::mapped::Mapped::gone)).

use super::format::Tally;

/// So many events the first one is for that a thread takes, and those after it: who meets another one now and then
/// leaves few places unused, and who does all the time takes few stretches.
const EVENTS: [u32; 2] = [16, 64];
/// None has more bytes: of longer records the stores are what takes the time.
const MOST_BYTES: u32 = 16 << 10;

/// What a word holds, from its lowest bit: where each part begins. The highest bit is the tally's own.
const LEFT: u32 = 21;
const COUNT: u32 = LEFT + 12;
const TALLY: u32 = COUNT + 7;
const LOSSES: u32 = 63;

/// What is left of a stretch. It fits into one word, so that taking from it is one exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stretch {
    /// The byte at which the next record goes.
    pub(super) next: u64,
    /// Bytes that are left.
    pub(super) left: u64,
    /// Events that are left.
    pub(super) events: u32,
    /// What the segment holds before the next record.
    pub(super) tally: Tally,
}

impl Stretch {
    /// The word of a thread that has met nobody.
    pub(super) const NONE: u64 = 0;
    /// That of one that has, and takes a stretch with its next event. No record begins where this one ends.
    pub(super) const WANTED: u64 = 1;

    /// For how many events of this size the one after it is taken; none where it is not worth it.
    pub(super) fn events_after(self, size: usize) -> Option<u32> {
        let [first, more] = EVENTS;
        let most = if self == Self::unpack(Self::WANTED) { first } else { more };
        let events = MOST_BYTES.checked_div(u32::try_from(size).ok()?)?.min(most);
        (events > 1).then_some(events)
    }

    /// Where it ends.
    #[inline]
    pub(super) const fn end(self) -> u64 {
        self.next + self.left
    }

    /// What is left without its next event, if that has so many bytes; none if it does not fit.
    #[inline]
    pub(super) const fn without(self, size: u64) -> Option<Self> {
        if self.events == 0 || size > self.left {
            return None;
        }
        let tally = self.tally.and(1);
        Some(Self { next: self.next + size, left: self.left - size, events: self.events - 1, tally })
    }

    /// As a word; none where it does not fit into one.
    #[inline]
    pub(super) const fn pack(self) -> Option<u64> {
        let (next, left, events) = (self.next / 8, self.left / 8, self.events as u64);
        let (tally, losses) = (self.tally.events() as u64, self.tally.has_losses() as u64);
        let fits = next >> LEFT == 0
            && left >> (COUNT - LEFT) == 0
            && events >> (TALLY - COUNT) == 0
            && tally >> (LOSSES - TALLY) == 0;
        if fits {
            Some(next | left << LEFT | events << COUNT | tally << TALLY | losses << LOSSES)
        } else {
            None
        }
    }

    #[inline]
    pub(super) const fn unpack(word: u64) -> Self {
        const fn part(word: u64, from: u32, to: u32) -> u64 {
            (word >> from) & ((1 << (to - from)) - 1)
        }
        let tally = part(word, TALLY, LOSSES) as u32 | ((word >> LOSSES) as u32) << 31;
        Self {
            next: part(word, 0, LEFT) * 8,
            left: part(word, LEFT, COUNT) * 8,
            events: part(word, COUNT, TALLY) as u32,
            tally: Tally(tally),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_into_a_word_is_read_from_it_as_it_was() {
        let most = Stretch {
            next: ((1 << 21) - 1) * 8,
            left: 4095 * 8,
            events: 127,
            tally: Tally(((1 << 23) - 1) | 1 << 31),
        };
        let one = Stretch { next: 8, left: 0, events: 0, tally: Tally(0) };
        let usual = Stretch { next: 4096, left: 2160, events: 15, tally: Tally(1000) };
        for stretch in [most, one, usual] {
            assert_eq!(stretch.pack().map(Stretch::unpack), Some(stretch));
        }
        for long in [
            Stretch { next: 1 << 24, ..usual },
            Stretch { left: 1 << 15, ..usual },
            Stretch { events: 128, ..usual },
            Stretch { tally: Tally(1 << 23), ..usual },
        ] {
            assert_eq!(long.pack(), None, "{long:?}");
        }
        let [none, wanted] = [Stretch::NONE, Stretch::WANTED].map(Stretch::unpack);
        assert_eq!((none.events, wanted.events), (0, 0));
    }

    #[test]
    fn every_place_of_the_longest_segment_fits_into_a_word() {
        let most = crate::journal::segment::MOST_BYTES;
        let tally = Tally((most / crate::journal::format::record_size(0) as u64) as u32);
        let stretch = Stretch { next: most - 8, left: u64::from(MOST_BYTES), events: EVENTS[1], tally };
        assert!(stretch.pack().is_some());
    }

    #[test]
    fn one_ends_with_its_events_or_with_its_bytes() {
        let mut stretch = Stretch { next: 800, left: 300, events: 3, tally: Tally(5) };
        assert_eq!(stretch.without(304), None);
        for (next, size) in [(800, 100), (900, 104)] {
            assert_eq!((stretch.next, stretch.end()), (next, 1100));
            stretch = stretch.without(size).unwrap();
        }
        assert_eq!(stretch, Stretch { next: 1004, left: 96, events: 1, tally: Tally(7) });
        assert_eq!((stretch.without(104), stretch.without(96).unwrap().without(0)), (None, None));
    }

    #[test]
    fn the_first_one_is_short_and_long_events_are_taken_none_for() {
        let first = Stretch::unpack(Stretch::WANTED);
        let sizes = [40, 144, 1024, 2048, 8192];
        assert_eq!(sizes.map(|size| first.events_after(size)), [16, 16, 16, 8, 2].map(Some));
        let used = Stretch { next: 800, left: 0, events: 0, tally: Tally(5) };
        assert_eq!(sizes.map(|size| used.events_after(size)), [64, 64, 16, 8, 2].map(Some));
        for long in [8200, 64 << 10, usize::MAX] {
            assert_eq!((first.events_after(long), used.events_after(long)), (None, None));
        }
    }
}
