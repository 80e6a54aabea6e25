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
        ("one", [number]) => one(&directory, *number),
        ("runs", [from, to]) => runs(&directory, *from..*to),
        ("drain", [claims]) => drain_and_tell(&directory, *claims == 1),
        ("purge", []) => {
            purge(&directory.join("journal")).unwrap();
        }
        ("fork", [map]) => fork(&directory, *map),
        ("own-fault", []) => own_fault(&directory),
        ("own-handler", []) => own_handler(&directory),
        ("cut", [map, length, threads]) => cut(&directory, *map, *length, *threads),
        ("limited", [limit, map]) => {
            let limit = rustix::process::Rlimit { current: Some(*limit), maximum: None };
            rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
            // What it is told goes to a pipe: the limit would hold for a file of ours too.
            record(&directory, 0..600, settings(*map), 70, Told(Box::new(std::io::stderr())));
        }
        other => panic!("no such program: {other:?}"),
    }
}

/// A run that records one event, at default caps.
fn one(directory: &Path, number: u64) {
    let journal = Journal::new(directory.join("journal"), label(), Settings::default());
    journal.append(RecordKind::Event, &id(number), &[1; 250]).unwrap();
}

/// Each of these runs in a process of its own, one after the other.
fn runs(directory: &Path, numbers: std::ops::Range<u64>) {
    for number in numbers {
        // SAFETY: no journal was used yet in this process; the child uses one and ends with `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let done = std::panic::catch_unwind(|| one(directory, number)).is_ok();
            // SAFETY: ends the process at once; nothing of Rust's runs afterwards.
            unsafe { libc::_exit(i32::from(!done)) };
        }
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child, "run {number}");
        assert_eq!(status, 0, "run {number}");
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

/// Threads record, and every now and then somebody cuts each segment to this length, or to nothing and
/// back to what it was (a hole) if that is `u64::MAX`.
fn cut(directory: &Path, map: u64, length: u64, threads: u64) {
    let journal = Journal::new(directory.join("journal"), label(), settings(map));
    let cut_all = || {
        for entry in std::fs::read_dir(directory.join("journal")).unwrap() {
            // It may have got another name, or have gone.
            let Ok(file) = std::fs::File::options().write(true).open(entry.unwrap().path()) else { continue };
            let before = file.metadata().unwrap().len();
            file.set_len(if length == u64::MAX { 0 } else { length.min(before) }).unwrap();
            if length == u64::MAX {
                file.set_len(before).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (journal, cut_all) = (&journal, &cut_all);
            scope.spawn(move || {
                let mut told = Told::file(directory, &format!("told-{thread}"));
                for number in thread * 10_000..thread * 10_000 + 1000 {
                    if thread == 0 && number % 250 == 249 {
                        cut_all();
                    }
                    journal.append(RecordKind::Event, &id(number), &[1; 300]).unwrap();
                    told.tell(number);
                }
            });
        }
    });
    if length.is_multiple_of(2) {
        // Cut behind the last record's back: nobody looks before the segment is given up.
        cut_all();
    }
    journal.seal();
    assert_eq!(journal.health().fallback, None);
    assert_eq!(journal.health().held, 0);
}

/// A mapping of the program's own whose file is cut, beside a journal that has its segment mapped.
fn own_fault(directory: &Path) {
    let journal = Journal::new(directory.join("journal"), label(), settings(1));
    record_mapped(&journal, 0..10);
    let mut options = std::fs::File::options();
    let file = options.read(true).write(true).create_new(true).open(directory.join("own")).unwrap();
    file.set_len(4096).unwrap();
    let map = memmap2::MmapOptions::new().len(4096).map_raw_read_only(&file).unwrap();
    file.set_len(0).unwrap();
    // SAFETY: it is mapped; that the file behind it is gone is what this is about.
    unsafe { map.as_ptr().read_volatile() };
}

/// A program that handles SIGBUS by itself, from before its second segment on.
fn own_handler(directory: &Path) {
    let first = Journal::new(directory.join("journal"), label(), settings(1));
    record_mapped(&first, 0..10);
    // SAFETY: an action that does nothing may be set at any time.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_IGN) };
    let second = Journal::new(directory.join("journal"), label(), settings(1));
    for number in 10..20 {
        second.append(RecordKind::Event, &id(number), b"").unwrap();
    }
    assert!(!second.health().mapped, "nobody catches its faults");
    // SAFETY: nothing is changed; what is set is asked for.
    let now = unsafe { libc::signal(libc::SIGBUS, libc::SIG_IGN) };
    assert_eq!(now, libc::SIG_IGN, "the program's choice stands");
}

fn record_mapped(journal: &Journal, numbers: std::ops::Range<u64>) {
    for number in numbers {
        journal.append(RecordKind::Event, &id(number), b"").unwrap();
    }
    assert!(journal.health().mapped, "this file system is not known to preallocate");
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
