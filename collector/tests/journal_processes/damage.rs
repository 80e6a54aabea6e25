//! Files that are cut and damaged while they are written.

use crate::scene::*;
use crate::words::*;
use std::os::unix::fs::FileExt;
use telemetry::journal::*;

#[test]
fn a_segment_cut_under_its_writer_stops_nobody() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    let journal = Journal::new(directory.clone(), label(), settings(0));
    for number in 0..100 {
        if number % 10 == 5 {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let file = std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
                file.set_len([0, 50, 1000][number as usize / 10 % 3]).unwrap();
            }
        }
        journal.append(RecordKind::Event, &id(number), &[1; 50]).unwrap();
    }
    drop(journal);
    let delivered = deliver(temp.path());
    assert!((95..100).all(|number| delivered.contains(&number)), "{delivered:?}");
}

#[test]
fn damage_while_a_process_records_stops_nobody() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    let journal = Journal::new(directory.clone(), label(), settings(0));
    journal.append(RecordKind::Event, &id(0), &[1; 50]).unwrap();
    let slot = std::fs::read_dir(&directory).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::File::options().write(true).open(slot).unwrap();
    for number in 1..50u64 {
        file.write_at(&[0xff; 7], number * 61 % 3000).unwrap();
        journal.append(RecordKind::Event, &id(number), &[1; 50]).unwrap();
    }
    drop(journal);
    deliver(temp.path());
    let survey = survey(&directory);
    assert_eq!((survey.events, survey.unreadable), (0, 0));
}
