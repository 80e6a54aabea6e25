use super::*;
use crate::consent::{Author, Inputs, MachinePolicy};
use crate::consent::{Decision, Record, SystemWait, allow, at_start, deny, file};
use crate::event::Timestamp;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

const HERE: &str = "https://here.example";

struct Room {
    place: Place,
    _directory: tempfile::TempDir,
}

impl Room {
    fn granted() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::new(directory.path().join("greet"));
        allow(&place, true, 1, HERE, Timestamp::default()).unwrap();
        Self { place, _directory: directory }
    }

    /// A gate and how often it read the file.
    fn gate(
        &self,
        now: Timestamp,
        variable: Option<(&'static str, &'static str)>,
    ) -> (Gate, Arc<AtomicUsize>) {
        let reads = Arc::new(AtomicUsize::new(0));
        let count = reads.clone();
        let gate = Gate::open(self.place.clone(), now, move |stored| {
            let author = Author {
                tool_name: "greet",
                enabled: true,
                force: false,
                policy: 1,
                destination: HERE,
                debug_sends: false,
                tests_count: true,
            };
            at_start(&Inputs {
                author: &author,
                debug_build: false,
                environment: &|name| {
                    variable.and_then(|(known, value)| (known == name).then(|| value.into()))
                },
                machine: &|| MachinePolicy::Silent,
                harness: &|| None,
                stored: &|| {
                    count.fetch_add(1, Ordering::Relaxed);
                    stored()
                },
            })
        });
        (gate, reads)
    }

    fn deny(&self) {
        deny(&self.place, 1, Timestamp::default(), &SystemWait::default()).unwrap();
    }
}

const NOON: Timestamp = Timestamp { seconds: 1_785_585_600, nanos: 0 };
const MOMENT: Duration = Duration::from_millis(1);

#[test]
fn a_running_recorder_notices_a_denial_within_the_interval() {
    let room = Room::granted();
    let start = NOON;
    let (gate, _) = room.gate(start, None);
    assert_eq!(gate.may(start), May::Send);
    room.deny();
    assert_eq!(
        gate.may(start.after(Gate::INTERVAL - MOMENT)),
        May::Send,
        "between two looks nothing is looked at"
    );
    assert_eq!(gate.may(start.after(Gate::INTERVAL)), May::Off);
    assert_eq!(gate.known(), May::Off);
}

#[test]
fn a_clock_that_is_set_forward_or_back_makes_a_look_due() {
    for by in [3_600, -3_600] {
        let room = Room::granted();
        let (gate, _) = room.gate(NOON, None);
        room.deny();
        assert_eq!(gate.may(Timestamp { seconds: NOON.seconds + by, nanos: 0 }), May::Off);
    }
}

#[test]
fn a_look_notices_a_denial_at_once() {
    let room = Room::granted();
    let (gate, _) = room.gate(NOON, None);
    assert_eq!(gate.look(), May::Send);
    room.deny();
    assert_eq!(gate.known(), May::Send);
    assert_eq!(gate.look(), May::Off);
}

#[test]
fn a_denial_stays_one_for_a_process_whatever_is_stored_later() {
    let room = Room::granted();
    let start = NOON;
    let (gate, _) = room.gate(start, None);
    room.deny();
    assert_eq!(gate.look(), May::Off);
    allow(&room.place, true, 1, HERE, Timestamp::default()).unwrap();
    assert_eq!(gate.look(), May::Off);
    assert_eq!(gate.may(start.after(Duration::from_secs(3600))), May::Off);
}

#[test]
fn a_process_becomes_more_private_only() {
    let room = Room::granted();
    let (gate, _) = room.gate(NOON, None);
    allow(&room.place, false, 1, HERE, Timestamp::default()).unwrap();
    assert_eq!(gate.look(), May::Local);
    allow(&room.place, true, 1, HERE, Timestamp::default()).unwrap();
    assert_eq!(gate.look(), May::Local);
    assert_eq!(gate.first().may, May::Send, "what was decided first can still be told");
}

#[test]
fn a_file_that_does_not_change_is_read_once() {
    let room = Room::granted();
    let start = NOON;
    let (gate, reads) = room.gate(start, None);
    for step in 0..1000 {
        assert_eq!(gate.may(start.after(step * Gate::INTERVAL / 4)), May::Send);
    }
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}

#[test]
fn a_no_by_overwriting_removing_or_damaging_the_file_is_noticed() {
    let edits: [fn(&Place); 3] = [
        |place| {
            let no = Record { decision: Decision::Denied, ..Record::default() };
            crate::platform::private::overwrite(&place.consent(), &no.encode()).unwrap();
        },
        |place| std::fs::remove_file(place.consent()).unwrap(),
        |place| std::fs::write(place.consent(), "x").unwrap(),
    ];
    for edit in edits {
        let room = Room::granted();
        let (gate, _) = room.gate(NOON, None);
        edit(&room.place);
        assert_eq!(gate.look(), May::Off);
    }
}

#[test]
fn a_first_no_is_noticed_where_only_a_variable_said_yes() {
    let directory = tempfile::tempdir().unwrap();
    let room = Room { place: Place::new(directory.path()), _directory: directory };
    let (gate, _) = room.gate(NOON, Some(("TELEMETRY_ENABLED", "true")));
    assert_eq!(gate.look(), May::Send);
    room.deny();
    assert_eq!(gate.look(), May::Off);
}

#[test]
fn where_nothing_stored_could_outrank_the_environment_the_file_is_not_watched() {
    let room = Room::granted();
    let (gate, reads) = room.gate(NOON, Some(("GREET_TELEMETRY", "on")));
    room.deny();
    assert_eq!(gate.look(), May::Send);
    assert_eq!(reads.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_off_at_the_start_is_never_looked_at_again() {
    let room = Room::granted();
    room.deny();
    let start = NOON;
    let (gate, reads) = room.gate(start, None);
    assert_eq!(gate.may(start.after(Duration::from_secs(9))), May::Off);
    assert_eq!(gate.look(), May::Off);
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}

#[test]
fn of_many_threads_that_are_due_one_looks() {
    let room = Room::granted();
    let start = NOON;
    let (gate, reads) = room.gate(start, None);
    file::write(&room.place, &Record { policy: 7, ..granted() }).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(gate.may(start.after(Gate::INTERVAL)), May::Send));
        }
    });
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

fn granted() -> Record {
    Record { decision: Decision::Granted, destination: HERE.to_owned(), ..Record::default() }
}

#[test]
fn a_closed_gate_stays_closed() {
    let room = Room::granted();
    let (gate, _) = room.gate(NOON, None);
    gate.close();
    assert_eq!(gate.look(), May::Off);
}

#[test]
fn whoever_looks_while_another_thread_does_or_did_when_it_was_forked_does_not_wait_for_it() {
    let room = Room::granted();
    let (gate, _) = room.gate(NOON, None);
    let never_let_go = gate.seen.lock().unwrap();
    assert_eq!(gate.look(), May::Send);
    room.deny();
    assert_eq!(gate.look(), May::Off);
    drop(never_let_go);
}
