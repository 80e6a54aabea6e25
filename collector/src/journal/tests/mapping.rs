//! A mapped segment, killed at every store, by one thread and by two.

use super::draft::Draft;
use super::format::{Head, Header, Seed, Tally};
use super::mapped::{LOOK_EVERY, Mapped, Memory, Place, Word};
use super::segment::Loaded;
use super::*;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

pub(super) const SEGMENT: u64 = 42;

/// What happened to the memory, in order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happened {
    Stored(usize, u64),
    Returned(u64),
}

pub(super) type Log = Arc<Mutex<Vec<Happened>>>;

/// A memory that notes every store.
#[derive(Clone)]
pub(super) struct Noted {
    pub(super) log: Log,
    words: Arc<[NotedWord]>,
}

pub(super) struct NotedWord {
    at: usize,
    log: Log,
    /// Lets another thread run before each store.
    between: fn(),
}

impl Noted {
    pub(super) fn new(length: usize, between: fn()) -> Self {
        let log = Log::default();
        let word = |at| NotedWord { at, log: Arc::clone(&log), between };
        Self { words: (0..length).map(word).collect(), log }
    }
}

impl Memory for Noted {
    type Word = NotedWord;

    fn words(&self, at: usize, count: usize) -> Option<&[NotedWord]> {
        self.words.get(at..at + count)
    }

    fn keeps(&self, _: u64) -> bool {
        true
    }
}

impl Word for NotedWord {
    fn set(&self, value: u64, _: Ordering) {
        (self.between)();
        self.log.lock().unwrap().push(Happened::Stored(self.at, value));
    }
}

pub(super) fn header() -> Vec<u8> {
    Header { id: SEGMENT, created_ms: 0, label: label("d") }.encode()
}

/// What a killed process leaves after so many of the stores: all returned records and no other than
/// those that were begun.
pub(super) fn check_every_kill(log: &[Happened], length: usize, begun: u64) {
    for kill in 0..=log.len() {
        let mut image = header();
        image.resize(length * 8, 0);
        let mut returned = Vec::new();
        for happened in &log[..kill] {
            match *happened {
                Happened::Stored(word, value) => image[word * 8..][..8].copy_from_slice(&value.to_ne_bytes()),
                Happened::Returned(number) => returned.push(number),
            }
        }
        let loaded = Loaded::parse(image).unwrap();
        let found: Vec<u64> = loaded
            .entries
            .iter()
            .map(|entry| {
                let found = loaded.found(entry).unwrap();
                assert_eq!(found.payload, payload(number(&found.head.id)).as_bytes());
                number(&found.head.id)
            })
            .collect();
        assert!(returned.iter().all(|number| found.contains(number)), "killed at {kill}: {found:?}");
        assert!(found.iter().all(|number| *number < begun), "killed at {kill}: {found:?}");
        assert_eq!(loaded.damaged, 0, "what nobody was told of is no loss");
    }
}

fn append<P: Place>(mapped: &Mapped<Noted, P>, number: u64) {
    let payload = payload(number);
    let mut record = Draft::new();
    record.set(1, id(number), 1, payload.as_bytes());
    mapped.append(&mut record, true).unwrap();
    mapped.memory.log.lock().unwrap().push(Happened::Returned(number));
}

#[test]
fn a_kill_at_any_store_keeps_every_record_that_was_returned_from() {
    let memory = Noted::new(1024, || ());
    let mapped =
        Mapped::new(memory.clone(), Seed::of(SEGMENT), header().len() as u64, Tally::default(), 1000);
    for number in 0..30 {
        append(&mapped, number);
    }
    let log = memory.log.lock().unwrap().clone();
    assert!(log.len() > 200);
    check_every_kill(&log, 1024, 30);
}

/// A place whose every access may be interleaved with another thread's.
pub(super) struct Shuttled(pub(super) shuttle::sync::atomic::AtomicU64);

impl Place for Shuttled {
    fn load(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn exchange(&self, from: u64, to: u64) -> Result<u64, u64> {
        let order = std::sync::atomic::Ordering::SeqCst;
        self.0.compare_exchange(from, to, order, order)
    }
}

#[test]
fn a_kill_at_any_store_of_two_threads_keeps_every_record_that_was_returned_from() {
    shuttle::check_random(
        || {
            let memory = Noted::new(256, shuttle::thread::yield_now);
            let place = Shuttled(shuttle::sync::atomic::AtomicU64::new(header().len() as u64 / 8));
            let mapped = Arc::new(Mapped::with_place(memory.clone(), place, Seed::of(SEGMENT), 1000));
            let threads: Vec<_> = (0..2)
                .map(|thread| {
                    let mapped = Arc::clone(&mapped);
                    shuttle::thread::spawn(move || (0..3).for_each(|at| append(&mapped, thread * 3 + at)))
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let log = memory.log.lock().unwrap().clone();
            check_every_kill(&log, 256, 6);
            assert_eq!(mapped.position().1, Tally(6));
        },
        300,
    );
}

#[test]
fn a_mapped_record_has_the_bytes_of_a_plain_one() {
    for length in [0, 1, 7, 8, 9, 100] {
        let payload = vec![0x33; length];
        let memory = Noted::new(100, || ());
        let mapped = Mapped::new(memory.clone(), Seed::of(SEGMENT), 64, Tally(5), 1000);
        let head = Head { kind: 2, id: id(9), seconds: 3, tally: Tally(0) };
        let mut record = Draft::new();
        record.set(head.kind, head.id, head.seconds, &payload);
        mapped.append(&mut record, true).unwrap();
        let mut plain = Vec::new();
        Head { tally: Tally(5), ..head }.encode(Seed::of(SEGMENT), 64, &payload, &mut plain);
        let mut words = vec![0; plain.len() / 8];
        for happened in memory.log.lock().unwrap().iter() {
            if let Happened::Stored(at, value) = *happened {
                words[at - 8] = value;
            }
        }
        assert_eq!(words.iter().flat_map(|word: &u64| word.to_ne_bytes()).collect::<Vec<_>>(), plain);
    }
}

/// A journal that maps at once, and does where the tests run.
fn mapping(directory: &Path) -> Journal {
    let settings = Settings { map: Map::After(1), ..settings() };
    Journal::new(directory.to_path_buf(), label("https://a.example"), settings)
}

#[test]
fn a_process_that_records_much_has_its_segments_mapped_and_delivers_them() {
    let temp = temp();
    let journal = mapping(temp.path());
    record(&journal, 0..15_000);
    let trusted = drain(temp.path()).folder.file_system() == crate::platform::host::FileSystem::Preallocating;
    assert_eq!(journal.health().mapped, trusted);
    assert!(segments(temp.path()).len() > 2);
    drop(journal);
    assert_eq!(deliver_events(temp.path()), (0..15_000).collect::<Vec<_>>());
}

#[test]
fn what_a_killed_process_had_mapped_is_delivered_and_its_slot_is_used_again() {
    let temp = temp();
    let first = mapping(temp.path());
    record(&first, 0..10);
    first.crash();
    let size = |name: &str| std::fs::metadata(temp.path().join(name)).unwrap().len();
    let second = journal(temp.path());
    record(&second, 10..12);
    let names = segments(temp.path());
    assert_eq!(names.len(), 1);
    assert!(size(&names[0]) < 4096, "what was preallocated is cut off");
    drop(second);
    let third = mapping(temp.path());
    record(&third, 12..20);
    third.crash();
    assert_eq!(deliver_events(temp.path()), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_purge_is_noticed_by_a_process_that_has_its_segment_mapped() {
    let temp = temp();
    let directory = temp.path().join("journal");
    let journal = mapping(&directory);
    record(&journal, 0..100);
    purge(&directory).unwrap();
    record(&journal, 100..700);
    drop(journal);
    let delivered = deliver_events(&directory);
    assert!(delivered.iter().all(|number| *number >= 100));
    assert!(delivered.len() >= 600 - LOOK_EVERY as usize, "{}", delivered.len());
    assert_eq!(*delivered.last().unwrap(), 699);
}

#[test]
fn a_look_notices_a_purge_before_the_next_record() {
    let temp = temp();
    let directory = temp.path().join("journal");
    let journal = mapping(&directory);
    record(&journal, 0..100);
    purge(&directory).unwrap();
    journal.look();
    record(&journal, 100..110);
    drop(journal);
    assert_eq!(deliver_events(&directory), (100..110).collect::<Vec<_>>());
}

#[test]
fn threads_record_together_and_nothing_is_lost() {
    let temp = temp();
    let journal = mapping(temp.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let journal = &journal;
            scope.spawn(move || {
                for number in thread * 3000..(thread + 1) * 3000 {
                    journal.append(RecordKind::Start, &id(number), b"start").unwrap();
                    record(journal, [number]);
                    if number % 1000 == 0 {
                        journal.seal();
                    }
                }
            });
        }
    });
    drop(journal);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let mut delivered = deliver(&mut drain);
    delivered.sort_unstable_by_key(|it| it.1);
    assert_eq!(delivered, (0..12_000).map(|number| (RecordKind::Event, number)).collect::<Vec<_>>());
}
