//! Bytes, events, age, record size; what is lost is counted.

use super::*;

const DAY: u64 = 24 * 3600;

fn lost(directory: &Path, cause: LossCause) -> u64 {
    survey(directory).losses.iter().find(|(known, _)| *known == cause).map_or(0, |(_, by)| *by)
}

#[test]
fn a_record_that_is_too_large_is_refused_and_counted() {
    let temp = temp();
    let journal = journal(temp.path());
    let error = journal.append(RecordKind::Event, &id(1), &vec![0; (64 << 10) + 1]).unwrap_err();
    assert_eq!(error, AppendError::TooLarge { size: 65_537, most: 65_536 });
    journal.append(RecordKind::Event, &id(2), &vec![0; 64 << 10]).unwrap();
    assert_eq!(journal.health().losses, [(LossCause::TooLarge, 1)]);
    assert_eq!(lost(temp.path(), LossCause::TooLarge), 1);
    drop(journal);
    let mut drain = drain(temp.path());
    drain.adopt().unwrap();
    while let Some(batch) = drain.next_batch(&want()).unwrap() {
        drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
    }
    assert_eq!(segments(temp.path()), [""; 0]);
    assert_eq!(lost(temp.path(), LossCause::TooLarge), 1, "the count outlives its segment");
}

#[test]
fn recorders_alone_keep_the_bytes_and_count_what_goes() {
    let temp = temp();
    let settings = Settings { max_bytes: 1 << 20, map: Map::Never, ..settings() };
    for run in 0..30u64 {
        let journal = Journal::new(temp.path().to_path_buf(), label("d"), settings.clone());
        for number in 0..100 {
            journal.append(RecordKind::Event, &id(run * 100 + number), &[0; 1000]).unwrap();
        }
        let now = survey(temp.path());
        assert!(now.bytes <= 1 << 20, "{} bytes after run {run}", now.bytes);
        assert_eq!(now.events + lost(temp.path(), LossCause::Bytes), (run + 1) * 100);
    }
    let mut drain = Drain::try_open(temp.path(), settings).unwrap().unwrap();
    drain.adopt().unwrap();
    let batch = drain.next_batch(&Want { max_events: 5000, max_bytes: 1 << 30, ..want() }).unwrap().unwrap();
    let numbers: Vec<u64> = batch.records.iter().map(|it| number(&it.id)).collect();
    assert_eq!(numbers, (3000 - numbers.len() as u64..3000).collect::<Vec<_>>(), "the oldest went first");
    assert!(numbers.len() > 700, "{}", numbers.len());
}

#[test]
fn the_drain_keeps_the_number_of_events_exactly() {
    let temp = temp();
    let journal = journal(temp.path());
    record(&journal, 0..500);
    drop(journal);
    let settings = Settings { max_events: 123, ..settings() };
    let mut drain = Drain::try_open(temp.path(), settings).unwrap().unwrap();
    assert_eq!(drain.adopt().unwrap().dropped, 377);
    let left: Vec<u64> = deliver(&mut drain).into_iter().map(|(_, number)| number).collect();
    assert_eq!(left, (377..500).collect::<Vec<_>>());
    assert_eq!(lost(temp.path(), LossCause::Events), 377);
}

#[test]
fn recorders_alone_keep_the_number_of_events() {
    let temp = temp();
    let settings = Settings { max_events: 800, map: Map::Never, ..settings() };
    let journal = Journal::new(temp.path().to_path_buf(), label("d"), settings);
    record(&journal, 0..5000);
    let now = survey(temp.path());
    assert!((600..=800).contains(&now.events), "{}", now.events);
    assert_eq!(now.events + lost(temp.path(), LossCause::Events), 5000);
}

#[test]
fn what_is_too_old_goes_after_a_day_of_being_sure() {
    let temp = temp();
    set_clock(1_800_000_000);
    record(&journal(temp.path()), 0..5);
    set_clock(1_800_000_000 + 20 * DAY);
    record(&journal(temp.path()), 5..10);
    set_clock(1_800_000_000 + 31 * DAY);
    assert_eq!(drain(temp.path()).adopt().unwrap().dropped, 0, "the first look only notes it");
    set_clock(1_800_000_000 + 33 * DAY);
    assert_eq!(drain(temp.path()).adopt().unwrap().dropped, 5);
    assert_eq!(lost(temp.path(), LossCause::Age), 5);
    assert_eq!(deliver_events(temp.path()), [5, 6, 7, 8, 9]);
}

#[test]
fn a_clock_that_lies_for_a_while_loses_nothing() {
    let temp = temp();
    let right = 1_800_000_000;
    for wrong in [0, right - 3650 * DAY, right + 3650 * DAY, u64::from(u32::MAX) + 10, 2_147_483_648] {
        set_clock(wrong);
        record(&journal(temp.path()), 0..2);
        set_clock(right);
        record(&journal(temp.path()), 2..4);
        set_clock(wrong);
        assert_eq!(drain(temp.path()).adopt().unwrap().dropped, 0);
        set_clock(right);
        assert_eq!(drain(temp.path()).adopt().unwrap().dropped, 0);
        assert_eq!(deliver_events(temp.path()), [0, 1, 2, 3], "clock at {wrong}");
    }
}

#[test]
fn many_small_leftovers_become_few_files() {
    let temp = temp();
    for run in 0..50 {
        record(&journal(temp.path()), [run * 2, run * 2 + 1]);
        drain(temp.path()).adopt().unwrap();
        assert!(segments(temp.path()).len() <= 3, "{:?}", segments(temp.path()));
    }
    assert_eq!(deliver_events(temp.path()), (0..100).collect::<Vec<_>>());
}

#[test]
fn memory_serves_where_nothing_can_be_written_and_is_written_when_that_is_over() {
    let temp = temp();
    let directory = temp.path().join("journal");
    std::fs::write(&directory, b"a file is in the way").unwrap();
    let settings = Settings { max_held: 10, ..settings() };
    let journal = Journal::new(directory.clone(), label("d"), settings);
    for number in 0..12 {
        let error = journal.append(RecordKind::Event, &id(number), payload(number).as_bytes()).unwrap_err();
        assert!(matches!(error, AppendError::Held(_)), "{error}");
    }
    let health = journal.health();
    assert_eq!((health.held, health.losses), (10, vec![(LossCause::Memory, 2)]));
    assert_eq!(health.fallback.unwrap().directory, directory);
    assert!(journal.sync().is_err());
    std::fs::remove_file(&directory).unwrap();
    let mut number = 12;
    while journal.append(RecordKind::Event, &id(number), payload(number).as_bytes()).is_err() {
        number += 1;
        assert!(number < 40, "tried again soon enough");
    }
    assert_eq!(journal.health().fallback, None);
    drop(journal);
    let delivered = deliver_events(&directory);
    assert_eq!(delivered, (number + 1 - delivered.len() as u64..=number).collect::<Vec<_>>());
    assert_eq!(delivered.len(), 11);
    assert_eq!(lost(&directory, LossCause::Memory), number + 1 - 11);
}

#[test]
fn what_is_in_memory_can_be_taken() {
    let temp = temp();
    let directory = temp.path().join("journal");
    std::fs::write(&directory, b"a file is in the way").unwrap();
    let journal = journal(&directory);
    assert!(journal.append(RecordKind::Event, &id(1), b"one").is_err());
    let held = journal.take_memory();
    assert_eq!((held.len(), held[0].payload.as_slice(), held[0].id), (1, b"one".as_slice(), id(1)));
    assert_eq!(journal.health().held, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_dropped_is_not_counted_however_often_it_is_tried() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let temp = temp();
    record(&journal(temp.path()), 0..10);
    let beyond = |settings: Settings| Drain::try_open(temp.path(), settings).unwrap().unwrap().adopt();
    beyond(settings()).unwrap();
    let sealed = names::Sealed::parse(&segments(temp.path())[0]).unwrap();
    let ack = temp.path().join(names::ack(sealed.id));
    // A pipe holds nothing to read, and takes nothing at a place.
    mknodat(CWD, &ack, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let few = Settings { max_events: 4, ..settings() };
    for _ in 0..3 {
        beyond(few.clone()).unwrap_err();
        assert_eq!(lost(temp.path(), LossCause::Events), 0);
    }
    std::fs::remove_file(&ack).unwrap();
    assert_eq!(beyond(few).unwrap().dropped, 6);
    assert_eq!(lost(temp.path(), LossCause::Events), 6);
}
