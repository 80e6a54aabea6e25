//! A drain that is killed before any of its changes to a file has counted whatever is no longer there.

use super::*;
use crate::platform::folder::watched;
use std::cell::RefCell;
use std::rc::Rc;

/// What a kill leaves, before each change that a drain of these settings makes while it does this.
fn kills(directory: &Path, settings: Settings, act: impl FnOnce(&mut Drain)) -> Vec<tempfile::TempDir> {
    let mut drain = Drain::try_open(directory, settings).unwrap().expect("no other drain");
    let left = Rc::new(RefCell::new(Vec::new()));
    let (from, to) = (directory.to_owned(), Rc::clone(&left));
    watched::during(move || to.borrow_mut().push(copy(&from)), || act(&mut drain));
    drop(drain);
    let mut left = left.take();
    left.push(copy(directory));
    left
}

fn copy(directory: &Path) -> tempfile::TempDir {
    let to = quick_temp();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

/// Events still there and events counted as lost, when another drain has come after each kill.
fn accounts(left: &[tempfile::TempDir], settings: &Settings) -> Vec<(u64, u64)> {
    let after = |left: &tempfile::TempDir| {
        Drain::try_open(left.path(), settings.clone()).unwrap().unwrap().adopt().unwrap();
        let survey = survey(left.path());
        (survey.events, survey.losses.iter().map(|(_, by)| by).sum())
    };
    left.iter().map(after).collect()
}

/// Two sealed segments of five events each; the size of the first.
fn two_segments(directory: &Path) -> u64 {
    for first in [0, 5] {
        record(&journal(directory), first..first + 5);
        drain(directory).adopt().unwrap();
    }
    let names = segments(directory);
    assert_eq!(names.len(), 2);
    std::fs::metadata(directory.join(&names[0])).unwrap().len()
}

#[test]
fn what_goes_for_the_limits_is_counted_wherever_the_drain_is_killed() {
    for by_bytes in [false, true] {
        let temp = quick_temp();
        let size = two_segments(temp.path());
        let settings = if by_bytes {
            Settings { max_bytes: size + 100, ..settings() }
        } else {
            Settings { max_events: 5, ..settings() }
        };
        let left = kills(temp.path(), settings.clone(), |drain| {
            assert_eq!(drain.adopt().unwrap().dropped, 5);
        });
        let accounts = accounts(&left, &settings);
        assert!(accounts.len() > 3, "{accounts:?}");
        assert!(accounts.iter().all(|it| *it == (5, 5)), "by bytes: {by_bytes}: {accounts:?}");
    }
}

/// Damages both copies of a segment's header.
fn behead(directory: &Path) {
    let name = segments(directory).remove(0);
    let mut bytes = std::fs::read(directory.join(&name)).unwrap();
    let header = format::Header { id: 0, created_ms: 0, label: label("https://a.example") }.encode();
    bytes[..header.len()].fill(0xff);
    std::fs::write(directory.join(&name), bytes).unwrap();
}

#[test]
fn a_sealed_segment_that_cannot_be_read_is_counted_wherever_the_drain_is_killed() {
    let temp = quick_temp();
    two_segments(temp.path());
    behead(temp.path());
    let left = kills(temp.path(), settings(), |drain| {
        drain.adopt().unwrap();
    });
    let accounts = accounts(&left, &settings());
    assert!(accounts.iter().all(|it| *it == (5, 5)), "{accounts:?}");
}

#[test]
fn a_slot_that_cannot_be_read_is_counted_wherever_the_drain_is_killed() {
    let temp = quick_temp();
    let writer = journal(temp.path());
    for number in 0..5 {
        writer.append(RecordKind::Event, &id(number), &[1; 10_000]).unwrap();
    }
    drop(writer);
    behead(temp.path());
    let left = kills(temp.path(), settings(), |drain| {
        drain.adopt().unwrap();
    });
    let accounts = accounts(&left, &settings());
    // Nobody can name a segment without a header: killed between count and removal, it is counted twice.
    assert!(accounts.iter().all(|it| matches!(it, (0, 5 | 10))), "{accounts:?}");
    assert_eq!(accounts.last(), Some(&(0, 5)));
}

#[test]
fn what_is_set_aside_is_counted_wherever_the_drain_is_killed() {
    for number in [5, 2] {
        let temp = quick_temp();
        record(&journal(temp.path()), 0..5);
        drain(temp.path()).adopt().unwrap();
        let left = kills(temp.path(), settings(), |drain| {
            let batch = drain.next_batch(&want()).unwrap().unwrap();
            drain.quarantine(&batch.label, &batch.records[..number], "no").unwrap();
        });
        let accounts = accounts(&left, &settings());
        let right = |it: &(u64, u64)| match (number, it) {
            (5, it) => [(5, 0), (0, 5)].contains(it),
            // The segment stays: killed between count and acknowledgement, they are counted and handed out again.
            (_, it) => [(5, 0), (5, 2), (3, 2)].contains(it),
        };
        assert!(accounts.iter().all(right), "{number}: {accounts:?}");
        assert_eq!(accounts.last(), Some(&(5 - number as u64, number as u64)));
        for (left, (_, lost)) in left.iter().zip(&accounts) {
            assert!(survey(left.path()).set_aside >= *lost, "{number}: {accounts:?}");
        }
    }
}

#[test]
fn what_a_segment_had_counted_stays_counted_when_its_last_records_are_set_aside() {
    let temp = quick_temp();
    let writer = journal(temp.path());
    writer.append(RecordKind::Event, &id(5), &vec![0; (64 << 10) + 1]).unwrap_err();
    record(&writer, 0..5);
    drop(writer);
    drain(temp.path()).adopt().unwrap();
    let left = kills(temp.path(), settings(), |drain| {
        let batch = drain.next_batch(&want()).unwrap().unwrap();
        assert_eq!(drain.quarantine(&batch.label, &batch.records, "no").unwrap(), 5);
    });
    let accounts = accounts(&left, &settings());
    assert!(accounts.iter().all(|it| [(5, 1), (0, 6)].contains(it)), "{accounts:?}");
    assert_eq!(accounts.last(), Some(&(0, 6)));
}

/// Somebody removes each segment that the drain has counted, a moment before it does: a recorder that makes room, who
/// counts it too.
fn beaten(directory: &Path, settings: Settings, act: impl FnOnce(&mut Drain)) {
    let mut drain = Drain::try_open(directory, settings).unwrap().expect("no other drain");
    let at = directory.to_owned();
    let remove = move || {
        let state = std::fs::read(at.join(names::STATE)).unwrap_or_default();
        let leaving = state::State::parse(&state).unwrap_or_default().leaving;
        for name in segments(&at) {
            if names::Sealed::parse(&name).is_some_and(|sealed| leaving.contains(&sealed.id)) {
                std::fs::remove_file(at.join(name)).unwrap();
            }
        }
    };
    watched::during(remove, || act(&mut drain));
}

#[test]
fn what_somebody_else_removed_meanwhile_is_counted_by_them_alone() {
    let temp = quick_temp();
    two_segments(temp.path());
    beaten(temp.path(), Settings { max_events: 5, ..settings() }, |drain| {
        assert_eq!(drain.adopt().unwrap().dropped, 0);
    });
    let left = survey(temp.path());
    assert_eq!((left.events, left.losses), (5, vec![]));
    beaten(temp.path(), settings(), |drain| {
        let batch = drain.next_batch(&want()).unwrap().unwrap();
        assert_eq!(drain.quarantine(&batch.label, &batch.records, "no").unwrap(), 0);
    });
    let left = survey(temp.path());
    assert_eq!((left.events, left.losses, left.quarantined), (0, vec![], 0));
}
