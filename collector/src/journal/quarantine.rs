//! What a vendor rejected for good, kept for the author to look at.
//!
//! Two files in a segment's format: when the newer one is full it becomes the older one, whose
//! records are then gone. A record's payload is `reason_len:u16 reason kind:u8 payload`.

use super::batch::Record;
use super::format::{self, Head, Header};
use super::lease;
use super::names;
use super::segment::Loaded;
use super::settings::{Label, RecordKind};
use crate::platform::file;
use crate::platform::folder::{Folder, How};
use std::io;

const MOST_REASON: usize = 1024;
/// Each of the two files.
const MOST_BYTES: u64 = 256 << 10;

/// Sets records aside.
pub(super) fn put<'a>(
    folder: &Folder,
    label: &Label,
    records: impl IntoIterator<Item = &'a Record>,
    reason: &str,
) -> io::Result<()> {
    let mut end = reason.len().min(MOST_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = &reason.as_bytes()[..end];
    for record in records {
        let mut payload = Vec::with_capacity(record.payload.len() + reason.len() + 3);
        payload.extend_from_slice(&(reason.len() as u16).to_le_bytes());
        payload.extend_from_slice(reason);
        payload.push(record.kind.code());
        payload.extend_from_slice(&record.payload);
        if payload.len() > format::MAX_PAYLOAD {
            continue;
        }
        put_one(folder, label, record, &payload)?;
    }
    Ok(())
}

fn put_one(folder: &Folder, label: &Label, record: &Record, payload: &[u8]) -> io::Result<()> {
    let mut file = folder.open_file(names::QUARANTINE[0], How::Create)?;
    let mut loaded = Loaded::read(&file).ok().filter(|loaded| loaded.label == *label);
    let size = format::record_size(payload.len()) as u64;
    let full = loaded.as_ref().is_none_or(|loaded| loaded.end as u64 + size > MOST_BYTES);
    if full && file::look(&file)?.size > 0 {
        folder.rename(names::QUARANTINE[0], names::QUARANTINE[1])?;
        file = folder.open_file(names::QUARANTINE[0], How::Create)?;
        loaded = None;
    }
    let (id, tail, tally) = match loaded {
        Some(loaded) => (loaded.id, loaded.end, loaded.tally),
        None => {
            let header = Header { id: lease::random()?, created_ms: 0, label: label.clone() };
            let bytes = header.encode();
            file::write_at(&file, &bytes, 0)?;
            (header.id, bytes.len(), format::Tally::default())
        }
    };
    let kind = RecordKind::Event.code();
    let head = Head { kind, id: record.id, seconds: record.seconds, tally: tally.after(kind) };
    let mut bytes = Vec::new();
    head.encode(format::Seed::of(id), tail as u64, payload, &mut bytes);
    file::write_at(&file, &bytes, tail as u64)
}

/// Records set aside that are still there: their ids, reasons and payloads, oldest first.
pub(super) fn read(folder: &Folder) -> Vec<(RecordKind, [u8; 16], String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names::QUARANTINE.iter().rev() {
        let Some(loaded) = folder.open_file(name, How::Read).ok().and_then(|file| Loaded::read(&file).ok())
        else {
            continue;
        };
        for found in loaded.entries.iter().filter_map(|entry| loaded.found(entry)) {
            all.extend(split(found.payload).map(|(kind, reason, payload)| {
                (kind, found.head.id, String::from_utf8_lossy(reason).into_owned(), payload.to_vec())
            }));
        }
    }
    all
}

fn split(payload: &[u8]) -> Option<(RecordKind, &[u8], &[u8])> {
    let length = usize::from(u16::from_le_bytes(payload.get(..2)?.try_into().ok()?));
    let reason = payload.get(2..2 + length)?;
    let (kind, payload) = payload.get(2 + length..)?.split_first()?;
    Some((RecordKind::from_code(*kind), reason, payload))
}
