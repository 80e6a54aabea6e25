//! The form of the small files of delivery: one line that vouches for the rest, then JSON.
//!
//! ```text
//! telemetry-schedule 1 90c5f1f6ed6d31b5
//! {"…":…}
//! ```
//!
//! The sum covers the name, the version and the JSON, so that a damaged version is damage and not the
//! work of a newer release. FNV-1a certainly tells apart two texts that differ within one byte, which is
//! what a flipped bit is. Every later version keeps this first line.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::spread::fnv;

/// More than this is not one of our files. A schedule of the most batches in flight stays far below.
const MOST_BYTES: usize = 256 * 1024;

/// Why a small file of delivery cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not what was written. It is replaced by a state that waits.
    #[error("it is damaged and will be replaced")]
    Damaged,
    /// A later release of the library wrote it. It is left alone: that release sends.
    #[error("it has format {version}, and this release knows {known}: update the tool")]
    Newer {
        /// The file's format.
        version: u32,
        /// The newest format that is known here.
        known: u32,
    },
}

pub(crate) fn write<T: Serialize>(name: &str, version: u32, it: &T) -> Vec<u8> {
    // Our types have text keys and finite numbers only. If `T` is somebody else's and fails, the file
    // reads back as damaged, which waits.
    let json = serde_json::to_string(it).unwrap_or_default();
    format!("{name} {version} {:016x}\n{json}\n", sum(name, version, &json)).into_bytes()
}

pub(crate) fn read<T: DeserializeOwned>(name: &str, known: u32, bytes: &[u8]) -> Result<T, Unreadable> {
    // From bytes, like all that is read here: from a text, serde_json's reader would be in a tool twice.
    serde_json::from_slice(body(name, known, bytes)?).map_err(|_| Unreadable::Damaged)
}

/// The JSON, vouched for.
pub(crate) fn body<'a>(name: &str, known: u32, bytes: &'a [u8]) -> Result<&'a [u8], Unreadable> {
    let (version, json) = open(name, bytes).ok_or(Unreadable::Damaged)?;
    if version > known { Err(Unreadable::Newer { version, known }) } else { Ok(json.as_bytes()) }
}

fn open<'a>(name: &str, bytes: &'a [u8]) -> Option<(u32, &'a str)> {
    if bytes.len() > MOST_BYTES {
        return None;
    }
    let (line, rest) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
    let json = rest.strip_suffix('\n')?;
    let version: u32 = line.strip_prefix(name)?.trim_start().split(' ').next()?.parse().ok()?;
    // The line as it would be written, so that no other spelling of the same numbers passes.
    (line == format!("{name} {version} {:016x}", sum(name, version, json))).then_some((version, json))
}

fn sum(name: &str, version: u32, json: &str) -> u64 {
    fnv(format!("{name} {version}\n{json}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_truncation_is_noticed() {
        let good = write("telemetry-test", 1, &vec![1, 2, 3]);
        assert_eq!(read::<Vec<u8>>("telemetry-test", 1, &good), Ok(vec![1, 2, 3]));
        for at in 0..good.len() {
            assert_eq!(read::<Vec<u8>>("telemetry-test", 1, &good[..at]), Err(Unreadable::Damaged));
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(
                    read::<Vec<u8>>("telemetry-test", 1, &bad),
                    Err(Unreadable::Damaged),
                    "{at}.{bit}"
                );
            }
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let newer = write("telemetry-test", 9, &"what only the newer release knows");
        let expected = Unreadable::Newer { version: 9, known: 1 };
        assert_eq!(read::<Vec<u8>>("telemetry-test", 1, &newer), Err(expected));
    }

    #[test]
    fn another_file_a_huge_one_and_nonsense_are_damage() {
        let other = write("telemetry-starts", 1, &0);
        for bytes in [&other[..], b"", b"\n\n", b"telemetry-test", &vec![b' '; MOST_BYTES + 1], &[0xff; 64]] {
            assert_eq!(read::<u8>("telemetry-test", 1, bytes), Err(Unreadable::Damaged));
        }
    }
}
