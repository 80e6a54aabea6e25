//! The program under test: what it does is said in its environment.

use crate::scene::want;
use crate::words::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use telemetry::journal::*;

pub(crate) const PROGRAM: &str = "JOURNAL_TEST_PROGRAM";
/// Of a program that nobody kills.
pub(crate) const LIVES: u64 = u64::MAX;

pub(crate) fn run() {
    let Ok(what) = std::env::var(PROGRAM) else {
        return;
    };
    let mut words = what.split(' ');
    let name = words.next().unwrap_or_default();
    let directory = PathBuf::from(std::env::var_os("JOURNAL_TEST_DIRECTORY").unwrap());
    let numbers: Vec<u64> = words.map(|word| word.parse().unwrap()).collect();
    match (name, numbers.as_slice()) {
        ("record", [from, to, map]) => {
            let settings = Settings { max_bytes: 8 << 20, max_events: 400, ..settings(*map) };
            record(&directory, *from..*to, settings, 70, Told::file(&directory, "told"));
        }
        ("record-until", [from, to, map, kill]) => {
            die_after(*kill);
            record(&directory, *from..*to, settings(*map), 10_000, Told::file(&directory, "told"));
        }
        ("one", [number]) => {
            let journal = Journal::new(directory.join("journal"), label(), settings(0));
            journal.append(RecordKind::Event, &id(*number), b"one").unwrap();
        }
        ("drain", [claims]) => drain_and_tell(&directory, *claims == 1),
        ("purge", []) => {
            purge(&directory.join("journal")).unwrap();
        }
        ("fork", [map]) => fork(&directory, *map),
        ("limited", [limit, map]) => {
            let limit = rustix::process::Rlimit { current: Some(*limit), maximum: None };
            rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
            // What it is told goes to a pipe: the limit would hold for a file of ours too.
            record(&directory, 0..600, settings(*map), 70, Told(Box::new(std::io::stderr())));
        }
        other => panic!("no such program: {other:?}"),
    }
}

static RECORDED: AtomicU64 = AtomicU64::new(0);

/// Another thread kills the process once so many were recorded.
fn die_after(kill: u64) {
    if kill == LIVES {
        return;
    }
    std::thread::spawn(move || {
        while RECORDED.load(Ordering::Relaxed) < kill {
            std::thread::yield_now();
        }
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    });
}

/// Records events, with a command that runs all the while, and tells what `append` returned `Ok` for.
fn record(
    directory: &Path,
    numbers: std::ops::Range<u64>,
    settings: Settings,
    seal_every: u64,
    mut told: Told,
) {
    let journal = Journal::new(directory.join("journal"), label(), settings);
    let command = numbers.start + 1_000_000;
    if journal.append(RecordKind::Start, &id(command), b"start").is_ok() {
        told.tell(command);
    }
    for number in numbers {
        if journal.append(RecordKind::Event, &id(number), &vec![number as u8; 300]).is_ok() {
            told.tell(number);
        }
        if number % seal_every == seal_every - 1 {
            journal.seal();
        }
        RECORDED.fetch_add(1, Ordering::Relaxed);
    }
}

fn drain_and_tell(directory: &Path, claims: bool) {
    let Ok(Some(mut drain)) = Drain::try_open(&directory.join("journal"), settings(0)) else {
        return;
    };
    let mut acknowledged = Told::file(directory, "acknowledged");
    let mut offered = Told::file(directory, "offered");
    let durability = if claims { Durability::Durable } else { Durability::Cached };
    drain.adopt().unwrap();
    while let Some(batch) = drain.next_batch(&want()).unwrap() {
        let (first, rest) = batch.records.split_at(batch.records.len().min(3));
        for part in [first, rest] {
            part.iter().for_each(|record| offered.tell(number(&record.id)));
            let places: Vec<Position> = part.iter().map(|record| record.position).collect();
            drain.acknowledge(&places, durability).unwrap();
            part.iter().for_each(|record| acknowledged.tell(number(&record.id)));
        }
        drain.adopt().unwrap();
    }
}

/// Both sides of a fork record; the parent is killed while the child goes on.
fn fork(directory: &Path, map: u64) {
    let journal = Journal::new(directory.join("journal"), label(), settings(map));
    let record = |numbers: std::ops::Range<u64>| {
        let mut told = Told::file(directory, "told");
        for number in numbers {
            journal.append(RecordKind::Event, &id(number), &[1; 100]).unwrap();
            told.tell(number);
        }
    };
    record(0..100);
    // SAFETY: the child runs only what this test is about, and ends with `_exit`.
    if unsafe { libc::fork() } == 0 {
        record(1000..1100);
        // SAFETY: as above: a grandchild, which has two inherited journals behind it.
        if unsafe { libc::fork() } == 0 {
            record(2000..2100);
        } else {
            record(1100..1200);
        }
        // SAFETY: ends the process at once; nothing of Rust's runs afterwards.
        unsafe { libc::_exit(0) };
    }
    record(100..200);
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
}
