//! Many processes and both sides of a fork share a journal.

use crate::program::LIVES;
use crate::scene::*;
use crate::words::*;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};
use telemetry::journal::*;

/// How often the hundred processes run is a number in this variable; without it, as often as takes a while,
/// [`MOST_CROWDS`] times at most:
///
/// ```text
/// JOURNAL_TEST_CROWDS=20 cargo test -p cli-telemetry --no-default-features --test journal_processes -- a_hundred
/// ```
const CROWDS: &str = "JOURNAL_TEST_CROWDS";
const MOST_CROWDS: u64 = 20;
const A_WHILE: Duration = Duration::from_secs(15);

#[test]
fn a_hundred_processes_with_random_kills_lose_nothing_that_was_recorded() {
    let wanted: Option<u64> =
        std::env::var(CROWDS).ok().map(|text| text.parse().expect("a number of crowds"));
    let (began, mut crowds) = (Instant::now(), 0);
    while wanted.map_or(crowds == 0 || crowds < MOST_CROWDS && began.elapsed() < A_WHILE, |it| crowds < it) {
        hundred_processes(crowds);
        crowds += 1;
    }
    println!("{crowds} times a hundred processes");
}

/// A hundred processes of a thousand events each, half of which are killed: each crowd's at other places.
fn hundred_processes(crowd: u64) {
    let temp = tempfile::tempdir().unwrap();
    let children: Vec<Child> = (0..100u64)
        .map(|child| {
            let (from, map) = (child * 1000, [0, 1, 64][(child + crowd) as usize % 3]);
            // Every second one is killed, each at another place.
            let place = (child * 7919 + crowd * 104_729) % 900;
            let kill = if child % 2 == 0 { 1 + place } else { LIVES };
            let program = format!("record-until {from} {} {map} {kill}", from + 1000);
            command(temp.path(), &program, &[]).spawn().unwrap()
        })
        .collect();
    let mut killed = 0;
    for child in children {
        killed += usize::from(child.wait_with_output().unwrap().status.signal() == Some(9));
    }
    assert!(killed > 20, "crowd {crowd}: {killed}");
    let told = told(temp.path(), "told");
    let delivered = deliver(temp.path());
    assert_none_lost(&told, &delivered, &format!("crowd {crowd}"));
    assert!(told.len() > 50_000, "crowd {crowd}: the others came to their ends: {}", told.len());
    // A process can be killed after its record is stored and before it tells.
    assert!(delivered.len() - told.len() <= killed, "crowd {crowd}: {} {}", delivered.len(), told.len());
}

/// What one run of a process that records one event asks of the system: how many calls, and how many bytes it
/// reads.
fn cost(directory: &Path, number: u64) -> (usize, u64) {
    let (status, log) = injected(directory, &format!("one {number}"), "%desc,%file,%memory", NONE);
    assert!(status.success(), "{status:?}");
    let reads = log.lines().filter(|line| line.contains(" read(") || line.contains(" pread64("));
    let read = reads.filter_map(|line| line.rsplit_once(" = ")?.1.split(' ').next()?.parse::<u64>().ok());
    (log.lines().count(), read.sum())
}

/// Ten thousand processes, one after the other, at default caps, with nobody to send anything.
#[test]
fn ten_thousand_one_event_runs_lose_nothing_leave_few_files_and_the_last_costs_what_the_first_did() {
    let test =
        "ten_thousand_one_event_runs_lose_nothing_leave_few_files_and_the_last_costs_what_the_first_did";
    let traced = strace(test);
    let temp = tempfile::tempdir().unwrap();
    let one = |number: u64| {
        if traced {
            return cost(temp.path(), number);
        }
        assert!(run(temp.path(), &format!("one {number}")).success());
        (0, 0)
    };
    let (first, second) = (one(0), one(1));
    // The program starts each of them as a process of its own.
    assert!(run(temp.path(), "runs 2 100").success());
    let hundredth = one(100);
    assert!(run(temp.path(), "runs 101 10000").success());
    let last = one(10_000);
    let seen = format!("calls and bytes read: {first:?}, {second:?}, {hundredth:?}, then {last:?}");
    println!("{seen}");
    // The first makes the journal; a later one looks at the end of what is there, of a page at most.
    assert!(last.0 <= first.0 && last.0 <= second.0 + 3, "{seen}");
    assert!(last.1 <= hundredth.1 + 64 && last.1 <= first.1 + 4096 + 512, "{seen}");
    assert!(files(temp.path()) <= 4, "{}", files(temp.path()));
    let counted = survey(&temp.path().join("journal"));
    assert_eq!((counted.events, counted.losses), (10_001, Vec::new()));
    assert_eq!(deliver_at(temp.path(), Settings::default()), (0..=10_000).collect());
}

#[test]
fn both_sides_of_a_fork_record_and_nothing_is_lost() {
    for map in [0, 1] {
        let temp = tempfile::tempdir().unwrap();
        // The pipe of its errors ends when the last of the family does.
        let output = command(temp.path(), &format!("fork {map}"), &[]).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{}", String::from_utf8_lossy(&output.stderr));
        let told = told(temp.path(), "told");
        assert_eq!(told.len(), 500);
        assert_eq!(deliver(temp.path()), told);
    }
}
