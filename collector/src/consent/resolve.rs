//! Which step decides.
//!
//! A pure function over what the author, the machine, the environment and the user said. It takes
//! them as closures, so that nothing is opened that is not needed: where the environment says no,
//! no file is.

use crate::consent::environment::{DO_NOT_TRACK, ENABLED, LOCAL};
use crate::consent::machine::Source;
use crate::consent::{Decision, Harness, MachinePolicy, Record, Stored, Switch, Unreadable, tool_variable};
use std::ffi::OsString;

/// What may be done with events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum May {
    /// Nothing: they are not even recorded.
    #[default]
    Off,
    /// They are recorded for the user's own eyes and never sent.
    Local,
    /// They are recorded and sent.
    Send,
}

/// What the tool's author declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Author<'a> {
    /// The tool's name, of which its own variable is made.
    pub tool_name: &'a str,
    /// The author's own gate: false switches everything off.
    pub enabled: bool,
    /// On without asking.
    pub force: bool,
    /// The number of the policy in force; a higher one than the user agreed to asks again.
    pub policy: u32,
    /// Where events go. Compared as it is: another text is another destination.
    pub destination: &'a str,
    /// Whether debug builds send, too. They stay local otherwise.
    pub debug_sends: bool,
    /// Whether a run under test is a run like any other.
    pub tests_count: bool,
}

/// Everything that decides.
pub struct Inputs<'a> {
    /// What the author declared.
    pub author: &'a Author<'a>,
    /// Whether the tool is a debug build.
    pub debug_build: bool,
    /// A variable of the environment.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// The machine's policy; see [`machine_policy`](crate::consent::machine_policy).
    pub machine: &'a dyn Fn() -> MachinePolicy,
    /// The test harness; see [`Harness::detect`].
    pub harness: &'a dyn Fn() -> Option<Harness>,
    /// What is stored; see [`file::read`](crate::consent::file::read).
    pub stored: &'a dyn Fn() -> Stored,
}

/// The step that decided, strongest first.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DecidedBy {
    /// The tool was built with `--cfg telemetry_off`. Never returned by [`resolve`]: with that flag
    /// there is nothing that would ask it.
    BuiltOut,
    /// The author's own gate is closed.
    AuthorDisabled,
    /// The machine's policy file forbids.
    MachinePolicy(Source),
    /// This is a test.
    TestHarness(Harness),
    /// The author switched it on without asking.
    Forced,
    /// `DO_NOT_TRACK`.
    DoNotTrack,
    /// `<TOOL>_TELEMETRY`, by its name.
    ToolVariable(String),
    /// `TELEMETRY_ENABLED=false`.
    EnabledVariableNo,
    /// The user's stored no.
    StoredNo,
    /// A stored decision that does not count. It may have been a no.
    StoredUnreadable(Unreadable),
    /// `TELEMETRY_ENABLED=true`.
    EnabledVariableYes,
    /// The user's stored yes.
    StoredYes,
    /// Nobody: undecided means off.
    Nobody(Undecided),
}

/// Why nothing is decided.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Undecided {
    /// The user never said anything.
    NeverSaid,
    /// The user's yes was to an older policy.
    OlderPolicy {
        /// The number agreed to.
        agreed: u32,
        /// The number in force.
        now: u32,
    },
    /// The user's yes was to another destination.
    OtherDestination {
        /// The destination agreed to.
        agreed: String,
    },
}

/// Why a yes is local only. Where several reasons hold the first one is told.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LocalBecause {
    /// The machine's policy file says so.
    MachinePolicy(Source),
    /// `TELEMETRY_LOCAL`.
    LocalVariable,
    /// The user chose it, by `<TOOL>_TELEMETRY=local` or a stored decision.
    UserChoice,
    /// A debug build, whose author did not say that it sends.
    DebugBuild,
}

/// A variable whose value is not understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// Its name.
    pub variable: String,
    /// Its value.
    pub value: String,
    /// What it was taken for.
    pub taken_for: &'static str,
    /// What it may be.
    pub allowed: &'static str,
}

/// What may be done, and who says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// What may be done.
    pub may: May,
    /// The step that decided.
    pub decided_by: DecidedBy,
    /// Why it is local only, where it is.
    pub local_because: Option<LocalBecause>,
    /// Values that were not understood, whether or not they mattered.
    pub warnings: Vec<Warning>,
}

/// What may be done, with the true step named. What `status` shows.
#[must_use]
pub fn resolve(inputs: &Inputs<'_>) -> Verdict {
    let variables = Variables::read(inputs);
    let warnings = variables.warnings();
    let (decided_by, yes) = decide(inputs, &variables);
    let (may, local_because) = match yes {
        None => (May::Off, None),
        Some(local) => match local_because(inputs, &variables, local) {
            None => (May::Send, None),
            because => (May::Local, because),
        },
    };
    Verdict { may, decided_by, local_because, warnings }
}

/// What may be done, at the least cost: what a tool asks at its start.
///
/// The same [`Verdict::may`] as [`resolve`] gives, always. Where it is [`May::Off`] a weaker step
/// than the strongest may be named, because the machine's policy and the test harness, which can only
/// forbid, are looked at only where something would be recorded.
#[must_use]
pub fn at_start(inputs: &Inputs<'_>) -> Verdict {
    let cheap = Inputs { machine: &|| MachinePolicy::Silent, harness: &|| None, ..*inputs };
    let verdict = resolve(&cheap);
    if verdict.may == May::Off {
        return verdict;
    }
    match (inputs.machine)() {
        MachinePolicy::Off(source) => verdict.off(DecidedBy::MachinePolicy(source)),
        machine => match harness(inputs) {
            Some(harness) => verdict.off(DecidedBy::TestHarness(harness)),
            None => match machine {
                MachinePolicy::LocalOnly(source) => Verdict {
                    may: May::Local,
                    local_because: Some(LocalBecause::MachinePolicy(source)),
                    ..verdict
                },
                _ => verdict,
            },
        },
    }
}

/// How far a step that says yes goes by itself.
type Yes = Option<Reach>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Anywhere,
    Here,
}

fn decide(inputs: &Inputs<'_>, variables: &Variables) -> (DecidedBy, Yes) {
    let author = inputs.author;
    if !author.enabled {
        return (DecidedBy::AuthorDisabled, None);
    }
    if let MachinePolicy::Off(source) = (inputs.machine)() {
        return (DecidedBy::MachinePolicy(source), None);
    }
    if let Some(harness) = harness(inputs) {
        return (DecidedBy::TestHarness(harness), None);
    }
    if author.force {
        return (DecidedBy::Forced, Some(Reach::Anywhere));
    }
    if variables.do_not_track == Switch::On {
        return (DecidedBy::DoNotTrack, None);
    }
    let tool = || DecidedBy::ToolVariable(variables.tool_name.clone());
    match variables.tool {
        Switch::On => return (tool(), Some(Reach::Anywhere)),
        Switch::Local => return (tool(), Some(Reach::Here)),
        Switch::Off | Switch::Unclear(_) => return (tool(), None),
        Switch::Unset => {}
    }
    if matches!(variables.enabled, Switch::Off | Switch::Unclear(_)) {
        return (DecidedBy::EnabledVariableNo, None);
    }
    let enabled = variables.enabled == Switch::On;
    match (inputs.stored)() {
        Stored::Unreadable(why) => (DecidedBy::StoredUnreadable(why), None),
        Stored::Record(record) => match record.decision {
            Decision::Denied => (DecidedBy::StoredNo, None),
            // Local only is also a no to sending, and a stored no outranks the variable.
            Decision::LocalOnly if enabled => (DecidedBy::EnabledVariableYes, Some(Reach::Here)),
            _ if enabled => (DecidedBy::EnabledVariableYes, Some(Reach::Anywhere)),
            Decision::Granted => covered(&record, author, Reach::Anywhere),
            Decision::LocalOnly => covered(&record, author, Reach::Here),
            Decision::Undecided => (DecidedBy::Nobody(Undecided::NeverSaid), None),
        },
        Stored::Nothing if enabled => (DecidedBy::EnabledVariableYes, Some(Reach::Anywhere)),
        Stored::Nothing => (DecidedBy::Nobody(Undecided::NeverSaid), None),
    }
}

/// A stored yes, as far as it covers what the author now does. Local only goes nowhere, so it covers
/// every destination.
fn covered(record: &Record, author: &Author<'_>, reach: Reach) -> (DecidedBy, Yes) {
    if author.policy > record.policy {
        let why = Undecided::OlderPolicy { agreed: record.policy, now: author.policy };
        (DecidedBy::Nobody(why), None)
    } else if reach == Reach::Anywhere && record.destination != author.destination {
        (DecidedBy::Nobody(Undecided::OtherDestination { agreed: record.destination.clone() }), None)
    } else {
        (DecidedBy::StoredYes, Some(reach))
    }
}

fn local_because(inputs: &Inputs<'_>, variables: &Variables, reach: Reach) -> Option<LocalBecause> {
    if let MachinePolicy::LocalOnly(source) = (inputs.machine)() {
        Some(LocalBecause::MachinePolicy(source))
    } else if matches!(variables.local, Switch::On | Switch::Unclear(_)) {
        Some(LocalBecause::LocalVariable)
    } else if reach == Reach::Here {
        Some(LocalBecause::UserChoice)
    } else if inputs.debug_build && !inputs.author.debug_sends {
        Some(LocalBecause::DebugBuild)
    } else {
        None
    }
}

fn harness(inputs: &Inputs<'_>) -> Option<Harness> {
    if inputs.author.tests_count { None } else { (inputs.harness)() }
}

struct Variables {
    do_not_track: Switch,
    tool_name: String,
    tool: Switch,
    enabled: Switch,
    local: Switch,
}

impl Variables {
    fn read(inputs: &Inputs<'_>) -> Self {
        let tool_name = tool_variable(inputs.author.tool_name);
        Self {
            do_not_track: Switch::do_not_track((inputs.environment)(DO_NOT_TRACK)),
            tool: Switch::with_local((inputs.environment)(&tool_name)),
            enabled: Switch::boolean((inputs.environment)(ENABLED)),
            local: Switch::boolean((inputs.environment)(LOCAL)),
            tool_name,
        }
    }

    fn warnings(&self) -> Vec<Warning> {
        [
            (self.tool_name.as_str(), &self.tool, "off", "on, off or local"),
            (ENABLED, &self.enabled, "false", "true or false"),
            (LOCAL, &self.local, "true", "true or false"),
        ]
        .into_iter()
        .filter_map(|(variable, switch, taken_for, allowed)| match switch {
            Switch::Unclear(value) => {
                Some(Warning { variable: variable.to_owned(), value: value.clone(), taken_for, allowed })
            }
            _ => None,
        })
        .collect()
    }
}

impl Verdict {
    fn off(self, decided_by: DecidedBy) -> Self {
        Self { may: May::Off, decided_by, local_because: None, ..self }
    }

    /// Whether asking the user could change it: nothing is decided, and nothing that is stored would
    /// be lost by an answer.
    #[must_use]
    pub fn is_open_question(&self) -> bool {
        matches!(self.decided_by, DecidedBy::Nobody(_))
    }
}

#[cfg(test)]
#[path = "precedence.rs"]
mod precedence;
