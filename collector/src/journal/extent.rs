//! How much a segment may hold, and whether it is got in one piece.

use super::format::Tally;
use super::settings::Settings;
use crate::platform::host;
use crate::platform::whole::WHOLE;

/// So many bytes, and so many events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Amount {
    pub(super) bytes: u64,
    pub(super) events: u64,
}

impl Amount {
    pub(super) fn new(bytes: u64, tally: Tally) -> Self {
        Self { bytes, events: u64::from(tally.events()) }
    }

    /// What all segments may hold together.
    pub(super) fn of_all(settings: &Settings) -> Self {
        Self { bytes: settings.max_bytes, events: settings.max_events }
    }

    /// What is left of it without so much.
    pub(super) fn less(self, less: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(less.bytes), events: self.events.saturating_sub(less.events) }
    }

    /// Bytes that so many events would take, if they are like these; none if there are none.
    pub(super) fn bytes_of(self, events: u64) -> Option<u64> {
        self.bytes.saturating_mul(events).checked_div(self.events)
    }

    fn holds(self, other: Self) -> bool {
        self.bytes >= other.bytes && self.events >= other.events
    }
}

/// What a segment may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extent {
    usual: Amount,
    /// It may hold twice as much, and its first bytes are preallocated and written in one piece.
    pub(super) whole: bool,
}

impl Extent {
    /// No segment has more bytes, so that there is no end of one that readers do not reach.
    const MOST: u64 = 8 << 20;

    /// What a slot's segment may hold as a rule. With more writers at a time each gets less, so that together they
    /// stay within bounds.
    pub(super) fn usual(settings: &Settings, slot: u64) -> Self {
        Self::within(settings, slot, host::file_size_limit())
    }

    /// The same, and how large a file may be now.
    pub(super) fn usual_for(settings: &Settings, slot: u64) -> (Self, u64) {
        let limit = host::file_size_limit();
        (Self::within(settings, slot, limit), limit)
    }

    fn within(settings: &Settings, slot: u64, limit: u64) -> Self {
        let bytes = (settings.segment_bytes() / (slot + 1)).max(64 << 10).min(limit);
        Self { usual: Amount { bytes, events: settings.segment_events() }, whole: false }
    }

    pub(super) fn most(self) -> Amount {
        if self.whole { self.twice() } else { self.usual }
    }

    /// The same for the segment behind one into which this process has put so much: in one piece where that was enough
    /// to expect that it will use most of it, and where there is room for that without dropping anything, which is
    /// `free` bytes and events. A process that records little at a time gets no such piece, nor does one whose
    /// journal is nearly full: small segments lose less when the oldest goes.
    pub(super) fn after(self, filled: Amount, free: Amount) -> Self {
        Self { whole: self.is_well_used(filled) && self.is_worth_it(filled, free), ..self }
    }

    /// Whether to wait before the next segment is made: it will be in one piece, if this one is used so far.
    pub(super) fn may_be_whole_later(self, filled: Amount, free: Amount) -> bool {
        !self.is_well_used(filled) && self.is_worth_it(filled, free)
    }

    fn twice(self) -> Amount {
        let Amount { bytes, events } = self.usual;
        Amount { bytes: (bytes * 2).min(Self::MOST).max(bytes), events: events * 2 }
    }

    /// Whether a third of a usual one is used.
    fn is_well_used(self, by: Amount) -> bool {
        by.events >= self.usual.events / 3 || by.bytes >= self.usual.bytes / 3
    }

    fn is_worth_it(self, filled: Amount, free: Amount) -> bool {
        let twice = self.twice();
        filled.bytes_of(twice.events).is_some_and(|bytes| bytes >= WHOLE / 8 * 5)
            && (WHOLE..=host::file_size_limit()).contains(&twice.bytes)
            && free.holds(twice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many events of as many bytes.
    fn amount(events: u64, each: u64) -> Amount {
        Amount { bytes: events * each, events }
    }

    #[test]
    fn a_segment_in_one_piece_is_for_who_has_filled_one_and_uses_most_of_it() {
        let settings = Settings::default();
        let all = Amount::of_all(&settings);
        let usual = Extent::usual(&settings, 0);
        assert_eq!(usual.most(), Amount { bytes: (10 << 20) / 8, events: 6_250 });
        let twice = usual.after(amount(6_250, 144), all);
        assert_eq!((twice.whole, twice.most()), (true, Amount { bytes: (10 << 20) / 4, events: 12_500 }));
        assert_eq!(twice.after(amount(12_000, 144), all), twice);
        assert_eq!(usual.after(amount(100, 10_000), all), twice, "few and long ones");
        for ended in [Amount::default(), amount(200, 100)] {
            assert_eq!((usual.after(ended, all), twice.after(ended, all)), (usual, usual), "it ends early");
        }
        assert!(usual.may_be_whole_later(amount(900, 144), all));
        assert!(!usual.may_be_whole_later(amount(900, 72), all));
        assert_eq!(usual.after(amount(6_250, 72), all), usual, "a half of the piece would stay empty");
        let second = Extent::usual(&settings, 1);
        assert_eq!(second.after(amount(6_250, 144), all), second, "several record at a time");
        let small = Settings { max_bytes: 2 << 20, ..settings };
        let usual = Extent::usual(&small, 0);
        assert_eq!(usual.after(amount(1_700, 144), Amount::of_all(&small)), usual, "the journal is small");
    }

    #[test]
    fn where_the_journal_is_nearly_full_segments_stay_small() {
        let usual = Extent::usual(&Settings::default(), 0);
        let (filled, twice) = (amount(6_250, 144), usual.twice());
        assert!(usual.after(filled, twice).whole);
        for free in [Amount { bytes: twice.bytes - 1, ..twice }, Amount { events: twice.events - 1, ..twice }]
        {
            assert!(!usual.after(filled, free).whole && !usual.may_be_whole_later(amount(900, 144), free));
        }
    }

    #[test]
    fn no_segment_is_longer_than_what_is_read_of_one() {
        for max_bytes in [10 << 20, 40 << 20, 1 << 40] {
            let settings = Settings { max_bytes, max_events: 1 << 40, ..Settings::default() };
            let usual = Extent::usual(&settings, 0);
            let whole = usual.after(amount(1_000_000, 144), Amount::of_all(&settings));
            assert!(
                whole.whole && whole.most().bytes <= super::super::segment::MOST_BYTES / 2,
                "{max_bytes}"
            );
            assert!(whole.most().bytes >= usual.most().bytes);
        }
    }
}
