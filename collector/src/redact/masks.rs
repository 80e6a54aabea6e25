//! The first look: which bytes of a block are worth a second one.
//!
//! On x86-64 it is written with SSE2, which that architecture always has; elsewhere as loops over
//! arrays of 16 that compilers make vectors of. A test holds both to the same answers.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code))]

/// One bit for each byte of a block of at most 64, the first byte the lowest.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Masks {
    /// The bytes that a rule hangs on, `= : @ " ' > ~` and the backtick, and each `-`, `b` and `B`. Their neighbours
    /// `# $ % & ; < ?` come with them, as two ranges are quicker than seven bytes.
    pub(super) marks: u64,
    /// Letters, digits, `_` and `-`.
    pub(super) words: u64,
    /// Of the words, `_` and `-`.
    pub(super) signs: u64,
    /// Of the words, capital letters.
    pub(super) capitals: u64,
    /// `/` and `+`.
    pub(super) joints: u64,
}

/// The same of 16 bytes, in that order.
type Bits = [u32; 5];

impl Masks {
    /// Of the first 64 bytes of a text, or of all of it.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Self {
        let mut masks = Self::default();
        let (chunks, rest) = text.as_chunks::<16>();
        for (chunk, shift) in chunks.iter().zip([0, 16, 32, 48]) {
            masks.add(look(u128::from_le_bytes(*chunk)), shift);
        }
        if chunks.len() < 4 && !rest.is_empty() {
            masks.add(look(padded(rest)), 16 * chunks.len() as u32);
        }
        masks
    }

    /// Of a text of at most 15 bytes.
    #[inline(always)]
    pub(super) fn of_short(text: &[u8]) -> Self {
        let mut masks = Self::default();
        masks.add(look(padded(text)), 0);
        masks
    }

    #[inline(always)]
    fn add(&mut self, [marks, words, signs, capitals, joints]: Bits, shift: u32) {
        self.marks |= u64::from(marks) << shift;
        self.words |= u64::from(words) << shift;
        self.signs |= u64::from(signs) << shift;
        self.capitals |= u64::from(capitals) << shift;
        self.joints |= u64::from(joints) << shift;
    }
}

/// Up to 15 bytes and zeros. Two reads that overlap are faster than a copy of unknown length.
#[inline(always)]
pub(super) fn padded(rest: &[u8]) -> u128 {
    if let (Some(first), Some(last)) = (rest.first_chunk::<8>(), rest.last_chunk::<8>()) {
        let last = u128::from(u64::from_le_bytes(*last));
        return u128::from(u64::from_le_bytes(*first)) | last << (8 * (rest.len() - 8));
    }
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        let last = u64::from(u32::from_le_bytes(*last));
        return u128::from(u64::from(u32::from_le_bytes(*first)) | last << (8 * (rest.len() - 4)));
    }
    rest.iter().rev().fold(0, |all, byte| all << 8 | u128::from(*byte))
}

#[cfg(not(target_arch = "x86_64"))]
use portable as look;
#[cfg(target_arch = "x86_64")]
use vector as look;

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn vector(bytes: u128) -> Bits {
    // SAFETY: SSE2 is a part of x86-64; no function of `sse2` touches memory.
    unsafe { sse2(bytes) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn sse2(bytes: u128) -> Bits {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set_epi64x, _mm_set1_epi8,
    };
    let text = _mm_set_epi64x((bytes >> 64) as i64, bytes as i64);
    let all = |byte: u8| _mm_set1_epi8(byte as i8);
    let is = |text: __m128i, byte: u8| _mm_cmpeq_epi8(text, all(byte));
    let or = |one: __m128i, two: __m128i| _mm_or_si128(one, two);
    // Moved to the lowest of the signed bytes, a range begins where the comparison does.
    let within = |text: __m128i, first: u8, count: u8| {
        _mm_cmplt_epi8(_mm_add_epi8(text, all(0x80_u8.wrapping_sub(first))), all(0x80_u8.wrapping_add(count)))
    };
    let lower = or(text, all(0x20));
    let dash = is(text, b'-');
    let ranges = or(within(text, b':', 7), within(text, b'"', 6));
    let marks = or(or(ranges, or(is(text, b'`'), is(text, b'~'))), or(dash, is(lower, b'b')));
    let signs = or(is(text, b'_'), dash);
    let words = or(or(within(lower, b'a', 26), within(text, b'0', 10)), signs);
    let capitals = within(text, b'A', 26);
    let joints = or(is(text, b'/'), is(text, b'+'));
    let bits = |mask: __m128i| _mm_movemask_epi8(mask) as u32;
    [marks, words, signs, capitals, joints].map(bits)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline]
fn portable(bytes: u128) -> Bits {
    let bytes = bytes.to_le_bytes();
    let full = |yes: bool| if yes { 0xff_u8 } else { 0 };
    let marks = bytes.map(|byte| {
        let ranges = full(byte.wrapping_sub(b':') < 7) | full(byte.wrapping_sub(b'"') < 6);
        ranges | full(byte == b'`') | full(byte == b'~') | full(byte == b'-') | full(byte | 0x20 == b'b')
    });
    let words = bytes.map(|byte| {
        let letter = full((byte | 0x20).wrapping_sub(b'a') < 26);
        letter | full(byte.wrapping_sub(b'0') < 10) | full(byte == b'_') | full(byte == b'-')
    });
    let signs = bytes.map(|byte| full(byte == b'_') | full(byte == b'-'));
    let joints = bytes.map(|byte| full(byte == b'/') | full(byte == b'+'));
    let capitals = bytes.map(|byte| full(byte.wrapping_sub(b'A') < 26));
    [marks, words, signs, capitals, joints].map(gather)
}

/// One bit for each of 16 bytes that are all ones or all zeros: bit n of byte n is kept, and a
/// multiplication adds the eight bytes up in the highest.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
fn gather(bytes: [u8; 16]) -> u32 {
    let both = u128::from_le_bytes(bytes);
    let gather = |half: u64| (half & 0x8040_2010_0804_0201).wrapping_mul(0x0101_0101_0101_0101) >> 56;
    gather(both as u64) as u32 | (gather((both >> 64) as u64) as u32) << 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plainly(text: &[u8]) -> Masks {
        let mut masks = Masks::default();
        for (nth, byte) in text.iter().take(64).enumerate() {
            let bit = |yes: bool| u64::from(yes) << nth;
            masks.marks |= bit(b":;<=>?@\"#$%&'`~-bB".contains(byte));
            masks.words |= bit(byte.is_ascii_alphanumeric() || b"_-".contains(byte));
            masks.signs |= bit(b"_-".contains(byte));
            masks.capitals |= bit(byte.is_ascii_uppercase());
            masks.joints |= bit(b"/+".contains(byte));
        }
        masks
    }

    #[test]
    fn every_byte_is_seen_as_what_it_is_at_every_place() {
        for byte in 0..=255 {
            for at in 0..70 {
                let mut text = [0; 70];
                text[at] = byte;
                assert_eq!(Masks::of(&text), plainly(&text), "{byte} at {at}");
            }
        }
    }

    #[test]
    fn every_length_is_read_to_its_end_and_no_further() {
        let text: Vec<u8> = (0..=255).map(|n: u8| n.wrapping_mul(37)).collect();
        for from in 0..128 {
            for length in 0..=80 {
                let part = &text[from..from + length];
                assert_eq!(Masks::of(part), plainly(part), "{part:?}");
                if length < 16 {
                    assert_eq!(Masks::of_short(part), plainly(part), "{part:?}");
                }
            }
        }
    }

    #[test]
    fn the_loops_answer_as_the_vectors_do() {
        for byte in 0..=255_u8 {
            for at in 0..16 {
                let bytes = u128::from(byte) << (8 * at);
                assert_eq!(portable(bytes), look(bytes), "{byte} at {at}");
            }
        }
    }
}
