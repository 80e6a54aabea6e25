//! The journal's checksum: CRC-32, as `crc32fast` has it.
//!
//! That asks the processor what it can do, once in a process. In a virtual machine each such question stops the
//! machine: 11 µs for all of them where this was measured, as much as a whole record may cost. So what a process
//! with few records sums is summed with a table, at a third of a microsecond for a record.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many bytes with the table take as long as asking.
const FEW: usize = 4 << 10;

/// Bytes summed so far, until they are no longer few.
static SUMMED: AtomicUsize = AtomicUsize::new(0);

/// The sum of what `before` is the sum of and `bytes` behind it; nothing sums up to 0.
#[inline]
pub(super) fn sum(before: u32, bytes: &[u8]) -> u32 {
    if SUMMED.load(Ordering::Relaxed) <= FEW { early(before, bytes) } else { quick(before, bytes) }
}

#[inline]
fn quick(before: u32, bytes: &[u8]) -> u32 {
    let mut hash = crc32fast::Hasher::new_with_initial(before);
    hash.update(bytes);
    hash.finalize()
}

#[cold]
fn early(before: u32, bytes: &[u8]) -> u32 {
    // Relaxed: threads that meet here sum with the table once more, or once less, to the same effect.
    let summed = SUMMED.load(Ordering::Relaxed).saturating_add(bytes.len());
    SUMMED.store(summed, Ordering::Relaxed);
    if summed <= FEW { plain(before, bytes) } else { quick(before, bytes) }
}

/// One small table: a larger one would be quicker per byte, and most of it would first have to come from memory.
fn plain(before: u32, bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!before, |sum, byte| TABLE[usize::from(sum as u8 ^ byte)] ^ (sum >> 8))
}

static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let (mut sum, mut bit) = (at as u32, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
            bit += 1;
        }
        table[at] = sum;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_few_records_sums_as_one_with_many() {
        let bytes: Vec<u8> = (0..600_u32).map(|it| (it * 37 % 251) as u8).collect();
        assert_eq!(plain(0, b"123456789"), 0xCBF4_3926, "the check value of CRC-32");
        for length in 0..=bytes.len() {
            let (front, back) = bytes[..length].split_at(length / 3);
            for before in [0, 1, 0x8000_0000, u32::MAX] {
                let all = quick(before, &bytes[..length]);
                assert_eq!(plain(before, &bytes[..length]), all, "{length} bytes after {before}");
                assert_eq!(
                    quick(plain(before, front), back),
                    all,
                    "{length} bytes after {before}, both ways"
                );
            }
            assert_eq!(sum(0, &bytes[..length]), crc32fast::hash(&bytes[..length]), "{length} bytes");
        }
    }
}
