//! Tests of the journal as a whole, and what they share.

mod ahead;
mod basics;
mod damage;
mod kills;
mod limits;
mod mapping;
mod model;
mod running;
mod stretches;

use super::*;
use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, SystemTime};

thread_local! {
    /// Seconds since 1970, of the thread's own clock.
    static NOW: Cell<u64> = const { Cell::new(1_800_000_000) };
}

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.get())
}

/// The clock shows this many seconds since 1970.
fn set_clock(seconds: u64) {
    NOW.set(seconds);
}

fn settings() -> Settings {
    Settings { clock, map: Map::Never, ..Settings::default() }
}

fn label(destination: &str) -> Label {
    Label { destination: destination.to_owned(), origin: b"origin".to_vec() }
}

fn journal(directory: &Path) -> Journal {
    Journal::new(directory.to_path_buf(), label("https://a.example"), settings())
}

fn id(number: u64) -> [u8; 16] {
    let mut id = [7; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

fn number(id: &[u8; 16]) -> u64 {
    u64::from_be_bytes(id[8..].try_into().unwrap())
}

fn record(journal: &Journal, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        journal.append(RecordKind::Event, &id(number), payload(number).as_bytes()).unwrap();
    }
}

/// Records as a tool does: events whose ids are made for them.
fn record_alone(journal: &Journal, number: u64) {
    let mut draft = Draft::new();
    draft.begin().put_slice(payload(number).as_bytes());
    let known = Known { seconds: NOW.get() as u32, pid: std::process::id(), new_id: true };
    let appended = journal.append_draft(RecordKind::Event, id(number), known, &mut draft);
    assert!(!matches!(appended, Appended::Failed(_)));
}

fn payload(number: u64) -> String {
    format!("event {number} {}", "x".repeat(number as usize % 100))
}

fn drain(directory: &Path) -> Drain {
    Drain::try_open(directory, settings()).unwrap().expect("no other drain")
}

fn want<'a>() -> Want<'a> {
    Want {
        destination: None,
        max_events: 1000,
        max_bytes: 1 << 20,
        size_of: &|_, it| Some(it.len()),
        after: None,
    }
}

/// Everything that a drain hands out, acknowledged on the way: kind and number.
fn deliver(drain: &mut Drain) -> Vec<(RecordKind, u64)> {
    let mut all = Vec::new();
    while let Some(batch) = drain.next_batch(&want()).unwrap() {
        for record in &batch.records {
            let number = number(&record.id);
            if record.kind == RecordKind::Event {
                assert_eq!(record.payload, payload(number).as_bytes());
            }
            all.push((record.kind, number));
        }
        drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
    }
    all
}

fn deliver_events(directory: &Path) -> Vec<u64> {
    let mut drain = drain(directory);
    drain.adopt().unwrap();
    let mut numbers: Vec<u64> = deliver(&mut drain).into_iter().map(|(_, number)| number).collect();
    numbers.sort_unstable();
    numbers
}

fn segments(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter(|name| matches!(names::parse(name), names::Name::Open | names::Name::Sealed(_)))
        .collect();
    names.sort_unstable();
    names
}

/// Where a loss of power is not the question, and a sync costs nothing.
fn quick_temp() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| temp())
}

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
