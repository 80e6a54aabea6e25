//! A verdict in words, for `status` and for messages: what was decided, and what to do to change it.

use crate::consent::{DecidedBy, LocalBecause, May, Undecided, Verdict, Warning};
use std::fmt;

impl fmt::Display for May {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Off => "off",
            Self::Local => "local only",
            Self::Send => "on",
        })
    }
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltOut => out.write_str("this program was built without telemetry"),
            Self::AuthorDisabled => out.write_str("the author of this tool has switched it off"),
            Self::MachinePolicy(source) => write!(out, "this machine's policy file {source} forbids it"),
            Self::TestHarness(harness) => write!(out, "this is a test run: {harness}"),
            Self::Forced => out.write_str("the author of this tool has switched it on without asking"),
            Self::DoNotTrack => out.write_str("DO_NOT_TRACK is set"),
            Self::ToolVariable(name) => write!(out, "{name} is set"),
            Self::EnabledVariableNo => out.write_str("TELEMETRY_ENABLED says no"),
            Self::StoredNo => out.write_str("you said no"),
            Self::StoredUnreadable(why) => {
                write!(out, "your stored decision does not count, because {why}; it is taken for a no")
            }
            Self::EnabledVariableYes => out.write_str("TELEMETRY_ENABLED says yes"),
            Self::StoredYes => out.write_str("you said yes"),
            Self::Nobody(why) => fmt::Display::fmt(why, out),
        }
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverSaid => out.write_str("you have not decided yet"),
            Self::OlderPolicy { agreed, now } => {
                write!(out, "your yes was to policy {agreed}, and policy {now} is in force now")
            }
            Self::OtherDestination { agreed } if agreed.is_empty() => {
                out.write_str("your yes was to sending nowhere, and there is a destination now")
            }
            Self::OtherDestination { agreed } => {
                write!(out, "your yes was to sending to {agreed}, and the destination is another one now")
            }
        }
    }
}

impl fmt::Display for LocalBecause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MachinePolicy(source) => {
                write!(out, "this machine's policy file {source} lets nothing leave")
            }
            Self::LocalVariable => out.write_str("TELEMETRY_LOCAL is set"),
            Self::UserChoice => out.write_str("you chose local only"),
            Self::DebugBuild => out.write_str("this is a debug build"),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value, taken_for, allowed } = self;
        write!(out, "{variable}={value:?} is not understood and taken for `{taken_for}`; set it to {allowed}")
    }
}

impl Verdict {
    /// The verdict in a sentence's worth of words, as in `local only: you said yes; this is a debug
    /// build`.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.local_because {
            Some(because) => format!("{}: {}; {because}", self.may, self.decided_by),
            None => format!("{}: {}", self.may, self.decided_by),
        }
    }

    /// What the user can do about it, `command` being the tool's subcommand, as in `greet
    /// telemetry`.
    #[must_use]
    pub fn advice(&self, command: &str) -> String {
        match &self.decided_by {
            DecidedBy::BuiltOut | DecidedBy::AuthorDisabled => {
                "nothing is recorded or sent, and there is nothing to do".to_owned()
            }
            DecidedBy::MachinePolicy(_) => "ask the administrator of this machine".to_owned(),
            DecidedBy::TestHarness(_) => {
                "to try telemetry in a test, set TELEMETRY_IN_TESTS=1 for the tool".to_owned()
            }
            DecidedBy::Forced => {
                "whoever gave you this tool decides; an administrator can forbid it in the machine's policy file"
                    .to_owned()
            }
            DecidedBy::DoNotTrack => "unset DO_NOT_TRACK to decide here".to_owned(),
            DecidedBy::ToolVariable(name) => format!("unset {name} to decide here"),
            DecidedBy::EnabledVariableNo | DecidedBy::EnabledVariableYes => {
                "unset TELEMETRY_ENABLED to decide here".to_owned()
            }
            DecidedBy::StoredUnreadable(_) => {
                format!("decide again: `{command} enable` or `{command} disable`")
            }
            DecidedBy::StoredYes => format!("`{command} disable` says no"),
            DecidedBy::StoredNo | DecidedBy::Nobody(_) => format!("`{command} enable` says yes"),
        }
    }
}
