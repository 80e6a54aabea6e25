//! Commands that are running, ended, or were interrupted.

use super::*;

fn start(journal: &Journal, number: u64) {
    journal.append(RecordKind::Start, &id(number), b"start").unwrap();
}

#[test]
fn a_command_that_ended_has_no_start_and_one_that_did_not_has() {
    let temp = temp();
    let journal = journal(temp.path());
    start(&journal, 1);
    start(&journal, 2);
    record(&journal, [1]);
    drop(journal);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    assert_eq!(survey(temp.path()).interrupted, 1);
    assert_eq!(deliver(&mut drain), [(RecordKind::Start, 2), (RecordKind::Event, 1)]);
}

#[test]
fn a_running_command_goes_along_to_the_next_segment() {
    let temp = temp();
    let journal = journal(temp.path());
    start(&journal, 1);
    start(&journal, 2);
    record(&journal, [3]);
    journal.seal();
    record(&journal, [1]);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    assert_eq!(deliver(&mut drain), [(RecordKind::Event, 3)]);
    journal.seal();
    drain.adopt().unwrap();
    assert_eq!(deliver(&mut drain), [(RecordKind::Event, 1)]);
    drop(journal);
    drain.adopt().unwrap();
    assert_eq!(deliver(&mut drain), [(RecordKind::Start, 2)]);
}

#[test]
fn a_command_that_is_taken_back_never_began_whatever_becomes_of_its_process() {
    for crash in [false, true] {
        let temp = temp();
        let journal = journal(temp.path());
        start(&journal, 1);
        start(&journal, 2);
        record(&journal, [3]);
        journal.withdraw(&id(1)).unwrap();
        let running = journal.running();
        assert_eq!(
            running.iter().map(|it| &*it.1).collect::<Vec<_>>(),
            [b"start"],
            "only the other one runs"
        );
        // One that has ended, or never was, has nothing to take back.
        journal.withdraw(&id(3)).unwrap();
        journal.withdraw(&id(9)).unwrap();
        // Nor does it come back with the next segment.
        journal.seal();
        record(&journal, [4]);
        if crash {
            journal.crash()
        } else {
            drop(journal)
        }
        let mut drain = drain(temp.path());
        drain.adopt().unwrap();
        assert_eq!(
            deliver(&mut drain),
            [(RecordKind::Event, 3), (RecordKind::Start, 2), (RecordKind::Event, 4)],
            "crash: {crash}"
        );
    }
}

#[test]
fn a_command_that_outlives_many_segments_is_reported_once() {
    let temp = temp();
    let settings = Settings { max_bytes: 4 << 20, map: Map::Never, ..settings() };
    let journal = Journal::new(temp.path().to_path_buf(), label("d"), settings);
    start(&journal, 0);
    for number in 1..200 {
        journal.append(RecordKind::Event, &id(number), &[0; 10_000]).unwrap();
    }
    assert!(segments(temp.path()).len() > 3);
    drop(journal);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let mut starts = 0;
    let mut events = 0;
    while let Some(batch) = drain.next_batch(&want()).unwrap() {
        starts += batch.records.iter().filter(|record| record.kind == RecordKind::Start).count();
        events += batch.records.iter().filter(|record| record.kind == RecordKind::Event).count();
        drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
    }
    assert_eq!((starts, events), (1, 199));
}

#[test]
fn two_copies_of_an_interrupted_command_are_reported_once() {
    let temp = temp();
    let first = journal(temp.path());
    let second = journal(temp.path());
    // What a kill leaves between copying a start record and saying so in the old segment.
    start(&first, 1);
    start(&second, 1);
    drop((first, second));
    let mut first = drain(temp.path());
    first.adopt().unwrap();
    let both = first.next_batch(&want()).unwrap().unwrap();
    assert_eq!(both.records.len(), 1);
    let batch = first.next_batch(&Want { max_events: 1, ..want() }).unwrap().unwrap();
    first.acknowledge(&batch.positions(), Durability::Durable).unwrap();
    assert_eq!(deliver(&mut first), []);
    drop(first);
    assert!(deliver_events(temp.path()).is_empty());
}

#[test]
fn a_running_command_may_come_back_to_a_segment_that_it_moved_away_from() {
    // What is left where a segment could not be renamed and is leased again.
    let header = format::Header { id: 1, created_ms: 0, label: label("d") };
    let mut bytes = header.encode();
    let mut put = |kind: u8, payload: &[u8]| {
        let head = format::Head { kind, id: id(1), seconds: 0, tally: format::Tally::default() };
        let offset = bytes.len() as u64;
        head.encode(format::Seed::of(1), offset, payload, &mut bytes);
        offset as u32
    };
    put(RecordKind::Start.code(), b"first");
    put(settings::MOVED, &id(1));
    let again = put(RecordKind::Start.code(), b"again");
    let loaded = segment::Loaded::parse(bytes).unwrap();
    assert_eq!(loaded.live().map(|entry| entry.offset).collect::<Vec<_>>(), [again]);
}

#[test]
fn two_copies_that_were_merged_are_reported_once() {
    let temp = temp();
    let journals = [journal(temp.path()), journal(temp.path()), journal(temp.path())];
    journals.iter().for_each(|journal| start(journal, 1));
    drop(journals);
    let mut drain = drain(temp.path());
    assert_eq!(drain.adopt().unwrap().merged, 3);
    assert_eq!(deliver(&mut drain), [(RecordKind::Start, 1)]);
}
