//! The journal's checksum: RapidHash V3 in its micro form, of which 32 bits are kept.
//!
//! Any damage goes unseen once in four thousand million times. CRC-32 would see every damage within 32 neighbouring
//! bits, but takes a table of 16 KiB, asks the processor what it can do (which in a virtual machine stops the
//! machine, nine times in a process's first record), and takes twice the time for a record.
//!
//! The values are on disk: the algorithm, its secrets and what is made of its result stay what they are.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_micro_inline};

/// The sum of what `before` is the sum of and `bytes` behind it.
#[inline]
pub(crate) fn sum(before: u32, bytes: &[u8]) -> u32 {
    let hash = rapidhash_v3_micro_inline::<true, false>(bytes, &RapidSecrets::seed_cpp(u64::from(before)));
    (hash ^ (hash >> 32)) as u32
}

/// All 64 bits of it: of what is in `before` and `bytes` behind that.
pub(crate) fn hash(before: u64, bytes: &[u8]) -> u64 {
    rapidhash_v3_micro_inline::<true, false>(bytes, &RapidSecrets::seed_cpp(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_on_disk_stay_what_they_are() {
        let bytes: Vec<u8> = (0..200_u32).map(|it| (it * 37 % 251) as u8).collect();
        let sums = [0, 3, 8, 16, 17, 40, 81, 200].map(|length| sum(7, &bytes[..length]));
        let known = [
            10_809_645,
            75_422_153,
            741_957_636,
            3_352_657_424,
            2_924_504_117,
            3_894_031_789,
            2_482_702_585,
            2_428_692_537,
        ];
        assert_eq!(sums, known);
    }

    #[test]
    fn every_bit_and_the_length_and_what_came_before_count() {
        let bytes: Vec<u8> = (0..200_u32).map(|it| (it * 37 % 251) as u8).collect();
        for length in 0..=bytes.len() {
            let whole = &bytes[..length];
            let expected = sum(1, whole);
            assert_ne!(sum(0, whole), expected, "{length} bytes after something else");
            assert_ne!(sum(1, &[whole, &[0]].concat()), expected, "{length} bytes and a zero");
            for bit in 0..8 * length {
                let mut damaged = whole.to_vec();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(sum(1, &damaged), expected, "bit {bit} of {length} bytes");
            }
        }
    }
}
