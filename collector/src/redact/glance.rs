//! The first look at a text: is it certainly clean?
//!
//! Nearly every text is, and every recorded one passes here, so this look decides what redaction
//! costs. It reads blocks of 64 bytes as bit masks and asks about each mark only what can be answered
//! from the few bytes around it. "No" is not an accusation: then the rules read the text.
//!
//! Blocks overlap by 16 bytes, so that what is at most that long lies in one of them whole.

use super::cost;
use super::masks::Masks;
use super::names::{may_end_at, paired_at};
use super::opaque;
use super::scan::{RUN, WORD};

/// Blocks begin this far from each other.
const STEP: usize = 64 - WORD;

/// Of 40 bytes in a row, one of two blocks that overlap by 16 shows at least 28.
const PART: usize = (RUN + WORD) / 2;

/// Whether no rule can find anything in a text.
#[inline]
pub(super) fn is_clean(bytes: &[u8]) -> bool {
    if bytes.len() < WORD { is_clean_short(bytes) } else { is_clean_long(bytes) }
}

/// A text of one vector: most arguments, most names.
#[inline]
fn is_clean_short(bytes: &[u8]) -> bool {
    let masks = Masks::of_short(bytes);
    // A `-` or `b` counts only as a word's first byte; the other marks are no part of words.
    let inner = masks.words << 1 & masks.words;
    let marks = masks.marks & !inner;
    // Nearly all have no mark at all, and those need no more than this.
    marks | fives(masks) == 0 || !has_mark(bytes, marks)
}

#[inline(never)]
fn has_mark(bytes: &[u8], marks: u64) -> bool {
    // Looked at again: the first look needs two of the masks, and the others are not made for it.
    Glance::new(bytes).has_worthy_mark(0, marks, Masks::of_short(bytes))
}

/// Five marks in a row are a ruler, or the dashes before BEGIN.
#[inline(always)]
fn fives(masks: Masks) -> u64 {
    let twos = masks.marks & masks.marks >> 1;
    twos & twos >> 2 & masks.marks >> 4
}

#[inline(never)]
fn is_clean_long(bytes: &[u8]) -> bool {
    let mut glance = Glance::new(bytes);
    let mut base = 0;
    loop {
        let masks = Masks::of(bytes.get(base..).unwrap_or_default());
        let inner = masks.words << 1 & masks.words;
        let mut marks = masks.marks & !inner;
        if base > 0 {
            // The block before has seen them.
            marks &= u64::MAX << WORD;
        }
        if glance.has_worthy_mark(base, marks, masks)
            || has_worthy_word(bytes, base, masks)
            || bytes.len() >= RUN && has_run(masks)
        {
            return false;
        }
        if bytes.len() <= base + 64 {
            return true;
        }
        base += STEP;
    }
}

struct Glance<'t> {
    bytes: &'t [u8],
    /// The text has been searched for an `@`, and has none.
    without_user: bool,
}

impl<'t> Glance<'t> {
    #[inline(always)]
    fn new(bytes: &'t [u8]) -> Self {
        Self { bytes, without_user: false }
    }

    #[inline(always)]
    fn has_worthy_mark(&mut self, base: usize, mut marks: u64, masks: Masks) -> bool {
        while marks != 0 {
            let bit = marks.trailing_zeros();
            marks &= marks - 1;
            if self.is_worth(base, bit, masks.words) {
                return true;
            }
        }
        let fives = fives(masks);
        fives != 0 && begins_key(self.bytes, base, fives)
    }

    /// Whether a rule should look at the mark at this bit.
    #[inline(always)]
    fn is_worth(&mut self, base: usize, bit: u32, words: u64) -> bool {
        let bytes = self.bytes;
        let at = base + bit as usize;
        let near = |offset: usize| bytes.get(at + offset).copied().unwrap_or_default();
        let before = at.checked_sub(1).map_or(0, |before| bytes[before]);
        match bytes[at] {
            b'=' => may_be_assigned(bytes, at, before),
            b':' => {
                near(1) == b'/' && near(2) == b'/' && (self.has_user() || has_hook(&bytes[at..]))
                    || may_be_assigned(bytes, at, before)
            }
            b'@' => before > b' ',
            b'~' => before == b'Q',
            b'$' => before == b'n' && matches!(near(1), b'p' | b's'),
            b'>' => may_end_at(bytes, if matches!(before, b'"' | b'\'') { at - 1 } else { at }),
            b'%' => {
                near(1) == b'3'
                    && (near(2) | 0x20 == b'd' && may_end_at(bytes, at)
                        || near(2) | 0x20 == b'a' && near(3) == b'%')
            }
            b'b' | b'B' => matches!(
                (near(1) | 0x20, near(2) | 0x20, near(3) | 0x20),
                (b'e', b'a', b'r') | (b'a', b's', b'i')
            ),
            b'-' => {
                // A flag at the text's end has no value: the most frequent of all arguments.
                let end = at + (!(words >> bit)).trailing_zeros() as usize;
                match bytes.get(end) {
                    None => false,
                    Some(b' ' | b'\t' | b'"' | b'\'' | b'`' | b',' | b'\\' | b'\n' | b'\r') => {
                        may_end_at(bytes, end)
                            || matches!(&bytes[at..end], b"-u" | b"-U" | b"--user" | b"--proxy-user")
                    }
                    Some(b'.') => true,
                    // The word goes on in the next block.
                    Some(_) => end - base >= 64,
                }
            }
            b'"' | b'\'' | b'`' => {
                before == b' ' && (may_end_at(bytes, at - 1) || at >= 2 && bytes[at - 2] | 0x20 == b'y')
            }
            _ => false,
        }
    }

    /// Whether an address may have a user. The text is searched once.
    fn has_user(&mut self) -> bool {
        if !self.without_user {
            cost::add(self.bytes.len());
            self.without_user = !self.bytes.contains(&b'@');
        }
        !self.without_user
    }
}

/// Whether a secret-sounding name may stand before a sign, or what may stand between the two.
#[inline(always)]
fn may_be_assigned(bytes: &[u8], at: usize, before: u8) -> bool {
    match before {
        b' ' | b'\t' | b'"' | b'\'' | b'`' | b']' | b'\\' | b':' | b'?' => {
            let between =
                |byte: &&u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b']' | b'\\' | b':' | b'?');
            let gap = bytes[..at].iter().rev().take(8).take_while(between).count();
            may_end_at(bytes, at - gap) || paired_at(bytes, at - gap).is_some()
        }
        _ => may_end_at(bytes, at) || paired_at(bytes, at).is_some(),
    }
}

/// Whether an address could be a webhook's.
#[inline(never)]
fn has_hook(address: &[u8]) -> bool {
    address
        .get(..address.len().min(72))
        .is_some_and(|near| near.windows(4).any(|part| part == b"hook" || part == b"disc"))
}

#[cold]
fn begins_key(bytes: &[u8], base: usize, mut fives: u64) -> bool {
    while fives != 0 {
        let at = base + fives.trailing_zeros() as usize;
        fives &= fives - 1;
        if bytes[at..].starts_with(b"-----BEGIN") {
            return true;
        }
    }
    false
}

/// Whether a word of 16 bytes or more begins in the block and should be judged.
#[inline(always)]
fn has_worthy_word(bytes: &[u8], base: usize, masks: Masks) -> bool {
    let words = masks.words;
    let mut long = words & words >> 1;
    long &= long >> 2;
    long &= long >> 4;
    long &= long >> 8;
    while long != 0 {
        let bit = long.trailing_zeros();
        let length = (!(words >> bit)).trailing_zeros();
        // A word that the block cuts is judged by the rules.
        if bit == 0 && base > 0 || bit + length >= 64 {
            return true;
        }
        let from = base + bit as usize;
        if opaque::is_worth(bytes, from, from + length as usize, masks.signs >> bit, masks.capitals >> bit) {
            return true;
        }
        long &= u64::MAX.checked_shl(bit + length).unwrap_or(0);
    }
    false
}

/// Whether words joined by `/` and `+` may be 40 bytes long.
#[inline(always)]
fn has_run(masks: Masks) -> bool {
    if masks.joints == 0 {
        return false;
    }
    let run = masks.words | masks.joints;
    let mut long = run & run >> 1;
    long &= long >> 2;
    long &= long >> 4;
    long &= long >> 8;
    const { assert!(PART == 28) }
    long & long >> 12 != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::redact::corpus::{look_alikes, shapes, texts};
    use crate::redact::scan;

    use super::*;

    #[test]
    fn every_shape_gets_a_second_look() {
        for shapes::Shape { rule, text, secret } in shapes::all() {
            assert!(text.contains(&secret), "{rule}");
            assert!(!is_clean(text.as_bytes()), "{rule}");
        }
    }

    #[test]
    fn what_commands_usually_record_gets_none() {
        for text in [
            "build",
            "--release",
            "--target=x86_64-unknown-linux-gnu",
            "collector/src/redact/mod.rs:12:5",
            "error: failed to open `Cargo.toml`: No such file or directory (os error 2)",
            "https://example.com:8443/a/b?page=2&sort=name",
            "8d1c8b69c3fce7bea45c73efd06983e3c419a92f",
            "a-rather-long-name-in-kebab-case",
            "2026-08-01T12:00:00Z INFO compiled collector v0.1.0 (src/lib.rs:12:5) in 1.25s",
            "設定ファイルが見つかりません。もう一度お試しください。",
        ] {
            assert!(is_clean(text.as_bytes()), "{text}");
        }
        let read: Vec<_> = look_alikes::ALL.iter().filter(|text| !is_clean(text.as_bytes())).collect();
        assert!(read.len() < look_alikes::ALL.len(), "{read:#?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4_000, ..ProptestConfig::default() })]

        #[test]
        fn the_rules_find_nothing_in_a_text_that_is_clean_at_a_glance(text in texts::text()) {
            if is_clean(text.as_bytes()) {
                prop_assert!(scan::spans(&text).is_empty(), "{text:?}");
            }
        }

        #[test]
        fn what_stands_across_the_edge_of_a_block_is_seen(
            before in "[a-z ]{0,140}", shape in prop::sample::select(shapes::all()), after in "( [a-z ]{0,140})?",
        ) {
            let text = format!("{before} {}{after}", shape.text);
            prop_assert!(!is_clean(text.as_bytes()), "{text:?}");
        }
    }
}
