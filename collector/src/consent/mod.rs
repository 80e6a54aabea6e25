//! May we record, and may we send: the user's decision and everything that outranks it.
//!
//! What this promises, and why:
//!
//! - **Nothing is a yes by accident.** A consent file that is damaged, another user's, a symbolic
//!   link or from a newer version is never a yes, and neither is a variable whose value cannot be
//!   understood: both read as no, with a reason that `status` shows.
//! - **One function decides.** [`resolve`] is pure and names the step that decided. The order is the
//!   one in [`DecidedBy`]'s documentation, strongest first.
//! - **A no takes effect at once.** [`deny`] stores the no first and then waits for the lock that
//!   every request is sent under ([`SendPermit`]): after it has returned no request begins. Running
//!   recorders notice through their [`Gate`].
//! - **A no costs nothing.** At most one open of one file, nothing written, and no open at all where
//!   the environment says no ([`at_start`]).
//!
//! # The environment
//!
//! | variable | values | says |
//! | --- | --- | --- |
//! | `DO_NOT_TRACK` | anything but empty and `0` | no |
//! | `<TOOL>_TELEMETRY` | `on`, `off`, `local` | yes, no, local only, for this tool |
//! | `TELEMETRY_ENABLED` | `true`, `false` | yes, no, for every tool |
//! | `TELEMETRY_LOCAL` | `true`, `false` | turns any yes into local only; never enables |
//! | `TELEMETRY_IN_TESTS` | `1` | a run under test counts like any other; never a yes |
//!
//! `1`, `yes`, `t`, `y`, `enabled` and their opposites will do as well, in any case. An empty value
//! is as good as none. A value that is not understood reads as the most private that the variable can
//! say (no, or local only) and is a [`Warning`]: who mistypes `off` must not be tracked for it.
//!
//! # The machine's policy
//! By which an administrator forbids, for every user:
//!
//! | system | for every tool that uses this library | for one tool |
//! | --- | --- | --- |
//! | Linux, BSD and other Unix | `/etc/cli-telemetry/policy` | `/etc/cli-telemetry/<tool id>.policy` |
//! | macOS | `/Library/Application Support/cli-telemetry/policy` | `…/<tool id>.policy` |
//! | Windows | `%ProgramData%\cli-telemetry\policy` | `…\<tool id>.policy` |
//!
//! The file holds one word: `off`, or `local` for local only. `#` begins a comment. Of two files the
//! stricter one holds. A file that says anything else, or nothing, or cannot be read, forbids.
//!
//! # Tests
//! A tool's own tests neither record nor send nor ask: see [`Harness`] for how a test is recognised.
//! A test of telemetry itself sets `TELEMETRY_IN_TESTS=1`, or starts the tool with a cleared
//! environment, or the author says [`tests_count`](Author::tests_count).
//!
//! # Files
//! All in the tool's own directory ([`Place`]), each private to the user:
//!
//! | file | what | written by |
//! | --- | --- | --- |
//! | `consent` | the decision | only the user's own commands and answers, by atomic replacement |
//! | `consent.lock` | never replaced; locked shared for each request, exclusively by a denial | senders |
//! | `senders` | which processes hold the shared lock | senders |
//! | `asked` | that the question was put and skipped | asking |
//! | `identity` | the salt and the remembered machine id | the first record after a yes |
//! | `ids` | the ids that were sent under | senders |
//! | `erasure`, `erasure.last`, `erasure.lock` | a request to erase that waits, how the last one ended, whose turn it is | `reset`, senders |
//! | `deliveries` | what was sent, for `log`: no event, only when, how many, where to and what came of it | senders |
//!
//! The salt and the remembered id are not part of `consent` because recorders write them: whoever
//! rewrites a file to add to it may put back a yes that a denial has just replaced. `consent` is
//! therefore never rewritten to add something, and a lock that could prevent that would let a stopped
//! recorder hold up a denial.

mod ask;
mod decide;
mod environment;
mod explain;
pub mod file;
mod gate;
mod harness;
mod machine;
mod permit;
mod record;
mod resolve;

use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "prompt")]
pub use ask::Terminal;
pub use ask::{Answer, Asked, Asker, Occasion, Question, Unasked, ask};
pub use decide::{Denial, PATIENCE, StillEnabled, StoredHow, SystemWait, Wait, allow, deny};
pub(crate) use environment::{DO_NOT_TRACK, LOCAL};
pub use environment::{Switch, tool_variable};
pub use file::{Stored, Unreadable};
pub use gate::Gate;
pub use harness::Harness;
pub use machine::{MachinePolicy, Source, machine_policy};
pub use permit::{Holder, Refused, SendPermit};
pub use record::Record;
pub use resolve::{
    Author, DecidedBy, Inputs, LocalBecause, May, Undecided, Verdict, Warning, at_start, resolve,
};

/// What the user said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Decision {
    /// Nothing yet.
    #[default]
    Undecided,
    /// Yes: record and send.
    Granted,
    /// Record for the user's own eyes, send nothing.
    LocalOnly,
    /// No.
    Denied,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 4] = [Self::Undecided, Self::Granted, Self::LocalOnly, Self::Denied];

    /// The word for it, in the file and for the user.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::Granted => "granted",
            Self::LocalOnly => "local only",
            Self::Denied => "denied",
        }
    }

    /// Whether it allows to record.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Granted | Self::LocalOnly)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Where one tool keeps one user's decision: a directory of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    directory: PathBuf,
}

impl Place {
    /// The place in this directory, which need not exist before something is stored.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The decision's file.
    #[must_use]
    pub fn consent(&self) -> PathBuf {
        self.directory.join("consent")
    }

    /// What each request is sent under.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.directory.join("consent.lock")
    }

    /// Which processes are sending.
    #[must_use]
    pub fn senders(&self) -> PathBuf {
        self.directory.join("senders")
    }

    /// That the question was put.
    #[must_use]
    pub fn asked(&self) -> PathBuf {
        self.directory.join("asked")
    }
}
