//! Every truncation and every flipped bit: no panic, no loop, and whatever is undamaged is read.

#[cfg(unix)]
mod full;

use super::format::{Head, Header, Seed, Tally};
use super::segment::{Loaded, Unreadable};
use super::*;

/// A small generator: the tests' own numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 17
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }
}

/// The kinds of the records of a [`segment`], in turns.
const KINDS: [u8; 9] = [1, 1, 2, 1, 3, 1, 4, 1, 77];

/// A segment of at least so many bytes with every kind of record, and where each record is.
fn segment(least: usize) -> (Vec<u8>, Vec<(usize, usize)>, usize) {
    segment_with(least, |numbers| numbers.below(120))
}

/// The same with payloads of these lengths.
fn segment_with(
    least: usize,
    mut length: impl FnMut(&mut Numbers) -> usize,
) -> (Vec<u8>, Vec<(usize, usize)>, usize) {
    let header = Header { id: 0x1234_5678_9abc_def0, created_ms: 1, label: label("https://a.example") };
    let mut bytes = header.encode();
    let start = bytes.len();
    let mut places = Vec::new();
    let mut tally = Tally::default();
    let mut numbers = Numbers(1);
    for number in 0.. {
        if bytes.len() >= least {
            break;
        }
        let kind = KINDS[number % KINDS.len()];
        let payload: Vec<u8> = match kind {
            3 => format::encode_loss(2, 5).to_vec(),
            4 => id(number as u64).to_vec(),
            _ => (0..length(&mut numbers)).map(|_| numbers.next() as u8).collect(),
        };
        tally = tally.after(kind);
        let head = Head { kind, id: id(number as u64), seconds: 7, tally };
        let at = bytes.len();
        head.encode(Seed::of(header.id), at as u64, &payload, &mut bytes);
        places.push((at, bytes.len()));
    }
    (bytes, places, start)
}

fn offsets(loaded: &Loaded) -> Vec<usize> {
    loaded.entries.iter().map(|entry| entry.offset as usize).collect()
}

/// Offsets of the records that no changed byte is in.
fn spared(places: &[(usize, usize)], touched: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    places.iter().filter(|(from, to)| !touched(*from, *to)).map(|(from, _)| *from).collect()
}

#[test]
fn every_truncation_leaves_the_records_before_it() {
    let (bytes, places, start) = segment(8192);
    for length in 0..=bytes.len() {
        match Loaded::parse(bytes[..length].to_vec()) {
            Ok(loaded) => {
                assert_eq!(offsets(&loaded), spared(&places, |_, to| to > length), "cut at {length}")
            }
            Err(error) => {
                assert!(length < start, "cut at {length}: {error:?}");
                assert!(matches!(error, Unreadable::Damaged));
            }
        }
    }
}

#[test]
fn every_flipped_bit_costs_the_record_that_it_is_in_and_no_other() {
    // One more, so that the last is an event.
    let (bytes, places, start) = segment(segment(8192).0.len() + 1);
    assert_eq!(KINDS[(places.len() - 1) % KINDS.len()], 1, "an event is the last");
    let whole = Loaded::parse(bytes.clone()).unwrap();
    assert_eq!(offsets(&whole), spared(&places, |_, _| false));
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let at = bit / 8;
        let loaded = Loaded::parse(damaged).unwrap();
        assert_eq!(offsets(&loaded), spared(&places, |from, to| (from..to).contains(&at)), "bit {bit}");
        assert_eq!(loaded.label, whole.label);
        let event = places.iter().position(|(from, to)| (*from..*to).contains(&at));
        let damaged = u64::from(event.is_some_and(|it| KINDS[it % KINDS.len()] == 1) && at >= start);
        assert_eq!(loaded.damaged, damaged, "bit {bit}");
    }
}

/// Bytes of a file, changed at one bit.
fn flip(path: &Path, bit: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_in_the_last_count_of_a_slot_costs_no_other_event() {
    // A file that is read at once, one whose end is, and one whose last record is longer than that.
    for (events, long) in [(3, 10), (60, 10), (3, 9000)] {
        for bit in 0..64 {
            let temp = quick_temp();
            for sealed in 0..3 {
                record(&journal(temp.path()), sealed * 10..sealed * 10 + 10);
                drain(temp.path()).adopt().unwrap();
            }
            let slot = journal(temp.path());
            record(&slot, 100..100 + events);
            slot.append(RecordKind::Event, &id(999), &vec![b'x'; long]).unwrap();
            drop(slot);
            let name = segments(temp.path()).into_iter().find(|name| name.contains("open")).unwrap();
            let path = temp.path().join(name);
            let end = std::fs::metadata(&path).unwrap().len() as usize;
            flip(&path, (end - 8) * 8 + bit);
            let next = journal(temp.path());
            record(&next, [2000]);
            drop(next);
            let expected: Vec<u64> = (0..30).chain(100..100 + events).chain([2000]).collect();
            let losses = survey(temp.path()).losses;
            assert_eq!(deliver_events(temp.path()), expected, "bit {bit}, {events} events");
            assert_eq!(losses, [(LossCause::Damaged, 1)], "bit {bit}, {events} events");
        }
    }
}

/// The path of the one segment of a journal.
fn only_segment(directory: &Path) -> std::path::PathBuf {
    let names = segments(directory);
    assert_eq!(names.len(), 1, "{names:?}");
    directory.join(&names[0])
}

type Losses = Vec<(LossCause, u64)>;

/// What is delivered, and how many events are counted as damaged before and after.
fn adopted(directory: &Path) -> (Vec<(RecordKind, u64)>, Losses) {
    let before = survey(directory).losses;
    let mut drain = drain(directory);
    drain.adopt().unwrap();
    let delivered = deliver(&mut drain);
    drop(drain);
    assert_eq!(segments(directory), [""; 0]);
    assert_eq!(survey(directory).losses, before, "what was said before holds after");
    (delivered, before)
}

#[test]
fn a_damaged_last_record_is_counted_and_its_command_was_not_interrupted() {
    let event = |number| (RecordKind::Event, number);
    for seal in [false, true] {
        for (others, back) in [(3, 8), (3, 20), (3, 60), (0, 20)] {
            let temp = quick_temp();
            let journal = journal(temp.path());
            record(&journal, 0..others);
            journal.append(RecordKind::Start, &id(50), b"start").unwrap();
            record(&journal, [50]);
            drop(journal);
            if seal {
                drain(temp.path()).adopt().unwrap();
            }
            let path = only_segment(temp.path());
            flip(&path, (std::fs::metadata(&path).unwrap().len() as usize - back) * 8);
            let (delivered, losses) = adopted(temp.path());
            assert_eq!(delivered, (0..others).map(event).collect::<Vec<_>>(), "sealed: {seal}, {back}");
            assert_eq!(losses, [(LossCause::Damaged, 1)], "sealed: {seal}, {back}");
        }
    }
}

#[test]
fn several_damaged_records_at_the_end_are_all_counted() {
    for seal in [false, true] {
        for damaged in [2, 10] {
            let temp = quick_temp();
            record(&journal(temp.path()), 0..10);
            if seal {
                drain(temp.path()).adopt().unwrap();
            }
            let path = only_segment(temp.path());
            let offsets: Vec<u32> = Loaded::parse(std::fs::read(&path).unwrap())
                .unwrap()
                .entries
                .iter()
                .map(|it| it.offset)
                .collect();
            for offset in &offsets[10 - damaged..] {
                flip(&path, (*offset as usize + 16) * 8);
            }
            let (delivered, losses) = adopted(temp.path());
            assert_eq!(delivered.len(), 10 - damaged, "sealed: {seal}");
            assert_eq!(losses, [(LossCause::Damaged, damaged as u64)], "sealed: {seal}");
        }
    }
}

#[test]
fn what_a_sealed_segment_lost_at_its_end_is_counted_by_its_name() {
    let temp = temp();
    record(&journal(temp.path()), 0..10);
    drain(temp.path()).adopt().unwrap();
    let path = only_segment(temp.path());
    let bytes = std::fs::read(&path).unwrap();
    let end = Loaded::parse(bytes.clone()).unwrap().entries[7].offset as usize;
    std::fs::write(&path, &bytes[..end + 8]).unwrap();
    let (delivered, losses) = adopted(temp.path());
    assert_eq!((delivered.len(), losses), (7, vec![(LossCause::Damaged, 3)]));
}

#[test]
fn a_torn_tail_is_no_loss_and_the_command_before_it_was_interrupted() {
    let temp = temp();
    let journal = journal(temp.path());
    journal.append(RecordKind::Start, &id(50), b"start").unwrap();
    record(&journal, [50]);
    drop(journal);
    let path = only_segment(temp.path());
    let sound = std::fs::read(&path).unwrap();
    let event = Loaded::parse(sound.clone()).unwrap().entries[1].offset as usize;
    for length in event..sound.len() {
        let temp = quick_temp();
        std::fs::write(temp.path().join(path.file_name().unwrap()), &sound[..length]).unwrap();
        let expected = (vec![(RecordKind::Start, 50)], vec![]);
        assert_eq!(adopted(temp.path()), expected, "{length} of {}", sound.len());
    }
    // A mapping's writer that was killed before the word that makes a record count.
    let mut reserved = sound;
    reserved[event..event + 8].fill(0);
    std::fs::write(&path, reserved).unwrap();
    assert_eq!(adopted(temp.path()), (vec![(RecordKind::Start, 50)], vec![]));
}

#[test]
fn a_command_whose_end_may_be_in_a_damaged_stretch_was_not_interrupted() {
    let temp = temp();
    let journal = journal(temp.path());
    journal.append(RecordKind::Start, &id(50), b"start").unwrap();
    record(&journal, [50]);
    journal.append(RecordKind::Start, &id(51), b"start").unwrap();
    record(&journal, [1]);
    drop(journal);
    let path = only_segment(temp.path());
    let event = Loaded::parse(std::fs::read(&path).unwrap()).unwrap().entries[1].offset as usize;
    flip(&path, (event + 16) * 8);
    let (delivered, losses) = adopted(temp.path());
    assert_eq!(delivered, [(RecordKind::Start, 51), (RecordKind::Event, 1)]);
    assert_eq!(losses, [(LossCause::Damaged, 1)]);
}

#[test]
fn a_name_that_claims_more_events_than_fit_makes_nobody_remove_any() {
    let temp = temp();
    record(&journal(temp.path()), 0..10);
    drain(temp.path()).adopt().unwrap();
    record(&journal(temp.path()), 10..20);
    drain(temp.path()).adopt().unwrap();
    let name = segments(temp.path()).pop().unwrap();
    let sealed = names::Sealed { tally: Tally(0x4000_000a), ..names::Sealed::parse(&name).unwrap() };
    std::fs::rename(temp.path().join(&name), temp.path().join(sealed.name())).unwrap();
    record(&journal(temp.path()), 20..30);
    assert_eq!(deliver_events(temp.path()), (0..30).collect::<Vec<_>>());
}

#[test]
fn what_is_not_a_segment_is_read_as_damage() {
    let mut numbers = Numbers(3);
    for length in 0..2000 {
        let noise: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
        assert!(matches!(Loaded::parse(noise), Err(Unreadable::Damaged)));
    }
    for byte in [0, 0xff, b't'] {
        assert!(matches!(Loaded::parse(vec![byte; 100_000]), Err(Unreadable::Damaged)));
    }
}

#[test]
fn a_file_made_to_be_slow_is_read_in_bounded_time() {
    // Marks everywhere, each claiming a long record: the worst that somebody can write.
    let header = Header { id: 5, created_ms: 0, label: label("d") };
    let mut bytes = header.encode();
    let start = bytes.len();
    for at in (start..start + (256 << 10)).step_by(8) {
        if (at - start).is_multiple_of(16) {
            bytes.extend_from_slice(&Seed::of(5).mark(at as u64).to_le_bytes());
            bytes.extend_from_slice(&[0; 4]);
        } else {
            bytes.extend_from_slice(&[0, 0, 1, 1, 0, 0, 0, 0]);
        }
    }
    let length = bytes.len() as u64;
    format::looked::take();
    assert_eq!(Loaded::parse(bytes).unwrap().entries, []);
    let looked = format::looked::take();
    assert!(looked > length, "the file is not slow: {looked} of {length} bytes");
    let largest = format::record_size(format::MAX_PAYLOAD) as u64;
    assert!(looked <= 6 * length + largest, "{looked} of {length} bytes");
}

#[test]
fn a_length_that_no_record_can_have_is_not_looked_at() {
    let largest = Settings { max_record: usize::MAX, ..settings() }.record_bytes();
    for (length, looked_at) in [(largest, true), (2 * largest, false)] {
        let mut bytes = Header { id: 5, created_ms: 0, label: label("d") }.encode();
        let at = bytes.len() as u64;
        bytes.extend_from_slice(&u64::from(Seed::of(5).mark(at)).to_le_bytes());
        bytes.extend_from_slice(&(length as u64 | 1 << 24).to_le_bytes());
        bytes.resize(bytes.len() + length + 64, 0);
        // Each place is looked at for a mark.
        let places = bytes.len() as u64;
        format::looked::take();
        assert_eq!(Loaded::parse(bytes).unwrap().entries, []);
        assert_eq!(format::looked::take() > places, looked_at, "{length} bytes");
    }
}

#[test]
fn a_later_versions_segment_is_left_alone() {
    let temp = temp();
    record(&journal(temp.path()), [1]);
    let name = segments(temp.path()).remove(0);
    let mut bytes = std::fs::read(temp.path().join(&name)).unwrap();
    for at in 0..bytes.len() - 8 {
        if bytes[at..].starts_with(&format::MAGIC) {
            bytes[at + 6] = b'2';
        }
    }
    std::fs::write(temp.path().join(&name), &bytes).unwrap();
    record(&journal(temp.path()), [2]);
    assert_eq!(deliver_events(temp.path()), [2]);
    assert_eq!(std::fs::read(temp.path().join(&name)).unwrap(), bytes);
    assert_eq!(survey(temp.path()).newer, 1);
}

#[test]
fn a_later_versions_record_is_kept_and_the_others_are_delivered() {
    let temp = temp();
    let journal = journal(temp.path());
    record(&journal, [1]);
    journal.append(RecordKind::Other(9), &id(2), b"from the future").unwrap();
    record(&journal, [3]);
    drop(journal);
    let only_known = |kind: RecordKind, it: &[u8]| (kind == RecordKind::Event).then_some(it.len());
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let batch = drain.next_batch(&Want { size_of: &only_known, ..want() }).unwrap().unwrap();
    drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
    assert!(drain.next_batch(&Want { size_of: &only_known, ..want() }).unwrap().is_none());
    let left = read_all(temp.path(), 10);
    assert_eq!((left.len(), left[0].1.kind), (1, RecordKind::Other(9)));
}

/// A journal with an acknowledgement, a state and a quarantine, after its drain ended.
fn with_small_files(directory: &Path) {
    record(&journal(directory), 0..20);
    let mut drain = drain(directory);
    drain.adopt().unwrap();
    let batch = drain.next_batch(&want()).unwrap().unwrap();
    drain.quarantine(&batch.label, &batch.records[..2], "no").unwrap();
    drain.acknowledge(&batch.positions()[5..8], Durability::Cached).unwrap();
    drain.acknowledge(&batch.positions()[12..13], Durability::Cached).unwrap();
    drain.count_loss(LossCause::Attempts, 3);
}

#[test]
fn a_damaged_small_file_loses_no_event_and_stops_nobody() {
    let made = temp();
    with_small_files(made.path());
    let live: Vec<u64> = (2..20).filter(|number| !(5..8).contains(number) && *number != 12).collect();
    let names: Vec<String> = std::fs::read_dir(made.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let is_small = |name: &str| {
        name.ends_with(".ack1")
            || [names::STATE, names::LOCK].contains(&name)
            || names::QUARANTINE.contains(&name)
    };
    let small: Vec<&String> = names.iter().filter(|name| is_small(name)).collect();
    assert_eq!(small.len(), 4, "{names:?}");
    let mut tried = 0;
    for name in small {
        let sound = std::fs::read(made.path().join(name)).unwrap();
        let flips = (0..sound.len() * 8).map(|bit| {
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        });
        let cuts = (0..sound.len()).map(|length| sound[..length].to_vec());
        for bytes in flips.chain(cuts) {
            let temp = quick_temp();
            for other in &names {
                std::fs::copy(made.path().join(other), temp.path().join(other)).unwrap();
            }
            std::fs::write(temp.path().join(name), bytes).unwrap();
            let _ = survey(temp.path());
            let delivered = deliver_events(temp.path());
            assert!(live.iter().all(|number| delivered.contains(number)), "{name}: {delivered:?}");
            assert!(delivered.iter().all(|number| *number < 20), "{name}: invented {delivered:?}");
            tried += 1;
        }
    }
    assert!(tried > 1000, "{tried}");
}

/// What is set aside, by number, with reason and payload.
fn set_aside(directory: &Path) -> Vec<(u64, String, Vec<u8>)> {
    let all = quarantine::read(&drain(directory).folder);
    all.into_iter().map(|(_, id, reason, payload)| (number(&id), reason, payload)).collect()
}

/// A quarantine of at least 8 KiB, with events and interrupted commands.
fn with_quarantine(directory: &Path) {
    let journal = journal(directory);
    for at in 0..46 {
        journal.append(RecordKind::Start, &id(1000 + at), payload(1000 + at).as_bytes()).unwrap();
        record(&journal, [at]);
    }
    drop(journal);
    let mut drain = drain(directory);
    drain.adopt().unwrap();
    let batch = drain.next_batch(&want()).unwrap().unwrap();
    for (at, record) in batch.records.iter().enumerate() {
        drain.quarantine(&batch.label, std::slice::from_ref(record), &format!("reason {at}")).unwrap();
    }
}

#[test]
fn every_damage_of_a_quarantine_spares_what_it_did_not_touch_and_the_next_rejection_is_kept() {
    let made = temp();
    with_quarantine(made.path());
    let whole = set_aside(made.path());
    assert_eq!(whole.len(), 92);
    let sound = std::fs::read(made.path().join(names::QUARANTINE[0])).unwrap();
    assert!(sound.len() > 8192, "{}", sound.len());
    let temp = quick_temp();
    let path = temp.path().join(names::QUARANTINE[0]);
    let folder = crate::platform::folder::Folder::open(temp.path()).unwrap();
    let label = label("https://a.example");
    let check = |bytes: &[u8], most_lost: usize, when: &str| {
        std::fs::write(&path, bytes).unwrap();
        let found: Vec<_> =
            quarantine::read(&folder).into_iter().map(|it| (number(&it.1), it.2, it.3)).collect();
        assert!(found.iter().all(|it| whole.contains(it)), "{when}: invented");
        assert!(found.len() + most_lost >= whole.len(), "{when}: {} of {}", found.len(), whole.len());
        found.len()
    };
    for length in 0..sound.len() {
        let kept = check(&sound[..length], whole.len(), &format!("cut at {length}"));
        // What is before the cut is there.
        let least = whole.len() * length.saturating_sub(400) / sound.len();
        assert!(kept + 3 >= least, "cut at {length}: {kept} of {least}");
    }
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        check(&bytes, 1, &format!("bit {bit}"));
        if bit % 97 == 0 {
            let position = Position { sequence: 0, segment: 0, offset: 0 };
            let (kind, payload) = (RecordKind::Event, b"late".to_vec());
            let late = Record { position, kind, id: id(7777), seconds: 1, payload };
            quarantine::put(&folder, &label, &[late], "late").unwrap();
            let found = quarantine::read(&folder);
            assert_eq!(number(&found.last().unwrap().1), 7777, "bit {bit}");
            let _ = std::fs::remove_file(temp.path().join(names::QUARANTINE[1]));
        }
    }
    let mut numbers = Numbers(4);
    for round in 0..10_000 {
        let mut bytes = sound.clone();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            let length = (1 + numbers.below(64)).min(bytes.len() - at);
            match numbers.below(4) {
                0 => bytes[at] ^= 1 << numbers.below(8),
                1 => bytes[at..at + length].fill(0),
                2 => bytes[at..at + length].fill(0xff),
                _ => bytes[at..at + length].iter_mut().for_each(|byte| *byte = numbers.next() as u8),
            }
        }
        // Both copies of the header may be hit; then nothing is known of any record.
        check(&bytes, whole.len(), &format!("round {round}"));
    }
}

#[test]
fn a_small_slot_whose_header_is_gone_is_counted_and_one_that_never_held_any_is_not() {
    let temp = temp();
    record(&journal(temp.path()), 0..20);
    let slot = only_segment(temp.path());
    let mut bytes = std::fs::read(&slot).unwrap();
    let header = Header { id: 1, created_ms: 0, label: label("https://a.example") }.encode().len();
    assert!(bytes.len() < format::MAX_HEADER, "it is a small one");
    bytes[..header].fill(0);
    std::fs::write(&slot, &bytes).unwrap();
    assert_eq!(survey(temp.path()).unreadable, 1);
    assert_eq!(deliver_events(temp.path()), [0; 0]);
    assert_eq!(survey(temp.path()).losses, [(LossCause::Damaged, 20)]);
    // A writer that was killed in the middle of its header.
    record(&journal(temp.path()), 0..1);
    let slot = only_segment(temp.path());
    let bytes = std::fs::read(&slot).unwrap();
    for torn in [1, 9, header / 4, header / 2 - 1] {
        std::fs::write(&slot, &bytes[..torn]).unwrap();
        assert_eq!(deliver_events(temp.path()), [0; 0]);
        assert_eq!(survey(temp.path()).losses, [(LossCause::Damaged, 20)], "{torn} bytes hold nothing");
        assert_eq!(segments(temp.path()), [""; 0]);
    }
}

#[test]
fn a_slot_with_a_torn_end_is_not_made_longer_by_who_leases_it() {
    let temp = temp();
    record(&journal(temp.path()), 0..3);
    let slot = only_segment(temp.path());
    let torn = std::fs::metadata(&slot).unwrap().len() - 3;
    std::fs::File::options().write(true).open(&slot).unwrap().set_len(torn).unwrap();
    // To make it longer may be more than this process may write, and the system kills it then.
    let leases = journal(temp.path()).while_allowed(|| false);
    leases.append(RecordKind::Event, &id(3), payload(3).as_bytes()).unwrap_err();
    drop(leases);
    assert!(std::fs::metadata(&slot).unwrap().len() <= torn);
    record(&journal(temp.path()), 4..5);
    assert_eq!(deliver_events(temp.path()), [0, 1, 4]);
}
