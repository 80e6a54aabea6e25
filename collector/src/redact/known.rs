//! Texts that were clean a moment ago.
//!
//! A program that records many events says the same few things in most of them: a target, a version, a format.
//! Each thread remembers the last ones of middling length, whole, so that one that comes again is known by
//! comparing it instead of being read. Shorter ones are read as quickly as they are compared, and longer ones
//! rarely come again.

use std::cell::Cell;

use super::scan::WORD;

/// Longer texts are not remembered.
const MOST: usize = 3 * WORD;
const ENTRIES: usize = 32;

/// A text as its first sixteen bytes, those behind them where they are not the last ones, its last sixteen, and its length.
/// They overlap, so that nothing is moved, and are every byte all the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Text {
    words: [u128; 3],
    length: u64,
}

thread_local! {
    static KNOWN: [Cell<Text>; ENTRIES] = const { [const { Cell::new(Text { words: [0; 3], length: 0 }) }; ENTRIES] };
}

/// The text as it is remembered, if it is of a length for that.
#[inline]
pub(super) fn of(bytes: &[u8]) -> Option<Text> {
    let (first, rest) = bytes.split_first_chunk::<WORD>()?;
    let last = bytes.last_chunk::<WORD>()?;
    if bytes.len() > MOST {
        return None;
    }
    let second = rest.first_chunk::<WORD>().map_or(0, |second| u128::from_le_bytes(*second));
    let words = [u128::from_le_bytes(*first), second, u128::from_le_bytes(*last)];
    Some(Text { words, length: bytes.len() as u64 })
}

/// Which entry it has.
#[inline]
fn place(text: &Text) -> usize {
    let [first, second, last] = text.words.map(|it| it as u64 ^ ((it >> 64) as u64).rotate_left(23));
    let mixed = (first ^ second.rotate_left(41) ^ last.rotate_left(19)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 59) as usize % ENTRIES
}

/// Whether this thread has found it clean lately.
#[inline]
pub(super) fn is_clean(text: &Text) -> bool {
    // A thread that is ending remembers nothing.
    KNOWN
        .try_with(|known| {
            let Text { words: [first, second, last], length } = known[place(text)].get();
            // Not by the C library, which is called to compare so many bytes.
            let [one, two, three] = text.words;
            (first ^ one) | (second ^ two) | (last ^ three) | u128::from(length ^ text.length) == 0
        })
        .unwrap_or(false)
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
