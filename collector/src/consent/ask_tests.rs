use super::*;
use crate::consent::{Decision, Harness, MachinePolicy, Record, Stored, Unreadable};

const AUTHOR: Author<'static> = Author {
    tool_name: "greet",
    enabled: true,
    force: false,
    policy: 2,
    destination: "https://here.example",
    debug_sends: true,
    tests_count: false,
};
const QUESTION: Question<'static> = Question {
    tool: "greet",
    vendor: "Example Ltd",
    host: "here.example",
    command: "greet telemetry",
    text: None,
};
const ATTENDED: Occasion =
    Occasion { can_read: true, can_show: true, ci: None, protocol: false, again: false };

struct Room {
    place: Place,
    _directory: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { place: Place::new(directory.path().join("greet")), _directory: directory }
    }

    fn inputs<R>(&self, author: &Author<'_>, then: impl FnOnce(&Inputs<'_>) -> R) -> R {
        then(&Inputs {
            author,
            debug_build: false,
            environment: &|_| None,
            machine: &|| MachinePolicy::Silent,
            harness: &|| None,
            stored: &|| file::read(&self.place),
        })
    }

    fn ask(&self, occasion: Occasion, answer: Answer) -> (Asked, bool) {
        let mut put = false;
        let asked = self.inputs(&AUTHOR, |inputs| {
            let mut asker = |_: &str| {
                put = true;
                Ok(answer)
            };
            ask(&self.place, inputs, &QUESTION, occasion, &mut asker, Timestamp::default()).unwrap()
        });
        (asked, put)
    }

    fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.place.directory()) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn the_question_is_put_only_where_somebody_can_answer() {
    for number in 0..32_u8 {
        let bit = |at: u8| number >> at & 1 == 1;
        let occasion = Occasion {
            can_read: bit(0),
            can_show: bit(1),
            ci: bit(2).then_some("Drone"),
            protocol: bit(3),
            again: bit(4),
        };
        let room = Room::new();
        let (asked, put) = room.ask(occasion, Answer::Skip);
        let may = occasion.can_read && occasion.can_show && occasion.ci.is_none() && !occasion.protocol;
        assert_eq!(put, may, "{occasion:?}");
        assert_eq!(matches!(asked, Asked::Not(_)), !may, "{occasion:?}");
        assert!(put || room.files().is_empty(), "nothing is created where nobody was asked");
    }
}

#[test]
fn a_decided_question_is_not_put() {
    let record = |decision, policy: u32| {
        Stored::Record(Record {
            decision,
            policy,
            destination: AUTHOR.destination.to_owned(),
            ..Record::default()
        })
    };
    for (stored, open) in [
        (Stored::Nothing, true),
        (record(Decision::Undecided, 2), true),
        (record(Decision::Granted, 1), true),
        (record(Decision::LocalOnly, 1), true),
        (record(Decision::Granted, 2), false),
        (record(Decision::LocalOnly, 2), false),
        (record(Decision::Denied, 1), false),
        (Stored::Unreadable(Unreadable::Damaged), false),
        (Stored::Unreadable(Unreadable::NewerVersion(2)), false),
    ] {
        let room = Room::new();
        match &stored {
            Stored::Nothing => {}
            Stored::Record(record) => file::write(&room.place, record).unwrap(),
            Stored::Unreadable(why) => {
                let text = if *why == Unreadable::Damaged { "x" } else { "telemetry consent 2 x" };
                std::fs::create_dir_all(room.place.directory()).unwrap();
                std::fs::write(room.place.consent(), text).unwrap();
            }
        }
        let (_, put) = room.ask(ATTENDED, Answer::Skip);
        assert_eq!(put, open, "{stored:?}");
    }
}

#[test]
fn a_test_is_never_asked() {
    let room = Room::new();
    let asked = room.inputs(&AUTHOR, |inputs| {
        let inputs = Inputs { harness: &|| Some(Harness::TestBinary), ..*inputs };
        let mut asker = |_: &str| -> io::Result<Answer> { panic!("asked") };
        ask(&room.place, &inputs, &QUESTION, ATTENDED, &mut asker, Timestamp::default()).unwrap()
    });
    assert!(matches!(asked, Asked::Not(Unasked::Decided)));
}

#[test]
fn an_answer_is_stored_with_what_it_covers() {
    for (answer, decision) in [(Answer::Yes, Decision::Granted), (Answer::No, Decision::Denied)] {
        let room = Room::new();
        assert!(room.ask(ATTENDED, answer).1);
        let Stored::Record(record) = file::read(&room.place) else { panic!("nothing is stored") };
        assert_eq!((record.decision, record.policy), (decision, 2));
        assert!(!room.ask(ATTENDED, Answer::Yes).1, "it is not asked again");
        assert_eq!(file::read(&room.place).decision(), decision);
    }
}

#[test]
fn a_skip_stores_only_that_the_question_was_put() {
    let room = Room::new();
    assert!(matches!(room.ask(ATTENDED, Answer::Skip), (Asked::Skipped, true)));
    assert_eq!(room.files(), ["asked"]);
    assert_eq!(file::read(&room.place), Stored::Nothing);
    assert!(matches!(room.ask(ATTENDED, Answer::Yes), (Asked::Not(Unasked::SkippedBefore), false)));
    let again = Occasion { again: true, ..ATTENDED };
    assert!(matches!(room.ask(again, Answer::Yes), (Asked::Yes, true)));
    assert_eq!(room.files(), ["consent"]);
}

#[test]
fn another_policy_or_destination_is_another_question() {
    let room = Room::new();
    assert!(room.ask(ATTENDED, Answer::Skip).1);
    let other_policy = Author { policy: 3, ..AUTHOR };
    let other_destination = Author { destination: "https://there.example", ..AUTHOR };
    assert!(was_skipped(&room.place, &AUTHOR));
    assert!(!was_skipped(&room.place, &other_policy));
    assert!(!was_skipped(&room.place, &other_destination));
}

#[test]
fn a_no_that_somebody_says_while_the_question_stands_is_not_overwritten_by_a_yes() {
    let room = Room::new();
    let asked = room.inputs(&AUTHOR, |inputs| {
        let mut asker = |_: &str| {
            deny(&room.place, 2, Timestamp::default(), &SystemWait::default()).unwrap();
            Ok(Answer::Yes)
        };
        ask(&room.place, inputs, &QUESTION, ATTENDED, &mut asker, Timestamp::default()).unwrap()
    });
    assert!(matches!(asked, Asked::DecidedMeanwhile));
    assert_eq!(file::read(&room.place).decision(), Decision::Denied);
}

#[test]
fn a_prompt_that_fails_is_a_skip() {
    let room = Room::new();
    let asked = room.inputs(&AUTHOR, |inputs| {
        let mut asker = |_: &str| Err(io::ErrorKind::Interrupted.into());
        ask(&room.place, inputs, &QUESTION, ATTENDED, &mut asker, Timestamp::default()).unwrap()
    });
    assert!(matches!(asked, Asked::Skipped));
    assert_eq!(file::read(&room.place), Stored::Nothing);
}

#[test]
fn every_text_says_pseudonymous_and_names_vendor_host_and_the_command_that_says_no() {
    for text in [
        None,
        Some("May we count how often {tool} is used?"),
        Some("Pseudonymous data for {vendor}, please."),
        Some("pseudonymous data to {vendor} at {host}; `{command} disable` says no"),
        Some(""),
    ] {
        let text = Question { text, ..QUESTION }.text();
        for fact in ["pseudonymous", "Example Ltd", "here.example", "greet telemetry disable"] {
            assert!(text.to_lowercase().contains(&fact.to_lowercase()), "{fact} is not in {text}");
        }
        assert!(!text.contains('{'), "{text}");
    }
    let complete = Some("pseudonymous data to {vendor} at {host}; `{command} disable` says no");
    assert_eq!(Question { text: complete, ..QUESTION }.text().lines().count(), 1, "nothing to add");
}

fn talk(typed: &str) -> Answer {
    dialogue("Text.", &mut typed.as_bytes(), &mut Vec::new()).unwrap()
}

#[test]
fn enter_means_no_and_only_a_whole_yes_means_yes() {
    for yes in ["y\n", "YES\n", " yes \n", "nay\nyes\n", "y"] {
        assert_eq!(talk(yes), Answer::Yes, "{yes:?}");
    }
    for no in ["\n", "n\n", "No\n", "\r\n", "maybe\n\n"] {
        assert_eq!(talk(no), Answer::No, "{no:?}");
    }
    for skip in ["", "s\n", "later\n", "nay\nany\nyep\nyes\n", "yesterday\n"] {
        assert_eq!(talk(skip), Answer::Skip, "{skip:?}");
    }
}

#[test]
fn an_endless_line_is_no_answer() {
    assert_eq!(talk(&"y".repeat(1 << 20)), Answer::Skip);
}
