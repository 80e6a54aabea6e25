//! Files that are cut and damaged while they are written.

use crate::scene::*;
use crate::words::*;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
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

/// Cut to nothing, inside of the header, inside of a page, to a page, and to nothing and back.
const LENGTHS: [u64; 6] = [0, 50, 5000, 8192, 40_001, u64::MAX];

#[test]
fn a_tool_whose_segment_is_cut_while_it_is_mapped_lives_and_every_event_is_there_or_counted() {
    for (map, threads) in [(1, 1), (1, 4), (64, 2), (0, 1), (0, 4)] {
        for length in LENGTHS {
            let when = format!("map {map}, {threads} threads, cut to {length}");
            let temp = tempfile::tempdir().unwrap();
            let output =
                command(temp.path(), &format!("cut {map} {length} {threads}"), &[]).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{when}: {:?} {text}", output.status);
            let told = told(temp.path(), "told");
            assert_eq!(told.len() as u64, threads * 1000, "{when}");
            let delivered = deliver(temp.path());
            let lost = told.difference(&delivered).count() as u64;
            assert!(delivered.is_subset(&told), "{when}: invented");
            assert!(lost > 0, "{when}: the cut was none");
            if length == 40_001 {
                // Nobody cut after that one, and its place was behind the cut.
                assert!(delivered.contains(&999), "{when}: stored nowhere, and said to be stored");
            }
            let counted: u64 = survey(&temp.path().join("journal")).losses.iter().map(|(_, by)| by).sum();
            if length == u64::MAX {
                // Who overwrites a header takes with it what the segment says of earlier losses.
                assert!(counted > 0, "{when}");
            } else {
                assert_eq!(counted, lost, "{when}");
            }
        }
    }
}

#[test]
fn a_fault_of_the_tools_own_does_what_it_did_without_a_journal() {
    let temp = tempfile::tempdir().unwrap();
    let output = command(temp.path(), "own-fault", &[]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(libc::SIGBUS), "{text}");
    assert_eq!(deliver(temp.path()), (0..10).collect());
}

#[test]
fn a_tool_that_handles_bus_errors_by_itself_keeps_its_handler_and_gets_plain_appends() {
    let temp = tempfile::tempdir().unwrap();
    let output = command(temp.path(), "own-handler", &[]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(deliver(temp.path()), (0..20).collect());
}
