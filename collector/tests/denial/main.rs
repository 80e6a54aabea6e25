//! No means no, now: denials against real senders in processes of their own.
//!
//! The sender under test is this test program itself, started again. It takes a permit, says so,
//! waits to be told to go on, and then makes its request: a connection to a listener of the test's. A
//! test that fails because a request was made sees it as a connection.
//!
//! Time is the test's: where a denial would sleep, something happens instead.
#![cfg(unix)]

mod disks;
#[path = "../probe/install.rs"]
mod install;
#[path = "../probe/needs.rs"]
mod needs;
mod sender;

use sender::{Sender, run_sender};
use std::cell::{Cell, RefCell};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;
use telemetry::consent::{
    Author, Decision, Denial, Inputs, MachinePolicy, Place, SendPermit, StillEnabled, Stored, StoredHow,
    SystemWait, Verdict, Wait, allow, at_start, deny, file,
};
use telemetry::event::Timestamp;

const HERE: &str = "https://here.example";
const ROLE: &str = "TELEMETRY_DENIAL_TEST_ROLE";

fn decide(stored: &dyn Fn() -> Stored) -> Verdict {
    let author = Author {
        tool_name: "greet",
        enabled: true,
        force: false,
        policy: 1,
        destination: HERE,
        debug_sends: true,
        tests_count: true,
    };
    at_start(&Inputs {
        author: &author,
        debug_build: false,
        environment: &|_| None,
        machine: &|| MachinePolicy::Silent,
        harness: &|| None,
        stored,
    })
}

fn say_yes(place: &Place) {
    allow(place, true, 1, HERE, Timestamp::default()).unwrap();
}

/// Time that passes when a denial sleeps, and what happens then.
struct Virtual<F: Fn(Duration)> {
    now: Cell<Duration>,
    each: F,
}

impl<F: Fn(Duration)> Wait for Virtual<F> {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn sleep(&self, time: Duration) {
        self.now.set(self.now.get() + time);
        (self.each)(self.now.get());
    }
}

fn time(each: impl Fn(Duration)) -> impl Wait {
    Virtual { now: Cell::new(Duration::ZERO), each }
}

fn say_no(place: &Place, wait: &dyn Wait) -> Result<Denial, StillEnabled> {
    deny(place, 1, Timestamp::default(), wait)
}

fn deny_now(place: &Place) -> Denial {
    say_no(place, &time(|_| {})).unwrap()
}

fn room() -> (tempfile::TempDir, Place) {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path().join("greet"));
    say_yes(&place);
    (directory, place)
}

/// The other side of the tests below. By itself: a permit is given after a yes and refused after a no.
#[test]
fn what_a_sender_does() {
    match std::env::var(ROLE).as_deref() {
        Ok(role @ ("sender" | "guest")) => run_sender(role == "guest"),
        Ok("denier") => {
            let place = Place::new(std::env::var_os("PLACE").unwrap());
            match say_no(&place, &time(|_| {})) {
                Ok(denial) => println!("SENDER {:?} {}", denial.stored, denial.is_complete()),
                Err(still) => println!("SENDER {still}"),
            }
        }
        _ => {
            let (_directory, place) = room();
            let permit = SendPermit::take(&place, false, decide).unwrap();
            drop(permit);
            assert!(deny_now(&place).is_complete());
            let refused = SendPermit::take(&place, false, decide).unwrap_err();
            assert_eq!(refused.to_string(), "nothing may be sent: off: you said no");
        }
    }
}

#[test]
fn a_denial_with_no_sender_is_complete_at_once() {
    let (_directory, place) = room();
    let denial = say_no(&place, &time(|_| panic!("there is nothing to wait for"))).unwrap();
    assert!(denial.is_complete());
    assert_eq!(denial.stored, StoredHow::Durably);
    assert_eq!(file::read(&place).decision(), Decision::Denied);
}

#[test]
fn a_sender_between_two_requests_does_not_begin_the_second() {
    let (_directory, place) = room();
    let mut sender = Sender::start(&place, false);
    assert_eq!(sender.ask_permit(), "permitted");
    sender.finish();
    assert!(deny_now(&place).is_complete());
    assert_eq!(sender.ask_permit(), "nothing may be sent: off: you said no");
    assert_eq!(sender.requests(), 1);
}

#[test]
fn a_request_that_is_under_way_is_waited_for() {
    let (_directory, place) = room();
    let sender = RefCell::new(Sender::start(&place, false));
    assert_eq!(sender.borrow_mut().ask_permit(), "permitted");
    let denial = say_no(
        &place,
        &time(|now| {
            if now == Duration::from_millis(500) {
                sender.borrow_mut().finish();
            }
            assert!(now <= Duration::from_millis(600), "it goes on as soon as the request has ended");
        }),
    )
    .unwrap();
    assert!(denial.is_complete());
    let mut sender = sender.into_inner();
    assert_eq!(sender.requests(), 1);
    assert_eq!(sender.ask_permit(), "being denied", "while the denial is held");
    drop(denial);
    assert_eq!(sender.ask_permit(), "nothing may be sent: off: you said no");
}

#[test]
fn a_sender_that_is_stopped_between_check_and_dial_never_dials() {
    let (_directory, place) = room();
    let mut sender = Sender::start(&place, false);
    assert_eq!(sender.ask_permit(), "permitted");
    sender.stop();
    sender.tell("request");
    let waited = Cell::new(Duration::ZERO);
    let denial = say_no(&place, &time(|now| waited.set(now))).unwrap();
    assert_eq!(waited.get(), Duration::from_secs(2));
    assert!(!denial.is_complete());
    let holders = denial.holders();
    assert_eq!(holders.iter().map(|holder| holder.pid).collect::<Vec<_>>(), [sender.child.id()]);
    assert!(!holders[0].in_tool);
    holders[0].end().unwrap();
    assert_eq!(sender.child.wait().unwrap().signal(), Some(9));
    let denial = denial.wait(Duration::ZERO, &time(|_| {}));
    assert!(denial.is_complete());
    assert_eq!(denial.holders(), []);
    assert_eq!(sender.requests(), 0);
}

#[test]
fn a_sender_that_hangs_in_its_request_is_named_and_ended() {
    let (_directory, place) = room();
    let mut sender = Sender::start(&place, false);
    assert_eq!(sender.ask_permit(), "permitted");
    let denial = deny_now(&place);
    assert!(!denial.is_complete());
    denial.holders()[0].end().unwrap();
    assert_eq!(sender.child.wait().unwrap().signal(), Some(9));
    assert!(denial.wait(Duration::ZERO, &time(|_| {})).is_complete());
}

#[test]
fn a_users_running_tool_is_named_and_never_ended() {
    let (_directory, place) = room();
    let mut tool = Sender::start(&place, true);
    assert_eq!(tool.ask_permit(), "permitted");
    let denial = deny_now(&place);
    let [holder] = denial.holders()[..] else { panic!("one process sends") };
    assert!(holder.in_tool);
    assert!(holder.end().is_err());
    tool.finish();
    assert!(denial.wait(Duration::ZERO, &time(|_| {})).is_complete());
    assert_eq!(tool.ask_permit(), "nothing may be sent: off: you said no");
}

#[test]
fn a_sender_that_died_holds_up_nothing() {
    let (_directory, place) = room();
    let mut sender = Sender::start(&place, false);
    assert_eq!(sender.ask_permit(), "permitted");
    sender.child.kill().unwrap();
    sender.child.wait().unwrap();
    let denial = say_no(&place, &time(|_| panic!("there is nothing to wait for"))).unwrap();
    assert!(denial.is_complete());
}

#[test]
fn of_several_senders_each_is_waited_for() {
    let (_directory, place) = room();
    let senders = RefCell::new((Sender::start(&place, false), Sender::start(&place, true)));
    assert_eq!(senders.borrow_mut().0.ask_permit(), "permitted");
    assert_eq!(senders.borrow_mut().1.ask_permit(), "permitted");
    let step = Duration::from_millis(10);
    let denial = say_no(
        &place,
        &time(|now| {
            if now == step * 5 {
                senders.borrow_mut().0.finish();
            } else if now == step * 50 {
                senders.borrow_mut().1.finish();
            }
            assert!(now <= step * 50);
        }),
    )
    .unwrap();
    assert!(denial.is_complete());
}

/// The system's time, in which the senders' connections are taken, as a server would.
struct Serving<'a>(SystemWait, &'a [Sender]);

impl Wait for Serving<'_> {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn sleep(&self, _: Duration) {
        for sender in self.1 {
            sender.requests();
        }
        std::thread::yield_now();
    }
}

#[test]
fn no_request_begins_after_a_denial_among_busy_senders() {
    let (_directory, place) = room();
    for _ in 0..5 {
        say_yes(&place);
        let mut senders: Vec<_> = (0..3).map(|_| Sender::start(&place, false)).collect();
        senders.iter_mut().for_each(|sender| sender.tell("all"));
        // Each has begun.
        for sender in &senders {
            while sender.requests() == 0 {
                std::thread::yield_now();
            }
        }
        let denial = say_no(&place, &Serving(SystemWait::default(), &senders)).unwrap();
        assert!(denial.is_complete(), "short requests end within the patience");
        let before: usize = senders.iter().map(Sender::requests).sum();
        drop(denial);
        for sender in &mut senders {
            assert_eq!(sender.hear(), "refused");
            assert_eq!(sender.requests(), 0, "a request began after the denial and {before} just before it");
        }
    }
}

#[test]
fn a_no_is_stored_over_what_a_newer_version_or_nobody_wrote() {
    for text in ["telemetry consent 7 whatever", "rubbish", ""] {
        let (_directory, place) = room();
        std::fs::write(place.consent(), text).unwrap();
        assert_eq!(deny_now(&place).stored, StoredHow::Durably);
        assert_eq!(file::read(&place).decision(), Decision::Denied);
    }
}

#[test]
fn a_yes_is_not_stored_over_what_a_newer_version_decided() {
    let (_directory, place) = room();
    std::fs::write(place.consent(), "telemetry consent 7 whatever").unwrap();
    let error = allow(&place, true, 1, HERE, Timestamp::default()).unwrap_err();
    assert!(error.to_string().contains("a newer version of this tool wrote it (format 7)"), "{error}");
    assert_eq!(std::fs::read(place.consent()).unwrap(), b"telemetry consent 7 whatever");
}

#[test]
fn a_no_deletes_the_salt_and_a_yes_after_it_begins_another_id() {
    use telemetry::identity::{Identity, current};
    let (_directory, place) = room();
    let id = || current(place.directory(), Identity::Keyed, "com.example.greet");
    let first = id();
    say_yes(&place);
    assert_eq!(id(), first, "a yes after a yes keeps it");
    deny_now(&place);
    assert!(!place.directory().join("identity").exists());
    say_yes(&place);
    assert_ne!(id(), first);
}
