//! Threads that meet in a mapping, and what the places that they did not use leave.

use super::draft::Draft;
use super::format::{Seed, Tally};
use super::mapped::{Appended, LOOK_EVERY, Mapped, Place, Stop};
use super::mapping::{Happened, Noted, SEGMENT, Shuttled, check_every_kill, header};
use super::segment::Loaded;
use super::stretch::Stretch;
use super::*;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A record of so many bytes for each letter of its payload.
const SIZE: u64 = 64;

/// A place that another thread took just before, as often as the test says.
#[derive(Default)]
struct Crowded {
    place: AtomicU64,
    meets: Cell<u32>,
}

impl Place for Crowded {
    fn load(&self) -> u64 {
        Place::load(&self.place)
    }

    fn exchange(&self, from: u64, to: u64) -> Result<u64, u64> {
        if let Some(left) = self.meets.get().checked_sub(1) {
            self.meets.set(left);
            return Err(from);
        }
        self.place.exchange(from, to)
    }
}

fn mapped(words: usize, most_events: u32) -> Mapped<Noted, Crowded> {
    let place = Crowded { place: AtomicU64::new(header().len() as u64 / 8), meets: Cell::new(0) };
    Mapped::with_place(Noted::new(words, || ()), place, Seed::of(SEGMENT), most_events)
}

fn word() -> Crowded {
    Crowded::default()
}

/// An event of [`SIZE`] bytes that stands alone.
fn event(number: u64) -> Draft {
    let mut record = Draft::new();
    record.set(RecordKind::Event.code(), id(number), 1, &[b'x'; SIZE as usize - 40]);
    record.set_alone(true);
    record
}

fn put(mapped: &Mapped<Noted, Crowded>, own: &Crowded, number: u64) -> u64 {
    let Appended { offset, .. } = mapped.append_apart(&mut event(number), true, own).unwrap();
    offset - header().len() as u64
}

/// What the memory holds in the end.
fn image<P: Place>(mapped: &Mapped<Noted, P>, words: usize) -> Vec<u8> {
    let mut image = header();
    image.resize(words * 8, 0);
    for happened in mapped.memory.log.lock().unwrap().iter() {
        if let Happened::Stored(word, value) = *happened {
            image[word * 8..][..8].copy_from_slice(&value.to_ne_bytes());
        }
    }
    image
}

#[test]
fn who_meets_nobody_takes_one_place_at_a_time() {
    let (mapped, own) = (mapped(1024, 1000), word());
    for number in 0..40 {
        assert_eq!(put(&mapped, &own, number), number * SIZE);
    }
    assert_eq!((own.load(), mapped.position().1, mapped.gone()), (Stretch::NONE, Tally(40), 0));
}

#[test]
fn who_met_another_thread_takes_places_together_as_long_as_others_come() {
    let (mapped, [one, two]) = (mapped(1024, 1000), [word(), word()]);
    mapped.place().meets.set(1);
    assert_eq!(put(&mapped, &one, 0), 0);
    let taken: Vec<u64> = (1..=16).map(|number| put(&mapped, &one, number)).collect();
    assert_eq!(taken, (1..=16).map(|at| at * SIZE).collect::<Vec<_>>());
    assert_eq!(put(&mapped, &two, 100), 17 * SIZE, "behind them");
    let taken: Vec<u64> = (17..81).map(|number| put(&mapped, &one, number)).collect();
    assert_eq!(taken, (18..82).map(|at| at * SIZE).collect::<Vec<_>>(), "somebody came: more of them");
    assert_eq!(put(&mapped, &one, 81), 82 * SIZE);
    assert_eq!(put(&mapped, &two, 101), 83 * SIZE, "nobody came: one at a time");
    assert_eq!((mapped.position().1, mapped.gone()), (Tally(84), 0));
}

#[test]
fn what_is_left_of_stretches_is_given_back_from_the_end_and_counted_elsewhere() {
    let (mapped, [one, two, three]) = (mapped(1024, 1000), [word(), word(), word()]);
    for (own, count) in [(&one, 3), (&two, 16), (&three, 1)] {
        own.place.store(Stretch::WANTED, Ordering::Relaxed);
        (0..count).for_each(|number| _ = put(&mapped, own, number));
    }
    let start = header().len() as u64;
    assert_eq!(mapped.position(), (start + 48 * SIZE, Tally(48)));
    mapped.close([&one, &two, &three].map(Crowded::load));
    assert_eq!(mapped.position(), (start + 33 * SIZE, Tally(33)));
    assert_eq!(mapped.gone(), 13, "the first one's are in the middle");
    let loaded = Loaded::parse(image(&mapped, 1024)).unwrap();
    assert_eq!((loaded.entries.len(), loaded.damaged), (20, 0));
    assert_eq!((loaded.tally, loaded.claimed), (Tally(20), Tally(33)));
}

#[test]
fn stretches_that_end_the_segment_one_behind_the_other_are_all_given_back() {
    let (mapped, [one, two]) = (mapped(1024, 1000), [word(), word()]);
    for own in [&one, &two] {
        own.place.store(Stretch::WANTED, Ordering::Relaxed);
        (0..16).for_each(|number| _ = put(&mapped, own, number));
    }
    let start = header().len() as u64;
    for (own, left) in [(&one, 3), (&two, 16)] {
        let (at, left) = (start + (32 - left) * SIZE, left as u32);
        let rest = Stretch { next: at, left: u64::from(left) * SIZE, events: left, tally: Tally(32 - left) };
        own.place.store(rest.pack().unwrap(), Ordering::Relaxed);
    }
    mapped.close([two.load(), one.load(), Stretch::WANTED, Stretch::NONE]);
    // The longer one ends where the segment does; where the shorter one does nothing begins any more.
    assert_eq!(mapped.position(), (start + 16 * SIZE, Tally(16)));
}

#[test]
fn an_event_that_does_not_fit_into_what_is_left_begins_another_stretch_and_the_rest_is_counted() {
    let (mapped, own) = (mapped(8192, 1000), word());
    own.place.store(Stretch::WANTED, Ordering::Relaxed);
    (0..14).for_each(|number| _ = put(&mapped, &own, number));
    // Somebody else comes behind it.
    mapped.append(&mut event(99), true).unwrap();
    let mut long = Draft::new();
    long.set(RecordKind::Event.code(), id(14), 1, &[b'y'; 200]);
    long.set_alone(true);
    let Appended { offset, .. } = mapped.append_apart(&mut long, true, &own).unwrap();
    assert_eq!(offset, header().len() as u64 + 17 * SIZE);
    assert_eq!(mapped.gone(), 2);
    // What is too long for a stretch goes by itself, and the stretch stays.
    let mut longer = Draft::new();
    longer.set(RecordKind::Event.code(), id(15), 1, &[b'z'; 17_000]);
    longer.set_alone(true);
    mapped.append_apart(&mut longer, true, &own).unwrap();
    assert_eq!(put(&mapped, &own, 16), 17 * SIZE + 240);
    mapped.close([own.load()]);
    let loaded = Loaded::parse(image(&mapped, 8192)).unwrap();
    assert_eq!((loaded.entries.len(), loaded.tally.events(), loaded.damaged), (18, 18, 0));
    assert_eq!(mapped.position().1.events() - mapped.gone(), 18);
}

#[test]
fn a_stretch_is_taken_only_where_no_look_is_due_and_there_is_room_for_all_of_it() {
    let events = |most, allocated: usize| {
        let (mapped, own) = (mapped(header().len() / 8 + 8 * allocated, most), word());
        let mut stopped = Vec::new();
        for number in 0.. {
            own.place.store(Stretch::WANTED, Ordering::Relaxed);
            mapped.append(&mut event(number), true).ok();
            // Each time somebody is there.
            match mapped.append_apart(&mut event(number), stopped.last() == Some(&Stop::Look), &own) {
                Ok(_) => _ = stopped.pop_if(|stop| *stop == Stop::Look),
                Err(Stop::Look) => stopped.push(Stop::Look),
                Err(stop) => return (mapped.position().1.events(), stop),
            }
            mapped.close([own.load()]);
        }
        unreachable!()
    };
    assert_eq!(events(100, 10_000), (100, Stop::Full));
    assert_eq!(events(10_000, 105), (105, Stop::Short));
    let (mapped, own) = (mapped(4096, 1000), word());
    (0..u64::from(LOOK_EVERY) - 10).for_each(|number| _ = mapped.append(&mut event(number), true));
    own.place.store(Stretch::WANTED, Ordering::Relaxed);
    assert_eq!(mapped.append_apart(&mut event(1), false, &own).err(), Some(Stop::Look));
    assert!(mapped.append_apart(&mut event(1), true, &own).is_ok());
}

#[test]
fn whoever_takes_the_stretch_that_holds_the_byte_is_to_allocate_more() {
    let (mapped, own) = (mapped(4096, 1000), word());
    mapped.is_low_at(header().len() as u64 + 10 * SIZE);
    own.place.store(Stretch::WANTED, Ordering::Relaxed);
    let low: Vec<bool> =
        (0..16).map(|number| mapped.append_apart(&mut event(number), true, &own).unwrap().low).collect();
    assert_eq!(low, [true].into_iter().chain([false; 15]).collect::<Vec<_>>());
}

fn append_apart<P: Place>(mapped: &Mapped<Noted, P>, own: &P, number: u64) {
    let payload = payload(number);
    let mut record = Draft::new();
    record.set(1, id(number), 1, payload.as_bytes());
    record.set_alone(true);
    mapped.append_apart(&mut record, true, own).unwrap();
    mapped.memory.log.lock().unwrap().push(Happened::Returned(number));
}

#[test]
fn a_kill_at_any_store_into_a_stretch_keeps_every_record_that_was_returned_from() {
    let (mapped, own) = (mapped(2048, 1000), word());
    for number in 0..30 {
        if number % 7 == 0 {
            own.place.store(Stretch::WANTED, Ordering::Relaxed);
        }
        append_apart(&mapped, &own, number);
    }
    let log = mapped.memory.log.lock().unwrap().clone();
    assert!(log.len() > 200);
    check_every_kill(&log, 2048, 30);
}

/// Two threads that take stretches from the beginning, by words of their own or by one.
fn two_threads(shared: bool) {
    let words = move || {
        let memory = Noted::new(1024, shuttle::thread::yield_now);
        let shuttled = |word| Shuttled(shuttle::sync::atomic::AtomicU64::new(word));
        let mapped = Mapped::with_place(memory, shuttled(header().len() as u64 / 8), Seed::of(SEGMENT), 1000);
        let mapped = Arc::new(mapped);
        let words: Vec<_> = (0..2).map(|_| Arc::new(shuttled(Stretch::WANTED))).collect();
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let (mapped, own) = (Arc::clone(&mapped), &words[if shared { 0 } else { thread as usize }]);
                let own = Arc::clone(own);
                shuttle::thread::spawn(move || {
                    (0..3).for_each(|at| append_apart(&mapped, &own, thread * 3 + at));
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        check_every_kill(&mapped.memory.log.lock().unwrap(), 1024, 6);
        mapped.close([words[0].load(), words[1].load()]);
        assert_eq!(mapped.position().1.events() - mapped.gone(), 6);
        let loaded = Loaded::parse(image(&mapped, 1024)).unwrap();
        assert_eq!((loaded.entries.len(), loaded.tally), (6, Tally(6)));
        if !shared {
            assert_eq!(loaded.claimed, mapped.position().1, "what was taken last is given back");
        }
    };
    shuttle::check_random(words, 300);
}

#[test]
fn a_kill_at_any_store_of_two_threads_in_stretches_keeps_every_record_that_was_returned_from() {
    two_threads(false);
}

#[test]
fn so_does_one_of_two_threads_that_take_from_the_same_stretch() {
    two_threads(true);
}

/// A segment with stretches of which some was not used, the places of its records, and their sizes.
fn with_holes() -> (Vec<u8>, Vec<usize>) {
    let (mapped, own) = (mapped(4096, 1000), word());
    let mut number = 0;
    for used in [3, 16, 1, 9, 15, 2] {
        // A mark that a command began, which is never in a stretch.
        let mut start = Draft::new();
        start.set(RecordKind::Start.code(), id(1000 + number), 1, b"start");
        mapped.append(&mut start, true).unwrap();
        own.place.store(Stretch::WANTED, Ordering::Relaxed);
        for _ in 0..used {
            put(&mapped, &own, number);
            number += 1;
        }
    }
    mapped.append(&mut event(number), true).unwrap();
    let mut bytes = image(&mapped, 4096);
    bytes.truncate(mapped.position().0 as usize);
    let offsets = Loaded::parse(bytes.clone()).unwrap().entries.iter().map(|it| it.offset as usize).collect();
    (bytes, offsets)
}

#[test]
fn every_flipped_bit_between_unused_places_costs_the_record_that_it_is_in_and_no_other() {
    let (bytes, offsets) = with_holes();
    assert!(bytes.len() > 5 << 10 && offsets.len() == 53, "{} {}", bytes.len(), offsets.len());
    let whole = Loaded::parse(bytes.clone()).unwrap();
    assert_eq!((whole.damaged, whole.tally.events()), (0, 47));
    assert!(whole.claimed.events() > 80, "there are places that nobody used");
    let size = |kind| if kind == RecordKind::Event { SIZE as usize } else { 48 };
    for bit in header().len() * 8..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let loaded = Loaded::parse(damaged).unwrap();
        let hit = whole.entries.iter().position(|entry| {
            let from = entry.offset as usize;
            (from..from + size(entry.kind)).contains(&(bit / 8))
        });
        let read: Vec<u32> = loaded.entries.iter().map(|entry| entry.offset).collect();
        let mut spared: Vec<u32> = whole.entries.iter().map(|entry| entry.offset).collect();
        hit.map(|hit| spared.remove(hit));
        assert_eq!(read, spared, "bit {bit}");
        let entry = hit.map(|hit| whole.entries[hit]);
        let in_kind = entry.is_some_and(|entry| bit / 8 == entry.offset as usize + 11);
        let lost = u64::from(entry.is_some_and(|entry| entry.kind == RecordKind::Event));
        if in_kind {
            // What an unreadable record was, nothing but its kind says there.
            assert!(loaded.damaged <= 1, "bit {bit}: {}", loaded.damaged);
        } else {
            assert_eq!(loaded.damaged, lost, "bit {bit}");
        }
        assert_eq!(u64::from(loaded.tally.events()), loaded.damaged + spared_events(&loaded), "bit {bit}");
    }
}

fn spared_events(loaded: &Loaded) -> u64 {
    loaded.entries.iter().filter(|entry| entry.kind == RecordKind::Event).count() as u64
}

#[test]
fn every_truncation_between_unused_places_leaves_the_records_before_it_and_invents_no_loss() {
    let (bytes, offsets) = with_holes();
    for length in header().len()..bytes.len() {
        let loaded = Loaded::parse(bytes[..length].to_vec()).unwrap();
        let read: Vec<usize> = loaded.entries.iter().map(|it| it.offset as usize).collect();
        assert!(offsets.starts_with(&read), "cut at {length}");
        assert!(offsets[read.len()..].first().is_none_or(|next| next + SIZE as usize > length));
        assert_eq!(loaded.damaged, 0, "cut at {length}");
    }
}

fn mapping(directory: &Path, settings: Settings) -> Journal {
    let settings = Settings { map: Map::After(1), ..settings };
    Journal::new(directory.to_path_buf(), label("https://a.example"), settings)
}

/// Two threads record as often as this, in turns, a few at a time, each as if it had met the other one just before.
fn meet(journal: &Journal, rounds: u64) -> u64 {
    let (mut turns, numbers) = ([const { None }; 2], AtomicU64::new(0));
    std::thread::scope(|scope| {
        for turn in &mut turns {
            let (go, waits) = std::sync::mpsc::channel::<u64>();
            let (says, done) = std::sync::mpsc::channel();
            *turn = Some((go, done));
            let numbers = &numbers;
            scope.spawn(move || {
                for count in waits {
                    for _ in 0..count {
                        record_alone(journal, numbers.fetch_add(1, Ordering::Relaxed));
                    }
                    says.send(()).unwrap();
                }
            });
        }
        for round in 0..rounds {
            for (go, done) in turns.iter().flatten() {
                journal.crowd();
                go.send(1 + round % 5).unwrap();
                done.recv().unwrap();
            }
        }
        turns = [const { None }; 2];
    });
    numbers.into_inner()
}

fn events_by_names(directory: &Path) -> u64 {
    let sealed = segments(directory).into_iter().filter_map(|name| names::Sealed::parse(&name));
    sealed.map(|sealed| u64::from(sealed.tally.events())).sum()
}

fn preallocates(directory: &Path) -> bool {
    use crate::platform::{folder::Folder, host::FileSystem};
    Folder::open(directory).unwrap().file_system() == FileSystem::Preallocating
}

/// Whether some places of a segment were not used.
fn has_holes(directory: &Path, name: &str) -> bool {
    let loaded = Loaded::parse(std::fs::read(directory.join(name)).unwrap()).unwrap();
    let sizes = loaded.entries.iter().map(|it| format::record_size(loaded.found(it).unwrap().payload.len()));
    sizes.sum::<usize>() + header_of(&loaded) < loaded.end
}

fn header_of(loaded: &Loaded) -> usize {
    loaded.entries.first().map_or(0, |first| first.offset as usize)
}

#[test]
fn what_threads_that_meet_record_is_delivered_once_and_the_names_say_how_many_they_are() {
    let temp = temp();
    let journal = mapping(temp.path(), settings());
    let recorded = meet(&journal, 4000);
    if preallocates(temp.path()) {
        let names = segments(temp.path());
        assert!(names.len() > 2 && names.iter().any(|name| has_holes(temp.path(), name)), "{names:?}");
    }
    drop(journal);
    drain(temp.path()).adopt().unwrap();
    assert_eq!(events_by_names(temp.path()), recorded);
    assert_eq!(survey(temp.path()).events, recorded);
    assert_eq!(deliver_events(temp.path()), (0..recorded).collect::<Vec<_>>());
    assert_eq!(survey(temp.path()).losses, []);
}

#[test]
fn processes_whose_threads_meet_share_a_slot_one_after_the_other() {
    let temp = temp();
    let recorded: u64 = (0..20).map(|_| meet(&mapping(temp.path(), settings()), 6)).sum();
    assert!(
        !preallocates(temp.path()) || segments(temp.path()).iter().any(|name| has_holes(temp.path(), name))
    );
    let slots = segments(temp.path());
    assert_eq!(slots.len(), 1, "{slots:?}");
    let loaded = Loaded::parse(std::fs::read(temp.path().join(&slots[0])).unwrap()).unwrap();
    assert_eq!((u64::from(loaded.tally.events()), loaded.damaged), (recorded, 0));
    assert_eq!(loaded.claimed, loaded.tally, "its last record says what there is");
}

/// Two records with unused places between, and more behind them whose writer knew what is stored.
#[test]
fn a_damaged_record_is_counted_wherever_it_is_beside_unused_places() {
    let (mapped, [one, two]) = (mapped(4096, 1000), [word(), word()]);
    for (own, count) in [(&one, 3), (&two, 4)] {
        own.place.store(Stretch::WANTED, Ordering::Relaxed);
        (0..count).for_each(|number| _ = put(&mapped, own, number));
    }
    mapped.close([&one, &two].map(Crowded::load));
    let mut bytes = image(&mapped, 4096);
    let (tail, mut tally) = mapped.held();
    assert_eq!(tally, Tally(7));
    bytes.truncate(tail as usize);
    for number in 10..13 {
        tally = tally.after(RecordKind::Event.code());
        let mut next = event(number);
        let placed = next.place(Seed::of(SEGMENT), bytes.len() as u64, tally).to_vec();
        bytes.extend(placed);
    }
    let whole = Loaded::parse(bytes.clone()).unwrap();
    assert_eq!((whole.entries.len(), whole.tally, whole.damaged), (10, Tally(10), 0));
    let sealed = names::Sealed { sequence: 0, id: SEGMENT, tally };
    for entry in &whole.entries {
        for byte in [0, 4, 20, 40, SIZE as usize - 8, SIZE as usize - 3] {
            let mut damaged = bytes.clone();
            damaged[entry.offset as usize + byte] ^= 0x10;
            let mut loaded = Loaded::parse(damaged).unwrap();
            loaded.sealed_as(&sealed);
            assert_eq!((loaded.entries.len(), loaded.damaged), (9, 1), "{} {byte}", entry.offset);
            assert_eq!(loaded.tally, Tally(10));
        }
    }
}

/// A segment whose last mapped record counts so many places that nobody used, and so many events behind that.
fn with_unused(places: u64, behind: u64) -> (Vec<u8>, usize) {
    let (mapped, [one, two]) = (mapped(4096, 1000), [word(), word()]);
    for (own, count) in [(&one, 16 - places), (&two, 4)] {
        own.place.store(Stretch::WANTED, Ordering::Relaxed);
        (0..count).for_each(|number| _ = put(&mapped, own, number));
    }
    mapped.close([&one, &two].map(Crowded::load));
    let mut bytes = image(&mapped, 4096);
    let (tail, mut tally) = mapped.held();
    assert_eq!(u64::from(tally.events()), 20 - places);
    bytes.truncate(tail as usize);
    for number in 100..100 + behind {
        tally = tally.after(RecordKind::Event.code());
        let mut next = event(number);
        let placed = next.place(Seed::of(SEGMENT), bytes.len() as u64, tally).to_vec();
        bytes.extend(placed);
    }
    (bytes, tail as usize)
}

#[test]
fn records_damaged_behind_unused_places_are_counted_before_the_segment_has_a_name() {
    for places in [1, 2, 13] {
        for lost in 1..=20 {
            let (mut bytes, tail) = with_unused(places, 22);
            (0..lost).for_each(|at| bytes[tail + at * SIZE as usize + 20] ^= 4);
            let loaded = Loaded::parse(bytes.clone()).unwrap();
            let stored = Tally(20 - places as u32 + 22);
            assert_eq!((loaded.damaged, loaded.tally), (lost as u64, stored), "{places}, {lost}");
            // And where they are the last ones.
            bytes.truncate(tail + lost * SIZE as usize);
            assert_eq!(Loaded::parse(bytes).unwrap().damaged, lost as u64, "{places}, {lost} at the end");
        }
    }
}

#[test]
fn a_drain_counts_what_no_reader_can_tell_apart_by_the_last_record_of_a_slot() {
    for lost in [1, 2, 13, 20] {
        let temp = temp();
        let (mut bytes, tail) = with_unused(13, 22);
        // Of the last one the end, too: nothing leads from it to the next.
        (0..lost).for_each(|at| bytes[tail + at * SIZE as usize..][..16].fill(0xee));
        let end = tail + lost * SIZE as usize;
        bytes[end - 8..end].fill(0xee);
        std::fs::write(temp.path().join(names::open(1, 0)), bytes).unwrap();
        drain(temp.path()).adopt().unwrap();
        assert_eq!(events_by_names(temp.path()), 29);
        let mut drain = drain(temp.path());
        let batch = drain.next_batch(&want()).unwrap().unwrap();
        assert_eq!(batch.records.len(), 29 - lost);
        drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
        assert!(drain.next_batch(&want()).unwrap().is_none());
        drop(drain);
        assert_eq!(survey(temp.path()).losses, [(LossCause::Damaged, lost as u64)], "{lost}");
    }
}

#[test]
fn a_slot_that_was_leased_after_a_kill_and_not_written_to_is_counted_by_whoever_leases_it_next() {
    let temp = temp();
    let killed = mapping(temp.path(), settings());
    let recorded = meet(&killed, 200);
    killed.crash();
    let denied = journal(temp.path()).while_allowed(|| false);
    denied.append(RecordKind::Event, &id(5000), b"denied").unwrap_err();
    drop(denied);
    let slot = std::fs::read(temp.path().join(&segments(temp.path())[0])).unwrap();
    assert!((64 << 10..256 << 10).contains(&slot.len()), "what was preallocated is cut off: {}", slot.len());
    record(&journal(temp.path()), [recorded]);
    // Full by now, for who has less room: it is sealed by what its lease says.
    let small = Settings { max_bytes: 512 << 10, ..settings() };
    record(&Journal::new(temp.path().to_path_buf(), label("https://a.example"), small), [recorded + 1]);
    drain(temp.path()).adopt().unwrap();
    assert_eq!(events_by_names(temp.path()), recorded + 2);
    assert_eq!(deliver_events(temp.path()), (0..recorded + 2).collect::<Vec<_>>());
    assert_eq!(survey(temp.path()).losses, []);
}

#[test]
fn the_end_of_a_command_whose_start_was_in_memory_only_ends_it() {
    let temp = temp();
    let directory = temp.path().join("journal");
    std::fs::write(&directory, b"in its way").unwrap();
    let journal = mapping(&directory, settings());
    journal.append(RecordKind::Start, &id(1), payload(1).as_bytes()).unwrap_err();
    std::fs::remove_file(&directory).unwrap();
    record(&journal, [1]);
    assert_eq!(journal.health().mapped, preallocates(temp.path()));
    assert_eq!(journal.running(), []);
    journal.seal();
    drop(journal);
    let mut drain = drain(&directory);
    drain.adopt().unwrap();
    assert_eq!(deliver(&mut drain), [(RecordKind::Event, 1)]);
}

#[test]
fn places_that_are_gone_without_a_hole_are_no_loss_where_the_next_record_is_damaged() {
    let (mapped, own) = (mapped(4096, 1000), word());
    own.place.store(Stretch::WANTED, Ordering::Relaxed);
    let long = |number, length| {
        let mut record = Draft::new();
        record.set(RecordKind::Event.code(), id(number), 1, &vec![b'y'; length]);
        record.set_alone(true);
        mapped.append_apart(&mut record, true, &own).unwrap().offset as usize
    };
    // All bytes of a stretch, and half of its places.
    long(0, 24);
    (1..8).for_each(|number| _ = long(number, 88));
    long(8, 24);
    let at = long(9, 400);
    long(10, 24);
    let mut bytes = image(&mapped, 4096);
    bytes[at + 100] ^= 1;
    let loaded = Loaded::parse(bytes).unwrap();
    assert_eq!((loaded.entries.len(), loaded.damaged), (10, 1));
}

#[test]
fn what_they_had_recorded_when_they_were_killed_is_delivered_and_what_was_not_used_is_no_loss() {
    for leased_again in [false, true] {
        let temp = temp();
        let journal = mapping(temp.path(), settings());
        let mut recorded = meet(&journal, 50);
        journal.crash();
        if leased_again {
            let next = mapping(temp.path(), Settings { map: Map::Never, ..settings() });
            record(&next, recorded..recorded + 3);
            recorded += 3;
        }
        drain(temp.path()).adopt().unwrap();
        assert_eq!(events_by_names(temp.path()), recorded);
        assert_eq!(deliver_events(temp.path()), (0..recorded).collect::<Vec<_>>());
        assert_eq!(survey(temp.path()).losses, []);
    }
}

#[test]
fn where_the_oldest_goes_every_event_is_delivered_or_counted() {
    let temp = temp();
    let journal = mapping(temp.path(), Settings { max_events: 2000, ..settings() });
    let recorded = meet(&journal, 4000);
    drop(journal);
    let losses = survey(temp.path()).losses;
    let delivered = deliver_events(temp.path());
    let [(LossCause::Events, lost)] = losses[..] else { panic!("{losses:?}") };
    assert!(lost > 5000, "{lost}");
    assert_eq!(lost + delivered.len() as u64, recorded);
}
