//! The names of the journal's files.

use super::format::{self, Tally};

/// The drain's lock.
pub(super) const LOCK: &str = "drain.lock";
/// What the drain remembers.
pub(super) const STATE: &str = "drain.state";
/// The same, being written.
pub(super) const STATE_NEW: &str = "drain.state.new";
/// What was set aside: the newer half, then the older one.
pub(super) const QUARANTINE: [&str; 2] = ["quarantine.0", "quarantine.1"];
/// Losses that no record says.
pub(super) const NOTES: &str = "unwritten";
/// The same, being counted.
pub(super) const NOTES_TAKEN: &str = "unwritten.taken";
/// A merged segment, being written.
pub(super) const MERGING: &str = "merging.new";

const OPEN: &str = ".open1";
const SEALED: &str = ".seg1";
const ACK: &str = ".ack1";

/// A sealed segment, as its name tells it. Ordered from the oldest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Sealed {
    pub(super) sequence: u64,
    pub(super) id: u64,
    /// What it held when it was sealed.
    pub(super) tally: Tally,
}

impl Sealed {
    pub(super) fn name(&self) -> String {
        format!("{:012x}-{:08x}-{:016x}{SEALED}", self.sequence, self.tally.0, self.id)
    }

    /// How many events it held, in a file of this size: a name that was made of a damaged count claims no more
    /// than fits.
    pub(super) fn events_in(&self, size: u64) -> u64 {
        u64::from(self.tally.events()).min(size / format::record_size(0) as u64)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(SEALED)?.split('-');
        let sequence = hex(parts.next()?)?;
        let tally = Tally(u32::try_from(hex(parts.next()?)?).ok()?);
        let id = hex(parts.next()?)?;
        let sealed = Self { sequence, id, tally };
        (parts.next().is_none() && sealed.name() == name).then_some(sealed)
    }
}

/// What is in the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Name {
    Open,
    Sealed(Sealed),
    /// The acknowledgements of this segment.
    Ack(u64),
    /// One of the fixed names.
    Own,
    /// Not ours, or not of this version.
    Foreign,
}

/// What a name says.
pub(super) fn parse(name: &str) -> Name {
    if let Some(sealed) = Sealed::parse(name) {
        Name::Sealed(sealed)
    } else if name.ends_with(OPEN) {
        Name::Open
    } else if let Some(id) = name.strip_suffix(ACK).and_then(hex) {
        Name::Ack(id)
    } else if [LOCK, STATE, STATE_NEW, MERGING, NOTES, NOTES_TAKEN].contains(&name)
        || QUARANTINE.contains(&name)
    {
        Name::Own
    } else {
        Name::Foreign
    }
}

/// The name of a slot.
pub(super) fn open(owner: u64, slot: u64) -> String {
    // Each process asks for one: the standard library's formatting costs as much as a look at a file.
    let mut name = String::with_capacity(48);
    push_hex(&mut name, owner, 16);
    name.push('-');
    push_hex(&mut name, slot, 2);
    name.push_str(OPEN);
    name
}

/// Pushes a number's digits, at least so many.
fn push_hex(name: &mut String, number: u64, least: u32) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(least);
    let digit = |at: u32| char::from_digit((number >> (4 * at)) as u32 & 15, 16);
    name.extend((0..digits).rev().filter_map(digit));
}

/// The name of a segment's acknowledgements.
pub(super) fn ack(id: u64) -> String {
    format!("{id:016x}{ACK}")
}

fn hex(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        for sealed in [
            Sealed { sequence: 0, id: 0, tally: Tally(0) },
            Sealed { sequence: 7, id: u64::MAX, tally: Tally(50_000) },
            Sealed { sequence: u64::MAX, id: 1, tally: Tally(u32::MAX) },
        ] {
            assert_eq!(parse(&sealed.name()), Name::Sealed(sealed));
        }
        for (owner, slot) in [(0, 0), (0xfeed, 3), (u64::MAX, 63), (1 << 63, u64::MAX >> 16)] {
            assert_eq!(open(owner, slot), format!("{owner:016x}-{slot:02x}{OPEN}"));
            assert_eq!(parse(&open(owner, slot)), Name::Open);
        }
        assert_eq!(parse(&ack(12)), Name::Ack(12));
    }

    #[test]
    fn what_somebody_else_named_is_foreign() {
        for name in ["", "x", ".seg1", "1-2-3.seg1", "-1-2-3.seg1", "+0-0-0.ack1", "drain.state2", "0.seg2"] {
            assert_eq!(parse(name), Name::Foreign, "{name}");
        }
    }
}
