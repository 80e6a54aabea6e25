//! SIGKILL at the system calls of recording, draining and purging.

use crate::scene::*;
use crate::words::*;
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use telemetry::journal::*;

const CALLS: [&str; 17] = [
    "openat",
    "flock",
    "pwrite64",
    "pwritev",
    "pread64",
    "fstat",
    "newfstatat",
    "getdents64",
    "ftruncate",
    "renameat",
    "unlinkat",
    "fallocate",
    "madvise",
    "munmap",
    "fdatasync",
    "fsync",
    "mkdir",
];

/// Runs the program, killed at the Nth call of each kind, for at most `most` N of a kind; says how
/// often it was killed.
fn kill_at_each_call(
    program: &str,
    most: usize,
    prepare: impl Fn(&Path),
    check: impl Fn(&Path, bool, &str),
) -> usize {
    let mut points = 0;
    for call in CALLS {
        let temp = tempfile::tempdir().unwrap();
        prepare(temp.path());
        let count =
            injected(temp.path(), program, call, NONE).1.lines().filter(|it| it.contains(call)).count();
        for when in (1..=count).step_by(count.div_ceil(most).max(1)) {
            let temp = tempfile::tempdir().unwrap();
            prepare(temp.path());
            let (status, _) = injected(temp.path(), program, call, &format!("signal=SIGKILL:when={when}"));
            // strace ends as its tracee did.
            let killed = status.signal() == Some(9);
            assert!(killed || status.success(), "{call} {when}: {status:?}");
            check(temp.path(), killed, &format!("killed at {call} {when}"));
            points += usize::from(killed);
        }
    }
    points
}

#[test]
fn a_kill_at_any_system_call_of_recording_loses_nothing_that_was_recorded() {
    if !strace("a_kill_at_any_system_call_of_recording_loses_nothing_that_was_recorded") {
        return;
    }
    let mut points = 0;
    for map in [0, 2] {
        points += kill_at_each_call(
            &format!("record 0 160 {map}"),
            12,
            |_| {},
            |directory, killed, when| {
                let told = told(directory, "told");
                let delivered = deliver(directory);
                assert_none_lost(&told, &delivered, when);
                assert!(delivered.len() <= told.len() + 1, "{when}: invented");
                assert!(killed || told.len() == 161, "{when}");
            },
        );
    }
    println!("killed at {points} points of recording");
    assert!(points >= 120, "{points}");
}

/// Leftovers of several processes in several segments.
fn leftovers(directory: &Path) {
    for run in 0..4u64 {
        let settings = Settings { max_bytes: 8 << 20, max_events: 400, ..settings(run % 2) };
        let journals = [0, 1].map(|_| Journal::new(directory.join("journal"), label(), settings.clone()));
        for number in 0..40 {
            let id = id(run * 40 + number);
            journals[number as usize % 2].append(RecordKind::Event, &id, &vec![number as u8; 300]).unwrap();
        }
    }
}

#[test]
fn a_kill_at_any_system_call_of_draining_loses_nothing_and_repeats_nothing_acknowledged() {
    if !strace("a_kill_at_any_system_call_of_draining_loses_nothing_and_repeats_nothing_acknowledged") {
        return;
    }
    let mut points = 0;
    for claims in [0, 1] {
        points += kill_at_each_call(&format!("drain {claims}"), 12, leftovers, |directory, killed, when| {
            let acknowledged = told(directory, "acknowledged");
            let offered = told(directory, "offered");
            let left = deliver(directory);
            assert!(left.is_disjoint(&acknowledged), "{when}: handed out after its acknowledgement");
            let seen: BTreeSet<u64> = left.union(&offered).copied().collect();
            assert_eq!(seen, (0..160).collect(), "{when}");
            assert!(killed || left.is_empty(), "{when}");
        });
    }
    println!("killed at {points} points of adopting, merging and acknowledging");
    assert!(points >= 120, "{points}");
}

#[test]
fn a_kill_at_any_system_call_of_a_purge_leaves_a_journal_that_can_be_purged() {
    if !strace("a_kill_at_any_system_call_of_a_purge_leaves_a_journal_that_can_be_purged") {
        return;
    }
    let points = kill_at_each_call("purge", 12, leftovers, |directory, _, when| {
        let journal = directory.join("journal");
        assert_eq!(survey(&journal).losses, [], "{when}");
        purge(&journal).unwrap();
        assert!(!journal.exists(), "{when}");
    });
    println!("killed at {points} points of purging");
    assert!(points >= 20, "{points}");
}
