//! Many processes and both sides of a fork share a journal.

use crate::program::LIVES;
use crate::scene::*;
use crate::words::*;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use telemetry::journal::*;

#[test]
fn a_hundred_processes_with_random_kills_lose_nothing_that_was_recorded() {
    let temp = tempfile::tempdir().unwrap();
    let children: Vec<Child> = (0..100u64)
        .map(|child| {
            let (from, map) = (child * 1000, [0, 1, 64][child as usize % 3]);
            // Every second one is killed, each at another place.
            let kill = if child % 2 == 0 { 1 + (child * 7919) % 900 } else { LIVES };
            let program = format!("record-until {from} {} {map} {kill}", from + 1000);
            command(temp.path(), &program, &[]).spawn().unwrap()
        })
        .collect();
    let mut killed = 0;
    for child in children {
        killed += usize::from(child.wait_with_output().unwrap().status.signal() == Some(9));
    }
    assert!(killed > 20, "{killed}");
    let told = told(temp.path(), "told");
    let delivered = deliver(temp.path());
    assert_none_lost(&told, &delivered, "a hundred processes");
    // A process can be killed after its record is stored and before it tells.
    assert!(delivered.len() - told.len() <= killed, "{} {}", delivered.len(), told.len());
}

#[test]
fn ten_thousand_one_event_runs_are_all_there_in_few_files() {
    let temp = tempfile::tempdir().unwrap();
    for number in 0..10_000 {
        let journal = Journal::new(temp.path().join("journal"), label(), Settings::default());
        journal.append(RecordKind::Event, &id(number), &[1; 250]).unwrap();
    }
    for number in 10_000..10_050 {
        assert!(run(temp.path(), &format!("one {number}")).success());
    }
    assert!(files(temp.path()) <= 4, "{}", files(temp.path()));
    assert_eq!(deliver(temp.path()), (0..10_050).collect());
}

#[test]
fn the_ten_thousandth_run_costs_what_the_second_did() {
    if !strace("the_ten_thousandth_run_costs_what_the_second_did") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let calls = |number: u64| {
        injected(temp.path(), &format!("one {number}"), "%desc,%file,%memory", NONE).1.lines().count()
    };
    calls(0);
    let second = calls(1);
    for number in 2..10_000 {
        let journal = Journal::new(temp.path().join("journal"), label(), settings(0));
        journal.append(RecordKind::Event, &id(number), &[1; 250]).unwrap();
    }
    let last = calls(10_000);
    assert!(last <= second + 3, "{second} system calls, then {last}");
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
