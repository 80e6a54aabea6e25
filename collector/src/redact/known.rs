//! Texts that were clean a moment ago.
//!
//! A program that records many events says the same few things in most of them: a target, a version, a format.
//! Each thread remembers the last ones of middling length, whole, so that one that comes again is known by
//! comparing it instead of being read. Shorter ones are read as quickly as they are compared, and longer ones
//! rarely come again.

use std::cell::Cell;

use super::masks::padded;
use super::scan::WORD;

/// Longer texts are not remembered: one byte of an entry says how long it is.
const MOST: usize = 3 * WORD - 1;
const ENTRIES: usize = 32;

/// A text, zeros, and its length in the last byte.
pub(super) type Text = [u128; 3];

thread_local! {
    static KNOWN: [Cell<Text>; ENTRIES] = const { [const { Cell::new([0; 3]) }; ENTRIES] };
}

/// The text as it is remembered, if it is of a length for that.
#[inline]
pub(super) fn of(bytes: &[u8]) -> Option<Text> {
    let (first, rest) = bytes.split_first_chunk::<WORD>()?;
    if bytes.len() > MOST {
        return None;
    }
    let (second, third) = match rest.split_first_chunk::<WORD>() {
        Some((second, third)) => (u128::from_le_bytes(*second), padded(third)),
        None => (padded(rest), 0),
    };
    Some([u128::from_le_bytes(*first), second, third | (bytes.len() as u128) << 120])
}

/// Which entry it has.
#[inline]
fn place(text: &Text) -> usize {
    let mixed = text[0] ^ text[1].rotate_left(41) ^ text[2].rotate_left(83);
    let mixed = (mixed as u64 ^ (mixed >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 59) as usize % ENTRIES
}

/// Whether this thread has found it clean lately.
#[inline]
pub(super) fn is_clean(text: &Text) -> bool {
    // A thread that is ending remembers nothing.
    KNOWN.try_with(|known| known[place(text)].get() == *text).unwrap_or(false)
}

/// Remembers that it is clean.
pub(super) fn remember(text: &Text) {
    let _ = KNOWN.try_with(|known| known[place(text)].set(*text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_are_the_same_only_where_every_byte_and_the_length_are() {
        let text: Vec<u8> = (0..MOST as u8).map(|n| b'a' + n % 26).collect();
        let mut all = std::collections::BTreeSet::new();
        for length in 0..=MOST + 1 {
            let mut part = text.iter().copied().cycle().take(length).collect::<Vec<_>>();
            assert_eq!(of(&part).is_some(), (WORD..=MOST).contains(&length), "{length}");
            if let Some(text) = of(&part) {
                assert!(all.insert(text));
                for at in 0..length {
                    part[at] ^= 1;
                    assert!(all.insert(of(&part).unwrap()), "{length} {at}");
                    part[at] ^= 1;
                }
                part.push(0);
                assert_ne!(of(&part), Some(text), "a zero is a byte like any other");
            }
        }
    }

    #[test]
    fn what_is_remembered_is_known_and_nothing_else() {
        let [one, two] =
            ["said-by-this-test-alone-1", "said-by-this-test-alone-2"].map(|it| of(it.as_bytes()).unwrap());
        assert!(!is_clean(&one));
        remember(&one);
        assert!(is_clean(&one) && !is_clean(&two));
        assert!(std::thread::spawn(move || !is_clean(&one)).join().unwrap(), "each thread has its own");
    }
}
