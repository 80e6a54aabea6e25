//! A sender with a session of its own, in this process: what takes more than the policy and less than a tool.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::backend::{Backend, Batch, Limits, Outcome, SendContext};
use crate::delivery::files;
use crate::delivery::sender::{self, Finished, Report, Urgency};
use crate::delivery::start::take_turn;
use crate::diagnostics::Severity;
use crate::event::{Event, EventId, codec};
use crate::journal::{Drain, Journal, Label, LossCause, RecordKind, Settings, survey};
use crate::platform::host::{FileSystem, injected};
use crate::session::Session;
use crate::tool::Tool;

pub(super) const DESTINATION: &str = "a vendor at home";

/// What the hook was told.
type Told = Arc<Mutex<Vec<(Severity, String)>>>;
/// The names of the events in each batch that arrived.
type Arrived = Arc<Mutex<Vec<Vec<String>>>>;

/// What a vendor answers, to each batch.
type Answer = Arc<dyn Fn() -> Outcome + Send + Sync>;

/// A vendor that gives every batch this answer.
struct Vendor {
    answer: Answer,
    arrived: Arrived,
}

impl Backend for Vendor {
    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
        let names = batch.events.iter().map(|event| event.name.to_string()).collect();
        self.arrived.lock().unwrap().push(names);
        (self.answer)()
    }
}

/// A tool in a home, with such a vendor.
pub(super) struct Scene {
    pub(super) session: Session,
    told: Told,
    arrived: Arrived,
}

impl Scene {
    pub(super) fn new(home: &Path, delivery: &str, answer: Outcome) -> Self {
        Self::with(home, delivery, move || answer.clone())
    }

    /// With a vendor that does something before it answers.
    pub(super) fn with(
        home: &Path,
        delivery: &str,
        answer: impl Fn() -> Outcome + Send + Sync + 'static,
    ) -> Self {
        let answer: Answer = Arc::new(answer);
        let (told, arrived) = (Told::default(), Arrived::default());
        let toml = format!(
            "[tool]\nid = \"com.example.scene\"\nforce = true\nsend_from_tests = true\n\
             send_from_debug_builds = true\n[delivery]\ninterval = 0\n{delivery}\n"
        );
        let (heard, came) = (Arc::clone(&told), Arc::clone(&arrived));
        let tool = Tool::from_toml("1.0.0", toml)
            .data_directory(home)
            .backend(DESTINATION, move || Vendor { answer: Arc::clone(&answer), arrived: Arc::clone(&came) })
            .logger(move |it| heard.lock().unwrap().push((it.severity, it.message.clone())));
        Self { session: Session::new(tool).unwrap(), told, arrived }
    }

    /// Records an event, as a run of the tool does.
    pub(super) fn record(&self, name: &str) {
        record(&self.session, name);
    }

    pub(super) fn send(&self) -> Report {
        sender::run(&self.session, Urgency::Now, Instant::now() + Duration::from_secs(60), true)
    }

    pub(super) fn arrived(&self) -> Vec<String> {
        self.arrived.lock().unwrap().concat()
    }

    pub(super) fn is_told(&self, severity: Severity, part: &str) -> bool {
        self.told.lock().unwrap().iter().any(|(had, text)| *had == severity && text.contains(part))
    }

    pub(super) fn lost(&self, cause: LossCause) -> u64 {
        let losses = survey(&self.session.journal_directory()).losses;
        losses.iter().find(|(had, _)| *had == cause).map_or(0, |(_, by)| *by)
    }
}

/// Records an event for this destination's vendor, as a run of the tool does.
pub(super) fn record(session: &Session, name: &str) {
    let origin = crate::session::origin(session, None);
    let label = Label { destination: DESTINATION.to_owned(), origin: serde_json::to_vec(&origin).unwrap() };
    let journal = Journal::new(session.journal_directory(), label, Settings::default());
    let mut event = Event::new("feature.used", name);
    event.id = EventId::from_parts(1, u64::from(crate::sum::sum(0, name.as_bytes())));
    event.time = crate::event::Timestamp::now();
    let mut payload = crate::scratch::Scratch::new();
    codec::encode(&event, event.time, &[], &mut payload);
    journal.append(RecordKind::Event, &event.id.0, payload.bytes()).unwrap();
}

fn unavailable() -> Outcome {
    Outcome::Retry { reason: "503 Service Unavailable".to_owned(), after: None }
}

#[test]
fn an_answer_that_is_no_success_reaches_the_authors_hook() {
    let home = tempfile::tempdir().unwrap();
    let it = Scene::new(home.path(), "", unavailable());
    it.record("a");
    assert!(matches!(it.send().finished, Finished::Waiting(..)));
    assert!(it.is_told(Severity::Warning, "503 Service Unavailable"), "{:?}", it.told);
}

#[test]
fn what_is_rejected_is_counted_by_its_cause_and_reaches_the_authors_hook() {
    let home = tempfile::tempdir().unwrap();
    let it = Scene::new(home.path(), "", Outcome::Rejected("400 no such field".to_owned()));
    it.record("a");
    it.record("b");
    it.send();
    assert_eq!((it.lost(LossCause::Rejected), it.lost(LossCause::Attempts)), (2, 0));
    assert!(
        it.is_told(Severity::Error, "2 events are set aside, rejected by the backend: 400"),
        "{:?}",
        it.told
    );
}

#[test]
fn the_author_says_after_how_many_attempts_a_batch_is_given_up_and_it_is_counted_so() {
    let home = tempfile::tempdir().unwrap();
    let it = Scene::new(home.path(), "max_attempts = 3", unavailable());
    it.record("a");
    for _ in 0..2 {
        it.send();
        assert_eq!((it.lost(LossCause::Attempts), survey(&it.session.journal_directory()).events), (0, 1));
    }
    it.send();
    let survey = survey(&it.session.journal_directory());
    assert_eq!((it.lost(LossCause::Attempts), survey.events, survey.quarantined), (1, 0, 1));
    assert!(it.is_told(Severity::Error, "given up after 3 attempts"), "{:?}", it.told);
    // Without a figure it is tried on.
    let home = tempfile::tempdir().unwrap();
    let it = Scene::new(home.path(), "", unavailable());
    it.record("a");
    for _ in 0..30 {
        it.send();
    }
    assert_eq!((it.arrived().len(), it.lost(LossCause::Attempts)), (30, 0));
}

#[test]
fn what_a_sender_drops_for_the_limits_reaches_the_authors_hook() {
    let home = tempfile::tempdir().unwrap();
    let it = Scene::new(home.path(), "[journal]\nmax_events = 2", Outcome::Delivered);
    for name in ["a", "b", "c"] {
        it.record(name);
    }
    it.send();
    assert_eq!((it.arrived().len(), it.lost(LossCause::Events)), (2, 1));
    assert!(
        it.is_told(Severity::Error, "1 events were dropped to keep the journal's limits"),
        "{:?}",
        it.told
    );
}

#[test]
fn two_machines_with_one_home_leave_each_others_batches_and_starts_alone() {
    let home = tempfile::tempdir().unwrap();
    let on = |machine, act: &dyn Fn()| injected::on(FileSystem::Shared, machine, act);
    let (one, other) =
        (Scene::new(home.path(), "", unavailable()), Scene::new(home.path(), "", Outcome::Delivered));
    let in_flight = |scene: &Scene| {
        let schedule = files::read_schedule(scene.session.place.directory()).unwrap();
        (schedule.in_flight().len(), schedule.failures(), schedule.totals().delivered)
    };
    on(1, &|| {
        one.record("of one");
        one.send();
        assert_eq!(in_flight(&one), (1, 1, 0));
        let mut starts = files::read_starts(home.path()).unwrap();
        starts.started(crate::event::Timestamp::now(), false);
        files::write_starts(home.path(), &starts).unwrap();
    });
    on(2, &|| {
        assert_eq!(in_flight(&other), (0, 0, 0), "the wait of the one is not the other's");
        assert_eq!(files::read_starts(home.path()).unwrap().last(), None);
        other.record("of the other");
        other.send();
        assert_eq!((other.arrived(), in_flight(&other)), (vec!["of the other".to_owned()], (0, 0, 1)));
    });
    on(1, &|| {
        assert_eq!(in_flight(&one), (1, 1, 0), "its batch keeps its boundary");
        assert!(files::read_starts(home.path()).unwrap().last().is_some());
    });
    // A no on one machine takes what the other holds, too.
    on(2, &|| {
        crate::journal::purge(&other.session.journal_directory()).unwrap();
        files::remove(home.path()).unwrap();
    });
    on(1, &|| {
        assert_eq!(in_flight(&one), (0, 0, 0));
        assert_eq!(survey(&one.session.journal_directory()).events, 0);
    });
}

#[test]
fn no_sender_is_started_while_another_is_at_work() {
    let home = tempfile::tempdir().unwrap();
    let scene = Scene::new(home.path(), "", Outcome::Delivered);
    scene.record("a");
    let other = Drain::try_open(&home.path().join("journal"), Settings::default()).unwrap().unwrap();
    // Its child would end without its mark, and none would be started so for a week.
    assert!(!take_turn(&scene.session, true));
    assert!(!files::has_starts(home.path()));
    drop(other);
    assert!(take_turn(&scene.session, true));
}

#[test]
fn what_cannot_be_read_now_is_not_settled_as_if_it_were_gone() {
    let home = tempfile::tempdir().unwrap();
    let scene = Scene::new(home.path(), "semantics = \"at-least-once\"", unavailable());
    scene.record("a");
    scene.send();
    // As a sender that dies in the middle of an attempt leaves it; and then the author changes the promise.
    let scene = Scene::new(home.path(), "semantics = \"at-most-once\"", Outcome::Delivered);
    let before = files::read_schedule(home.path()).unwrap();
    assert_eq!(before.in_flight().len(), 1);
    let journal = home.path().join("journal");
    let names = std::fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().file_name());
    let sealed = names.filter_map(|name| name.into_string().ok()?.strip_suffix(".seg1").map(str::to_owned));
    let id = sealed.last().unwrap().rsplit('-').next().unwrap().to_owned();
    let ack = journal.join(format!("{id}.ack1"));
    std::fs::create_dir(&ack).unwrap();
    assert!(matches!(scene.send().finished, Finished::Held(_)));
    assert_eq!(files::read_schedule(home.path()).unwrap().in_flight().len(), 1, "it is still to be settled");
    std::fs::remove_dir(&ack).unwrap();
    scene.send();
    assert!(scene.arrived().is_empty(), "it may have arrived before");
    assert_eq!(scene.lost(LossCause::Unknown) + scene.lost(LossCause::Attempts), 1);
}

#[test]
fn a_machine_that_does_not_come_back_leaves_nothing_for_good() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let home = tempfile::tempdir().unwrap();
    let on = |machine, act: &dyn Fn()| injected::on(FileSystem::Shared, machine, act);
    let send = || {
        let scene = Scene::new(home.path(), "", unavailable());
        scene.record("a");
        assert!(take_turn(&scene.session, false));
        scene.send();
    };
    let parts = || {
        let named = |directory: &Path| {
            let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
            names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with("host-")).count()
        };
        (named(home.path()), named(&home.path().join("journal")))
    };
    on(1, &send);
    on(2, &send);
    assert_eq!(parts(), (2, 2));
    for place in [home.path().to_owned(), home.path().join("journal")] {
        let part = place.join("host-00000001");
        let entries = std::fs::read_dir(&part).unwrap().map(|entry| entry.unwrap().path());
        for path in entries.chain([part.clone()]).collect::<Vec<_>>() {
            let file = std::fs::File::open(path).unwrap();
            file.set_modified(std::time::SystemTime::now() - 32 * DAY).unwrap();
        }
    }
    on(2, &send);
    assert_eq!(parts(), (1, 1));
    on(2, &|| assert_eq!(Scene::new(home.path(), "", unavailable()).lost(LossCause::Age), 1));
}
