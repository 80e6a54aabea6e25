//! Which records of a sealed segment are done with: a file of ranges beside it.

use super::format::{Seed, u32_at};
use super::names;
use crate::platform::file;
use crate::platform::folder::{Folder, How};
use crate::sum::sum;
use std::io;

const ENTRY: usize = 16;
const TAG: [u8; 4] = *b"ACK1";
/// More bytes than the acknowledgements of a segment can need, one record each.
const MOST_BYTES: u64 = 8 << 20;

fn sum_of(segment: u64, range: &[u8]) -> u32 {
    sum(Seed::of(segment).sum(0), range)
}

/// The ranges of offsets that are done; what is damaged is left out.
pub(super) fn read(folder: &Folder, segment: u64) -> io::Result<Vec<(u32, u32)>> {
    match folder.open_file(&names::ack(segment), How::Read) {
        Ok(file) => Ok(parse(segment, &file::read_all(&file, MOST_BYTES)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

pub(super) fn parse(segment: u64, bytes: &[u8]) -> Vec<(u32, u32)> {
    let valid = |entry: &[u8; ENTRY]| {
        let sound = entry[12..] == TAG && u32_at(entry, 8)? == sum_of(segment, &entry[..8]);
        sound.then_some((u32_at(entry, 0)?, u32_at(entry, 4)?))
    };
    bytes.as_chunks::<ENTRY>().0.iter().filter_map(valid).collect()
}

/// Adds ranges. With `durable`, they survive a loss of power when this returns.
pub(super) fn append(folder: &Folder, segment: u64, ranges: &[(u32, u32)], durable: bool) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(ranges.len() * ENTRY);
    for (from, to) in ranges {
        let at = bytes.len();
        bytes.extend_from_slice(&from.to_le_bytes());
        bytes.extend_from_slice(&to.to_le_bytes());
        bytes.extend_from_slice(&sum_of(segment, &bytes[at..]).to_le_bytes());
        bytes.extend_from_slice(&TAG);
    }
    let file = folder.open_file(&names::ack(segment), How::Create)?;
    // An entry that a kill cut short is stepped over.
    let end = file::look(&file)?.size.next_multiple_of(ENTRY as u64);
    let stored = file::write_at(&file, &bytes, end).and_then(|()| match durable {
        true => file.sync_data().and_then(|()| folder.sync()),
        false => Ok(()),
    });
    if stored.is_err() {
        // Whoever asked is told that nothing is acknowledged, so nothing may be.
        let _ = file.set_len(end);
    }
    stored
}
