use super::*;

#[test]
fn nothing_is_made_before_the_first_record() {
    let temp = temp();
    let directory = temp.path().join("a/journal");
    let journal = journal(&directory);
    assert!(!directory.exists());
    assert_eq!(journal.health(), Health::default());
    assert_eq!(survey(&directory), Survey::default());
    assert_eq!(Drain::try_open(&directory, settings()).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    record(&journal, [1]);
    assert!(directory.exists());
}

#[cfg(unix)]
#[test]
fn directories_and_files_are_the_users_own() {
    use std::os::unix::fs::PermissionsExt;
    let temp = temp();
    let directory = temp.path().join("a/journal");
    record(&journal(&directory), [1]);
    drain(&directory).adopt().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&temp.path().join("a"))), (0o700, 0o700));
    for entry in std::fs::read_dir(&directory).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn what_was_recorded_is_delivered_once_and_in_order() {
    let temp = temp();
    let journal = journal(temp.path());
    record(&journal, 0..100);
    journal.seal();
    let mut drain = drain(temp.path());
    assert_eq!(drain.adopt().unwrap().sealed, 1);
    let events: Vec<_> = (0..100).map(|number| (RecordKind::Event, number)).collect();
    assert_eq!(deliver(&mut drain), events);
    assert_eq!(deliver(&mut drain), []);
    assert_eq!(segments(temp.path()), [""; 0]);
}

#[test]
fn a_segment_whose_owner_lives_is_left_alone() {
    let temp = temp();
    let journal = journal(temp.path());
    record(&journal, 0..3);
    let mut drain = drain(temp.path());
    let adopted = drain.adopt().unwrap();
    assert_eq!((adopted.sealed, adopted.leased), (0, 1));
    assert_eq!(deliver(&mut drain), []);
    drop(journal);
    assert_eq!(drain.adopt().unwrap().sealed, 1);
    assert_eq!(deliver(&mut drain).len(), 3);
}

#[test]
fn ten_runs_of_one_event_share_a_segment() {
    let temp = temp();
    for number in 0..10 {
        record(&journal(temp.path()), [number]);
    }
    assert_eq!(segments(temp.path()).len(), 1);
    assert_eq!(deliver_events(temp.path()), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_slot_that_was_made_ready_holds_nothing_and_takes_the_next_record() {
    let temp = temp();
    let directory = temp.path().join("journal");
    journal(&directory).make_ready();
    let ready = segments(&directory);
    assert_eq!((ready.len(), survey(&directory).events), (1, 0));
    assert_eq!(read_all(&directory, 10), []);
    record(&journal(&directory), [1]);
    assert_eq!((segments(&directory), survey(&directory).events), (ready, 1));
    assert_eq!(deliver_events(&directory), [1]);
}

#[test]
fn to_make_a_slot_ready_leaves_what_is_there_as_it_is() {
    let temp = temp();
    let bytes = || {
        let [slot] = &segments(temp.path())[..] else { panic!("another slot") };
        std::fs::read(temp.path().join(slot)).unwrap()
    };
    record(&journal(temp.path()), [1]);
    let before = bytes();
    journal(temp.path()).make_ready();
    assert_eq!(bytes(), before);
    // Nor where another process has it.
    let busy = journal(temp.path());
    record(&busy, [2]);
    let before = bytes();
    journal(temp.path()).make_ready();
    busy.make_ready();
    assert_eq!(bytes(), before);
    record(&busy, [3]);
    drop(busy);
    assert_eq!(deliver_events(temp.path()), [1, 2, 3]);
}

#[test]
fn a_slot_is_not_made_ready_where_nothing_may_be_recorded_and_is_taken_back_where_a_no_comes_meanwhile() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let temp = temp();
    let directory = temp.path().join("journal");
    journal(&directory).while_allowed(|| false).make_ready();
    assert!(!directory.exists());
    let asked = AtomicU32::new(0);
    journal(&directory).while_allowed(move || asked.fetch_add(1, Ordering::Relaxed) == 0).make_ready();
    assert!(!directory.exists());
}

#[test]
fn two_writers_at_once_have_two_segments() {
    let temp = temp();
    let (one, two) = (journal(temp.path()), journal(temp.path()));
    record(&one, 0..5);
    record(&two, 5..10);
    assert_eq!(segments(temp.path()).len(), 2);
    drop((one, two));
    assert_eq!(deliver_events(temp.path()), (0..10).collect::<Vec<_>>());
}

#[test]
fn there_is_one_drain_at_a_time() {
    let temp = temp();
    record(&journal(temp.path()), [1]);
    let first = drain(temp.path());
    assert!(Drain::try_open(temp.path(), settings()).unwrap().is_none());
    let draining = survey(temp.path()).draining.unwrap();
    assert_eq!((draining.pid, draining.since), (std::process::id(), 1_800_000_000));
    drop(first);
    assert_eq!(survey(temp.path()).draining, None);
    drain(temp.path());
}

#[test]
fn records_of_two_labels_never_meet() {
    let temp = temp();
    for (destination, number) in
        [("https://a.example", 1), ("https://b.example", 2), ("https://a.example", 3)]
    {
        record(&Journal::new(temp.path().to_path_buf(), label(destination), settings()), [number]);
    }
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let batch =
        drain.next_batch(&Want { destination: Some("https://b.example"), ..want() }).unwrap().unwrap();
    assert_eq!(batch.label, label("https://b.example"));
    assert_eq!(batch.records.iter().map(|it| number(&it.id)).collect::<Vec<_>>(), [2]);
    let first = drain.next_batch(&want()).unwrap().unwrap();
    let last = first.records.last().unwrap().position;
    let second = drain.next_batch(&Want { after: Some(&last), ..want() }).unwrap().unwrap();
    assert_ne!(first.label, second.label);
    let last = second.records.last().unwrap().position;
    assert!(drain.next_batch(&Want { after: Some(&last), ..want() }).unwrap().is_none());
}

#[test]
fn a_batch_keeps_its_limits_and_a_large_record_comes_alone() {
    let temp = temp();
    let journal = journal(temp.path());
    for number in 0..10 {
        journal.append(RecordKind::Event, &id(number), &[1; 100]).unwrap();
    }
    drop(journal);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let count = |drain: &mut Drain, want: Want<'_>| drain.next_batch(&want).unwrap().unwrap().records.len();
    assert_eq!(count(&mut drain, Want { max_events: 3, ..want() }), 3);
    assert_eq!(count(&mut drain, Want { max_bytes: 450, ..want() }), 4);
    assert_eq!(count(&mut drain, Want { max_bytes: 50, ..want() }), 1);
    let none = |_: RecordKind, _: &[u8]| None;
    assert!(drain.next_batch(&Want { size_of: &none, ..want() }).unwrap().is_none());
}

#[test]
fn a_span_gives_the_same_batch_again_without_what_was_acknowledged() {
    let temp = temp();
    for run in 0..4 {
        let journals = [journal(temp.path()), journal(temp.path())];
        for (at, journal) in journals.iter().enumerate() {
            record(journal, (0..5).map(|number| run * 10 + at as u64 * 5 + number));
        }
        drop(journals);
        drain(temp.path()).adopt().unwrap();
    }
    let mut first = drain(temp.path());
    let batch = first.next_batch(&Want { max_events: 12, ..want() }).unwrap().unwrap();
    let text = serde_json::to_string(&batch.span()).unwrap();
    drop(first);
    record(&journal(temp.path()), 100..105);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let span: Span = serde_json::from_str(&text).unwrap();
    assert_eq!(drain.read_span(&span).unwrap().unwrap(), batch);
    drain.acknowledge(&batch.positions()[..4], Durability::Durable).unwrap();
    assert_eq!(drain.read_span(&span).unwrap().unwrap().records, batch.records[4..]);
    let half = Span::of(&batch.records[..6]);
    assert_eq!(drain.read_span(&half).unwrap().unwrap().records, batch.records[4..6]);
    drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
    assert_eq!(drain.read_span(&span).unwrap(), None);
    assert_eq!(deliver(&mut drain).len(), 45 - 12);
}

#[test]
fn an_acknowledgement_outlives_the_drain() {
    let temp = temp();
    record(&journal(temp.path()), 0..10);
    let mut first = drain(temp.path());
    first.adopt().unwrap();
    let batch = first.next_batch(&want()).unwrap().unwrap();
    let odd: Vec<Position> = batch.positions().into_iter().skip(1).step_by(2).collect();
    first.acknowledge(&odd, Durability::Cached).unwrap();
    drop(first);
    assert_eq!(survey(temp.path()).events, 5);
    assert_eq!(deliver_events(temp.path()), [0, 2, 4, 6, 8]);
}

#[test]
fn what_is_rejected_is_set_aside_with_the_reason() {
    let temp = temp();
    record(&journal(temp.path()), 0..10);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let batch = drain.next_batch(&want()).unwrap().unwrap();
    drain.quarantine(&batch.label, &batch.records[2..4], "400: no such field").unwrap();
    let survey = survey(temp.path());
    assert_eq!((survey.events, survey.quarantined, survey.set_aside), (8, 2, 2));
    let aside = quarantine::read(&drain.folder);
    assert_eq!(aside[0], (RecordKind::Event, id(2), "400: no such field".into(), payload(2).into_bytes()));
    assert_eq!(deliver(&mut drain).len(), 8);
}

#[test]
fn what_is_set_aside_twice_is_counted_once_claimed_or_not() {
    for claim in [false, true] {
        let temp = temp();
        record(&journal(temp.path()), 0..3);
        let mut drain = drain(temp.path());
        drain.adopt().unwrap();
        let batch = drain.next_batch(&want()).unwrap().unwrap();
        if claim {
            drain.acknowledge(&batch.positions(), Durability::Durable).unwrap();
            assert_eq!(segments(temp.path()), [""; 0]);
        }
        assert_eq!(drain.quarantine(&batch.label, &batch.records[..2], "no").unwrap(), 2);
        assert_eq!(drain.quarantine(&batch.label, &batch.records, "no").unwrap(), 1, "claimed: {claim}");
        assert_eq!(drain.quarantine(&batch.label, &batch.records, "no").unwrap(), 0, "claimed: {claim}");
        let survey = survey(temp.path());
        assert_eq!((survey.events, survey.quarantined, survey.set_aside), (0, 3, 3), "claimed: {claim}");
        assert_eq!(survey.losses, [(LossCause::Rejected, 3)]);
    }
}

#[test]
fn what_was_delivered_is_not_set_aside() {
    let temp = temp();
    record(&journal(temp.path()), 0..3);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let batch = drain.next_batch(&want()).unwrap().unwrap();
    drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
    assert_eq!(drain.quarantine(&batch.label, &batch.records, "no").unwrap(), 0);
    assert_eq!(survey(temp.path()).losses, []);
}

#[test]
fn the_quarantine_is_bounded() {
    let temp = temp();
    let journal = journal(temp.path());
    for number in 0..100 {
        journal.append(RecordKind::Event, &id(number), &[1; 10_000]).unwrap();
    }
    drop(journal);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let batch = drain.next_batch(&want()).unwrap().unwrap();
    drain.quarantine(&batch.label, &batch.records, "no").unwrap();
    let size: u64 = names::QUARANTINE.iter().map(|name| drain.folder.look(name).unwrap().size).sum();
    assert!(size <= 512 << 10, "{size}");
    assert_eq!(quarantine::read(&drain.folder).last().unwrap().1, id(99));
    assert_eq!(survey(temp.path()).quarantined, 100);
}

#[test]
fn the_log_shows_the_newest_records_without_changing_anything() {
    let temp = temp();
    let journal = journal(temp.path());
    record(&journal, 0..10);
    let before = segments(temp.path());
    let shown: Vec<u64> = read_all(temp.path(), 3).iter().map(|(_, record)| number(&record.id)).collect();
    assert_eq!(shown, [7, 8, 9]);
    assert_eq!(read_all(temp.path(), 0), []);
    assert_eq!(segments(temp.path()), before);
    record(&journal, 10..11);
    assert_eq!(survey(temp.path()).events, 11);
}

#[test]
fn a_purge_leaves_nothing_and_a_running_recorder_brings_nothing_back() {
    let temp = temp();
    let directory = temp.path().join("journal");
    let journal = journal(&directory);
    journal.append(RecordKind::Start, &id(0), b"start").unwrap();
    record(&journal, 1..50);
    let purged = purge(&directory).unwrap();
    assert_eq!((purged.files, purged.left, purged.draining), (1, 0, false));
    assert!(!directory.exists());
    record(&journal, 50..52);
    journal.seal();
    assert_eq!(deliver_events(&directory), [50, 51]);
    drop(journal);
    assert!(deliver_events(&directory).is_empty());
}

#[test]
fn a_purge_under_a_running_drain_takes_its_batches_away() {
    let temp = temp();
    record(&journal(temp.path()), 0..10);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    let batch = drain.next_batch(&Want { max_events: 5, ..want() }).unwrap().unwrap();
    assert!(purge(temp.path()).unwrap().draining);
    assert!(drain.next_batch(&want()).unwrap().is_none());
    assert!(drain.read_span(&batch.span()).unwrap().is_none());
    drain.acknowledge(&batch.positions(), Durability::Durable).unwrap();
    assert_eq!(segments(temp.path()), [""; 0]);
}

#[test]
fn what_was_purged_does_not_come_back_once_recording_is_not_allowed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let temp = temp();
    let directory = temp.path().join("journal");
    let allowed = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&allowed);
    let journal = journal(&directory).while_allowed(move || asked.load(Ordering::SeqCst));
    record(&journal, [1]);
    allowed.store(false, Ordering::SeqCst);
    purge(&directory).unwrap();
    assert!(journal.append(RecordKind::Event, &[2; 16], b"after").is_err());
    assert!(!directory.exists(), "nor does its directory");
    journal.seal();
    assert!(!directory.exists());
}

#[test]
fn a_command_that_runs_across_a_purge_takes_nothing_into_a_new_segment_once_recording_is_not_allowed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let temp = temp();
    let directory = temp.path().join("journal");
    let allowed = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&allowed);
    let journal = journal(&directory).while_allowed(move || asked.load(Ordering::SeqCst));
    journal.append(RecordKind::Start, &[1; 16], b"a command").unwrap();
    allowed.store(false, Ordering::SeqCst);
    purge(&directory).unwrap();
    // It gives its segment up and goes on in another, where the command would be.
    journal.seal();
    assert!(!directory.exists());
}

#[test]
fn a_sync_reaches_what_was_given_up_whatever_its_name_is_by_now() {
    let temp = temp();
    let journal = journal(temp.path());
    record(&journal, 0..3);
    journal.seal();
    drain(temp.path()).adopt().unwrap();
    let [sealed] = segments(temp.path()).try_into().unwrap();
    // The slot's name is another segment's by now.
    record(&super::journal(temp.path()), 3..4);
    // A file system that refuses: what cannot be opened was not passed over.
    let (sealed, aside) = (temp.path().join(sealed), temp.path().join("aside"));
    std::fs::rename(&sealed, &aside).unwrap();
    std::fs::create_dir(&sealed).unwrap();
    journal.sync().unwrap_err();
    std::fs::remove_dir(&sealed).unwrap();
    std::fs::rename(&aside, &sealed).unwrap();
    journal.sync().unwrap();
    // What was delivered meanwhile is nothing to sync.
    record(&journal, 4..5);
    journal.seal();
    assert_eq!(deliver_events(temp.path()), [0, 1, 2, 3, 4]);
    journal.sync().unwrap();
}
