//! At most once: what was claimed and did not arrive is counted, whatever became of it.

use std::path::Path;

use super::sessions::Scene;
use crate::backend::{Outcome, Verdict};
use crate::delivery::sender::Finished;
use crate::diagnostics::Severity;
use crate::journal::{LossCause, survey};

const AT_MOST_ONCE: &str = "semantics = \"at-most-once\"";

/// Three events that a vendor answers this to.
fn answered(home: &Path, answer: Outcome) -> Scene {
    let it = Scene::new(home, AT_MOST_ONCE, answer);
    three(&it);
    it.send();
    assert_eq!(it.arrived(), ["a", "b", "c"]);
    it
}

fn three(it: &Scene) {
    for name in ["a", "b", "c"] {
        it.record(name);
    }
}

/// Events that were ever set aside, and those that are still there.
fn set_aside(it: &Scene) -> (u64, u64) {
    let survey = survey(&it.session.journal_directory());
    assert_eq!(survey.events, 0, "what was claimed does not wait");
    (survey.quarantined, survey.set_aside)
}

#[test]
fn what_was_claimed_and_is_rejected_is_counted_and_set_aside() {
    let home = tempfile::tempdir().unwrap();
    let it = answered(home.path(), Outcome::Rejected("400 no such field".to_owned()));
    assert_eq!((it.lost(LossCause::Rejected), set_aside(&it)), (3, (3, 3)));
    assert!(it.is_told(Severity::Error, "3 events are set aside, rejected by the backend: 400"));
    it.send();
    assert_eq!((it.lost(LossCause::Rejected), set_aside(&it)), (3, (3, 3)), "once");
}

#[test]
fn what_was_claimed_and_is_too_large_is_counted_and_set_aside() {
    let home = tempfile::tempdir().unwrap();
    let it = answered(home.path(), Outcome::TooLarge);
    assert_eq!((it.lost(LossCause::Rejected), set_aside(&it)), (3, (3, 3)));
}

#[test]
fn of_what_was_claimed_each_event_is_counted_by_its_own_verdict() {
    let home = tempfile::tempdir().unwrap();
    let verdicts =
        vec![Verdict::Delivered, Verdict::Rejected("no name".to_owned()), Verdict::Retry("busy".to_owned())];
    let it = answered(home.path(), Outcome::Partial(verdicts));
    assert_eq!((it.lost(LossCause::Rejected), it.lost(LossCause::Unknown)), (1, 1));
    assert_eq!(set_aside(&it), (1, 1));
    assert!(it.is_told(Severity::Error, "1 events are set aside, rejected by the backend: no name"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &to),
            kind if kind.is_file() => drop(std::fs::copy(entry.path(), to).unwrap()),
            _ => {}
        }
    }
}

/// What a sender leaves in `killed` that is killed while its request is on the way.
fn killed_while_sending(killed: &Path) {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().to_owned(), killed.to_owned());
    let it = Scene::with(home.path(), AT_MOST_ONCE, move || {
        copy(&from, &to);
        Outcome::Delivered
    });
    three(&it);
    it.send();
    assert_eq!(it.lost(LossCause::Unknown), 0, "this one lived");
}

#[test]
fn what_a_sender_claimed_that_died_is_counted_by_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    killed_while_sending(home.path());
    let it = Scene::new(home.path(), AT_MOST_ONCE, Outcome::Delivered);
    assert!(matches!(it.send().finished, Finished::Waiting(..) | Finished::Empty));
    assert_eq!((it.arrived().len(), it.lost(LossCause::Unknown)), (0, 3));
    it.send();
    assert_eq!((it.arrived().len(), it.lost(LossCause::Unknown)), (0, 3), "once");
    assert_eq!(set_aside(&it), (0, 0));
}
