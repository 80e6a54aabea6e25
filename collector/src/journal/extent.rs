//! How much a segment may hold, and whether it is got in one piece.

use super::format::Tally;
use super::settings::Settings;
use crate::platform::host;
use crate::platform::whole::WHOLE;

/// What a segment may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extent {
    pub(super) bytes: u64,
    pub(super) events: u64,
    /// Its first bytes are preallocated and written in one piece, which is worth it only where most of them are used.
    pub(super) whole: bool,
}

/// What the last segment held that a process had mapped and gave up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Filled {
    pub(super) bytes: u64,
    pub(super) events: u64,
}

impl Filled {
    pub(super) fn new(bytes: u64, tally: Tally) -> Self {
        Self { bytes, events: u64::from(tally.events()) }
    }

    /// Bytes that so many events would take.
    pub(super) fn of(self, events: u64) -> Option<u64> {
        self.bytes.saturating_mul(events).checked_div(self.events)
    }
}

impl Extent {
    /// What a slot's segment may hold as a rule. With more writers at a time each gets less, so that together they
    /// stay within bounds.
    pub(super) fn usual(settings: &Settings, slot: u64) -> Self {
        let bytes = (settings.segment_bytes() / (slot + 1)).max(64 << 10).min(host::file_size_limit());
        Self { bytes, events: settings.segment_events(), whole: false }
    }

    /// The same for a process that came so far with the segment before: twice as much, in one piece, where it has come
    /// far enough and will use most of that. A segment that ends early, as one of a process that records little at a
    /// time, tells of none.
    pub(super) fn after(self, filled: Filled) -> Self {
        if self.is_well_used(filled) { self.once(filled) } else { self.usual_again() }
    }

    /// Whether to wait before the next segment is made: it will be in one piece, if this one is used so far.
    pub(super) fn may_be_whole_later(self, filled: Filled) -> bool {
        !self.is_well_used(filled) && self.once(filled).whole
    }

    /// Whether a third of a usual one is used.
    fn is_well_used(self, by: Filled) -> bool {
        let usual = self.usual_again();
        by.events >= usual.events / 3 || by.bytes >= usual.bytes / 3
    }

    fn usual_again(self) -> Self {
        let parts = if self.whole { 2 } else { 1 };
        Self { bytes: self.bytes / parts, events: self.events / parts, whole: false }
    }

    /// Once this one is well used.
    fn once(self, filled: Filled) -> Self {
        let usual = self.usual_again();
        let twice = Self { bytes: usual.bytes * 2, events: usual.events * 2, whole: true };
        let worth = filled.of(twice.events).is_some_and(|bytes| bytes >= WHOLE / 8 * 5);
        if worth && (WHOLE..=host::file_size_limit()).contains(&twice.bytes) { twice } else { usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_in_one_piece_is_for_who_has_filled_one_and_uses_most_of_it() {
        let usual = Extent::usual(&Settings::default(), 0);
        assert_eq!(usual, Extent { bytes: (10 << 20) / 8, events: 6_250, whole: false });
        let twice = Extent { bytes: (10 << 20) / 4, events: 12_500, whole: true };
        assert_eq!(usual.after(Filled { bytes: 6_250 * 144, events: 6_250 }), twice);
        assert_eq!(twice.after(Filled { bytes: 12_000 * 144, events: 12_000 }), twice);
        assert_eq!(usual.after(Filled { bytes: 1_000_000, events: 100 }), twice, "few and long ones");
        for ended in [Filled::default(), Filled { bytes: 20_000, events: 200 }] {
            assert_eq!((usual.after(ended), twice.after(ended)), (usual, usual), "it ends early");
        }
        let begun = Filled { bytes: 900 * 144, events: 900 };
        assert!(usual.may_be_whole_later(begun));
        assert!(!usual.may_be_whole_later(Filled { bytes: 900 * 72, events: 900 }));
        let short = Filled { bytes: 6_250 * 72, events: 6_250 };
        assert_eq!(usual.after(short), usual, "a half of the piece would stay empty");
        let second = Extent::usual(&Settings::default(), 1);
        assert_eq!(
            second.after(Filled { bytes: 6_250 * 144, events: 6_250 }),
            second,
            "several record at a time"
        );
        let small = Extent::usual(&Settings { max_bytes: 2 << 20, ..Settings::default() }, 0);
        assert_eq!(small.after(Filled { bytes: 250_000, events: 1_700 }), small, "the journal is small");
    }
}
