//! What a no removed does not come back, whoever read a yes before it.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::sessions::{DESTINATION, record};
use crate::backend::{Backend, Batch, Limits, Outcome, SendContext};
use crate::consent::{self, Decision, Place, Record};
use crate::delivery::sender::{self, Finished, Urgency};
use crate::delivery::start::{leave_mark, take_turn, turn};
use crate::delivery::{files, ledger};
use crate::event::Timestamp;
use crate::journal;
use crate::session::Session;
use crate::tool::Tool;

/// A vendor that takes everything, while this happens.
struct Meanwhile(Arc<dyn Fn() + Send + Sync>);

impl Backend for Meanwhile {
    fn limits(&self) -> Limits {
        // So that there is always a next batch.
        Limits { events: 1, ..Limits::default() }
    }

    fn send(&mut self, _: &Batch, _: &SendContext) -> Outcome {
        (self.0)();
        Outcome::Delivered
    }
}

/// A tool whose user said yes, with such a vendor.
fn session(home: &Path, meanwhile: impl Fn() + Send + Sync + 'static) -> Session {
    let toml = "[tool]\nid = \"com.example.denied\"\nsend_from_tests = true\nsend_from_debug_builds = true\n\
                [delivery]\ninterval = 0\n";
    let meanwhile: Arc<dyn Fn() + Send + Sync> = Arc::new(meanwhile);
    let tool = Tool::from_toml("1.0.0", toml)
        .data_directory(home)
        .backend(DESTINATION, move || Meanwhile(Arc::clone(&meanwhile)));
    let session = Session::new(tool).unwrap();
    let policy = session.config.consent.policy;
    consent::allow(&session.place, true, policy, DESTINATION, Timestamp::now()).unwrap();
    assert_eq!(session.verdict().may, consent::May::Send, "no variable of this test's says otherwise");
    session
}

/// The user says no: as `disable` does, but that it waits for nobody.
fn say_no(home: &Path) {
    let no = Record { decision: Decision::Denied, ..Record::default() };
    consent::file::write(&Place::new(home), &no).unwrap();
    journal::purge(&home.join("journal")).unwrap();
    files::remove(home).unwrap();
}

fn send(session: &Session) -> Finished {
    sender::run(session, Urgency::Now, Instant::now() + Duration::from_secs(60), true).finished
}

fn left(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !["consent", "consent.lock", "senders"].contains(&name.as_str()));
    names.sort();
    names
}

#[test]
fn a_sender_whose_request_a_reset_overtook_leaves_no_schedule_no_deliveries_and_no_journal() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path().to_owned();
    let session = session(home.path(), move || {
        say_no(&at);
        let _ = std::fs::remove_file(ledger::path(&at));
    });
    record(&session, "a");
    record(&session, "b");
    assert!(matches!(send(&session), Finished::Forbidden(_)));
    assert_eq!(left(home.path()), [""; 0]);
}

#[test]
fn what_was_sent_while_the_user_said_no_is_told_beside_what_was_sent_before() {
    let home = tempfile::tempdir().unwrap();
    let (at, first) = (home.path().to_owned(), OnceLock::new());
    let session = session(home.path(), move || {
        if first.set(()).is_err() {
            say_no(&at);
        }
    });
    for name in ["a", "b", "c"] {
        record(&session, name);
    }
    assert!(matches!(send(&session), Finished::Forbidden(_)));
    assert_eq!(left(home.path()), ["deliveries"]);
    assert_eq!(ledger::read(home.path()).len(), 2);
}

#[test]
fn a_sender_that_comes_after_the_no_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path(), || ());
    record(&session, "a");
    say_no(home.path());
    std::fs::create_dir(home.path().join("journal")).unwrap();
    assert!(matches!(send(&session), Finished::Forbidden(_)));
    assert_eq!(left(home.path()), ["journal"]);
}

#[test]
fn a_run_that_finds_a_no_after_it_noted_its_sender_takes_the_note_back_and_starts_none() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path(), || ());
    record(&session, "a");
    assert!(take_turn(&session, true));
    say_no(home.path());
    assert!(!take_turn(&session, true));
    assert_eq!(left(home.path()), [""; 0]);
}

#[test]
fn a_child_that_carries_an_erasure_on_leaves_its_mark_whether_or_not_there_is_a_journal() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path(), || ());
    say_no(home.path());
    for journal in [false, true] {
        if journal {
            std::fs::create_dir(home.path().join("journal")).unwrap();
        }
        assert!(turn(&session, true, || 7));
        leave_mark(&session);
        let started = files::read_starts(home.path()).unwrap().detached();
        assert_eq!(files::read_schedule(home.path()).unwrap().proof(), started, "journal: {journal}");
    }
    // Without a start there is nothing to prove.
    files::remove(home.path()).unwrap();
    leave_mark(&session);
    assert_eq!(left(home.path()), ["journal"]);
}
