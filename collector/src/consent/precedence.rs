//! Every combination of what decides, against the documented precedence.
//!
//! The precedence is written down a second time here, as a table that is read from top to bottom: the
//! first row whose conditions all hold names the step and what it says. The table knows nothing of
//! the code. A second table says when a yes is local only, and a third, whether the user is asked: by what
//! decided, and by the terminal.

use super::*;
use crate::consent::ask::{Occasion, Unasked, unasked};
use std::path::PathBuf;

#[derive(Clone, Copy, Debug)]
struct Case {
    enabled: bool,
    force: bool,
    machine: &'static str,
    harness: &'static str,
    do_not_track: &'static str,
    tool: &'static str,
    all: &'static str,
    local: &'static str,
    stored: &'static str,
    build: &'static str,
}

/// `-` is a variable that is not set.
const DO_NOT_TRACK_VALUES: [&str; 3] = ["-", "0", "1"];
const HARNESSES: [&str; 3] = ["none", "test", "test that counts"];
const TOOL_VALUES: [&str; 5] = ["-", "on", "off", "local", "maybe"];
const SWITCHES: [&str; 4] = ["-", "true", "false", "maybe"];
const MACHINE: [&str; 3] = ["silent", "local", "off"];
const STORED: [&str; 10] = [
    "nothing",
    "undecided",
    "granted",
    "granted, newer policy",
    "granted, older policy",
    "granted, other destination",
    "local",
    "local, older policy, other destination",
    "denied",
    "unreadable",
];
const BUILDS: [&str; 3] = ["release", "debug", "debug that sends"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Says {
    No,
    Yes,
    /// Yes as far as this computer.
    YesLocal,
}
use Says::{No, Yes, YesLocal};

/// A step's name, when it applies, and what it says then.
type Row = (&'static str, fn(&Case) -> bool, Says);

const PRECEDENCE: [Row; 19] = [
    ("author disabled", |c| !c.enabled, No),
    ("machine policy", |c| c.machine == "off", No),
    ("test harness", |c| c.harness == "test", No),
    ("forced", |c| c.force, Yes),
    ("do not track", |c| c.do_not_track == "1", No),
    ("tool variable", |c| c.tool == "off", No),
    ("tool variable", |c| c.tool == "maybe", No),
    ("tool variable", |c| c.tool == "on", Yes),
    ("tool variable", |c| c.tool == "local", YesLocal),
    ("enabled variable no", |c| c.all == "false", No),
    ("enabled variable no", |c| c.all == "maybe", No),
    ("stored no", |c| c.stored == "denied", No),
    ("stored unreadable", |c| c.stored == "unreadable", No),
    // A stored "local only" is a stored no to sending, which the variable does not outrank.
    ("enabled variable yes", |c| c.all == "true" && c.stored.starts_with("local"), YesLocal),
    ("enabled variable yes", |c| c.all == "true", Yes),
    ("stored yes", |c| c.stored == "granted" || c.stored == "granted, newer policy", Yes),
    ("stored yes", |c| c.stored == "local", YesLocal),
    ("nobody: policy", |c| c.stored.contains("older policy"), No),
    ("nobody: destination", |c| c.stored == "granted, other destination", No),
];
/// What is left: nothing, or a record that decides nothing.
const OTHERWISE: (&str, Says) = ("nobody: never said", No);

/// Why it is local only, and when.
type LocalRow = (&'static str, fn(&Case, Says) -> bool);

const LOCAL_ONLY: [LocalRow; 5] = [
    ("machine policy", |c, _| c.machine == "local"),
    ("local variable", |c, _| c.local == "true"),
    ("local variable", |c, _| c.local == "maybe"),
    ("user choice", |_, says| says == YesLocal),
    ("debug build", |c, _| c.build == "debug"),
];

fn expected(case: &Case) -> (May, &'static str, Option<&'static str>) {
    let (step, says) = PRECEDENCE
        .iter()
        .find(|(_, applies, _)| applies(case))
        .map_or(OTHERWISE, |(step, _, says)| (*step, *says));
    if says == No {
        return (May::Off, step, None);
    }
    match LOCAL_ONLY.iter().find(|(_, applies)| applies(case, says)) {
        Some((why, _)) => (May::Local, step, Some(why)),
        None => (May::Send, step, None),
    }
}

fn step_name(step: &DecidedBy) -> &'static str {
    match step {
        DecidedBy::BuiltOut => "built out",
        DecidedBy::AuthorDisabled => "author disabled",
        DecidedBy::MachinePolicy(_) => "machine policy",
        DecidedBy::TestHarness(_) => "test harness",
        DecidedBy::Forced => "forced",
        DecidedBy::DoNotTrack => "do not track",
        DecidedBy::ToolVariable(_) => "tool variable",
        DecidedBy::EnabledVariableNo => "enabled variable no",
        DecidedBy::StoredNo => "stored no",
        DecidedBy::StoredUnreadable(_) => "stored unreadable",
        DecidedBy::EnabledVariableYes => "enabled variable yes",
        DecidedBy::StoredYes => "stored yes",
        DecidedBy::Nobody(Undecided::NeverSaid) => "nobody: never said",
        DecidedBy::Nobody(Undecided::OlderPolicy { .. }) => "nobody: policy",
        DecidedBy::Nobody(Undecided::OtherDestination { .. }) => "nobody: destination",
    }
}

fn local_name(because: &LocalBecause) -> &'static str {
    match because {
        LocalBecause::MachinePolicy(_) => "machine policy",
        LocalBecause::LocalVariable => "local variable",
        LocalBecause::UserChoice => "user choice",
        LocalBecause::DebugBuild => "debug build",
    }
}

const HERE: &str = "https://here.example";
const POLICY: u32 = 2;

fn stored(name: &str) -> Stored {
    let record = |decision, policy, destination: &str| {
        Stored::Record(Record { decision, policy, destination: destination.to_owned(), ..Record::default() })
    };
    match name {
        "nothing" => Stored::Nothing,
        "undecided" => record(Decision::Undecided, POLICY, HERE),
        "granted" => record(Decision::Granted, POLICY, HERE),
        "granted, newer policy" => record(Decision::Granted, POLICY + 1, HERE),
        "granted, older policy" => record(Decision::Granted, POLICY - 1, HERE),
        "granted, other destination" => record(Decision::Granted, POLICY, "https://elsewhere.example"),
        "local" => record(Decision::LocalOnly, POLICY, "https://elsewhere.example"),
        "local, older policy, other destination" => record(Decision::LocalOnly, POLICY - 1, ""),
        "denied" => record(Decision::Denied, POLICY, HERE),
        "unreadable" => Stored::Unreadable(Unreadable::Damaged),
        other => panic!("{other} is no stored decision"),
    }
}

fn with_inputs<R>(case: &Case, then: impl FnOnce(&Inputs<'_>) -> R) -> R {
    let author = Author {
        tool_name: "greet",
        enabled: case.enabled,
        force: case.force,
        policy: POLICY,
        destination: HERE,
        debug_sends: case.build == "debug that sends",
        tests_count: case.harness == "test that counts",
    };
    let source = || Source { path: PathBuf::from("/etc/cli-telemetry/policy"), remark: None };
    then(&Inputs {
        author: &author,
        debug_build: case.build != "release",
        environment: &|name| {
            let value = match name {
                "DO_NOT_TRACK" => case.do_not_track,
                "GREET_TELEMETRY" => case.tool,
                "TELEMETRY_ENABLED" => case.all,
                "TELEMETRY_LOCAL" => case.local,
                other => panic!("{other} decides nothing"),
            };
            (value != "-").then(|| value.into())
        },
        machine: &|| match case.machine {
            "silent" => MachinePolicy::Silent,
            "local" => MachinePolicy::LocalOnly(source()),
            _ => MachinePolicy::Off(source()),
        },
        harness: &|| (case.harness != "none").then_some(Harness::TestBinary),
        stored: &|| stored(case.stored),
    })
}

/// All cases.
fn each_case(then: impl FnMut(&Case)) -> usize {
    every_nth_case(1, then)
}

/// Every nth of all cases. With a prime that divides no dimension each value meets each other one.
fn every_nth_case(step: usize, mut then: impl FnMut(&Case)) -> usize {
    const BOTH: [bool; 2] = [false, true];
    let mut count = 0;
    // One nesting per thing that decides would run off the page: the cases are numbered instead, and
    // a number's digits choose.
    let sizes = [2, 2, MACHINE.len(), 3, 3, 5, 4, 4, STORED.len(), BUILDS.len()];
    for number in (0..sizes.iter().product()).step_by(step) {
        let mut rest = number;
        let mut digit = |size: usize| {
            let digit = rest % size;
            rest /= size;
            digit
        };
        then(&Case {
            enabled: BOTH[digit(2)],
            force: BOTH[digit(2)],
            machine: MACHINE[digit(MACHINE.len())],
            harness: HARNESSES[digit(3)],
            do_not_track: DO_NOT_TRACK_VALUES[digit(3)],
            tool: TOOL_VALUES[digit(5)],
            all: SWITCHES[digit(4)],
            local: SWITCHES[digit(4)],
            stored: STORED[digit(STORED.len())],
            build: BUILDS[digit(BUILDS.len())],
        });
        count += 1;
    }
    count
}

#[test]
fn every_combination_is_decided_by_the_documented_step() {
    let mut steps = std::collections::BTreeSet::new();
    let count = each_case(|case| {
        let verdict = with_inputs(case, resolve);
        let found =
            (verdict.may, step_name(&verdict.decided_by), verdict.local_because.as_ref().map(local_name));
        assert_eq!(found, expected(case), "{case:?}");
        assert_eq!(verdict.is_open_question(), found.1.starts_with("nobody"), "{case:?}");
        steps.insert(found.1);
    });
    assert_eq!(count, 259_200);
    assert_eq!(steps.len(), 14, "every step decides somewhere: {steps:?}");
}

/// Where the question would be put: the terminal's part.
#[derive(Clone, Copy, Debug)]
struct At {
    occasion: Occasion,
    skipped_before: bool,
}

/// Why the user is not asked, and when.
type UnaskedRow = (Unasked, fn(&str, &At) -> bool);

const UNASKED: [UnaskedRow; 6] = [
    (Unasked::Decided, |step, _| !step.starts_with("nobody")),
    (Unasked::Protocol, |_, at| at.occasion.protocol),
    (Unasked::Ci("GitHub Actions"), |_, at| at.occasion.ci.is_some()),
    (Unasked::NoTerminal, |_, at| !at.occasion.can_read),
    (Unasked::NoTerminal, |_, at| !at.occasion.can_show),
    // The tool's `init` asks again.
    (Unasked::SkippedBefore, |_, at| at.skipped_before && !at.occasion.again),
];

/// All of a terminal's part: stdin, stderr, CI, a protocol on stdio, an `init`, a question skipped before.
fn occasions() -> Vec<At> {
    (0..64u8)
        .map(|number| {
            let bit = |at: u8| number & (1 << at) != 0;
            let occasion = Occasion {
                can_read: bit(0),
                can_show: bit(1),
                ci: bit(2).then_some("GitHub Actions"),
                protocol: bit(3),
                again: bit(4),
            };
            At { occasion, skipped_before: bit(5) }
        })
        .collect()
}

#[test]
fn in_every_combination_and_at_every_terminal_the_question_is_put_where_it_is_documented_to_be() {
    let occasions = occasions();
    let (mut put, mut count) = (0, 0);
    each_case(|case| {
        let verdict = with_inputs(case, resolve);
        let (_, step, _) = expected(case);
        for at in &occasions {
            let expected = UNASKED.iter().find(|(_, applies)| applies(step, at)).map(|(why, _)| *why);
            let found = unasked(&verdict, at.occasion, &|| at.skipped_before);
            assert_eq!(found, expected, "{case:?} {at:?}");
            put += usize::from(found.is_none());
            count += 1;
        }
    });
    assert_eq!(count, 259_200 * 64);
    // Three of the terminal's 64: attended, no protocol, no CI, and not skipped before or asked again.
    let mut open = 0;
    each_case(|case| open += usize::from(expected(case).1.starts_with("nobody")));
    assert!(open > 0);
    assert_eq!(put, 3 * open);
}

#[test]
fn what_is_asked_at_the_start_allows_the_same_in_every_combination() {
    every_nth_case(11, |case| {
        let (full, cheap) = with_inputs(case, |inputs| (resolve(inputs), at_start(inputs)));
        assert_eq!(cheap.may, full.may, "{case:?}");
        if full.may != May::Off {
            assert_eq!(cheap, full, "{case:?}");
        }
    });
}

#[test]
fn a_value_that_is_not_understood_is_never_a_yes_and_always_a_warning() {
    every_nth_case(11, |case| {
        let verdict = with_inputs(case, resolve);
        let unclear: Vec<_> = [
            ("GREET_TELEMETRY", case.tool),
            ("TELEMETRY_ENABLED", case.all),
            ("TELEMETRY_LOCAL", case.local),
        ]
        .into_iter()
        .filter(|(_, value)| *value == "maybe")
        .map(|(name, _)| name)
        .collect();
        let warned: Vec<_> = verdict.warnings.iter().map(|warning| warning.variable.as_str()).collect();
        assert_eq!(warned, unclear, "{case:?}");
        // The same with the variable away must allow at least as much.
        let clean = |value| if value == "maybe" { "-" } else { value };
        let without =
            Case { tool: clean(case.tool), all: clean(case.all), local: clean(case.local), ..*case };
        assert!(verdict.may <= with_inputs(&without, resolve).may, "{case:?}");
    });
}

#[test]
fn telemetry_local_never_allows_more() {
    every_nth_case(11, |case| {
        let may = with_inputs(case, resolve).may;
        let without = with_inputs(&Case { local: "-", ..*case }, resolve).may;
        assert!(may <= without, "{case:?}");
        assert!(case.local != "true" || may != May::Send, "{case:?}");
    });
}

#[test]
fn nothing_is_opened_where_the_environment_says_no() {
    every_nth_case(11, |case| {
        let env_says_no = case.enabled
            && !case.force
            && (case.do_not_track == "1"
                || matches!(case.tool, "off" | "maybe")
                || (case.tool == "-" && matches!(case.all, "false" | "maybe")));
        if env_says_no {
            with_inputs(case, |inputs| {
                let opened = |what: &str| -> ! { panic!("{what} was looked at for {case:?}") };
                let verdict = at_start(&Inputs {
                    stored: &|| opened("the consent file"),
                    machine: &|| opened("the machine's policy"),
                    harness: &|| opened("the executable"),
                    ..*inputs
                });
                assert_eq!(verdict.may, May::Off);
            });
        }
    });
}

#[test]
fn an_undecided_or_denied_run_looks_at_the_consent_file_once_and_at_nothing_else() {
    for name in ["nothing", "undecided", "denied", "unreadable", "granted, older policy"] {
        let template = Case {
            enabled: true,
            force: false,
            machine: "off",
            harness: "test",
            do_not_track: "-",
            tool: "-",
            all: "-",
            local: "-",
            stored: name,
            build: "release",
        };
        with_inputs(&template, |inputs| {
            let opened = std::cell::Cell::new(0);
            let verdict = at_start(&Inputs {
                stored: &|| {
                    opened.set(opened.get() + 1);
                    stored(name)
                },
                machine: &|| panic!("the machine's policy was read"),
                harness: &|| panic!("the executable was looked at"),
                ..*inputs
            });
            assert_eq!((verdict.may, opened.get()), (May::Off, 1), "{name}");
        });
    }
}

#[test]
fn every_verdict_says_why_and_what_to_do() {
    let mut reasons = std::collections::BTreeSet::new();
    every_nth_case(11, |case| {
        let verdict = with_inputs(case, resolve);
        reasons.insert((verdict.reason(), verdict.advice("greet telemetry")));
    });
    let all: String = reasons.iter().map(|(reason, advice)| format!("{reason}; {advice}\n")).collect();
    for expected in [
        "off: DO_NOT_TRACK is set; unset DO_NOT_TRACK to decide here\n",
        "off: you have not decided yet; `greet telemetry enable` says yes\n",
        "off: GREET_TELEMETRY is set; unset GREET_TELEMETRY to decide here\n",
        "local only: you said yes; this is a debug build; `greet telemetry disable` says no\n",
        "on: you said yes; `greet telemetry disable` says no\n",
        "off: this machine's policy file /etc/cli-telemetry/policy forbids it; ask the administrator of this machine\n",
        "off: your stored decision does not count, because it is damaged; it is taken for a no; decide again: \
         `greet telemetry enable` or `greet telemetry disable`\n",
    ] {
        assert!(all.contains(expected), "{expected} is not among\n{all}");
    }
}
