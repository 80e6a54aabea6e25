//! What can go wrong, said so that an author knows what to do next.

use std::path::PathBuf;
use std::time::Duration;

use crate::types::Problem;

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Bigger than the limit.
    #[error(
        "the component is bigger than {most} bytes; raise `file_bytes` under [backend.limits] if it is meant to be"
    )]
    TooBig {
        /// The limit.
        most: u64,
    },
    /// Not what was pinned.
    #[error(
        "the component's SHA-256 is {found}, but `sha256 = \"{expected}\"` is pinned under [backend]; it is not the file that the author meant"
    )]
    Pin {
        /// What was pinned.
        expected: String,
        /// What was read.
        found: String,
    },
    /// Not a component at all.
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// A component that this host cannot compile.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// Compiling was given up.
    #[error(
        "compiling the component took longer than {0:?}; raise `compile_time` under [backend.limits] if it is meant to"
    )]
    CompileTime(Duration),
    /// It imports what a backend may not have. All offenders are named.
    #[error("the component asks for what a backend may not have:{}", list(.0))]
    Refused(Vec<Offence>),
    /// It does not export what a backend exports.
    #[error("the component is not a telemetry backend: {0}")]
    WrongWorld(String),
    /// It speaks a version of the contract that this host does not.
    #[error(
        "the component speaks version {found} of the contract and this host speaks {known}: build the component for one of these, or the tool with a version of this library that speaks the component's"
    )]
    UnknownTrack {
        /// What it exports.
        found: String,
        /// What would be right.
        known: String,
    },
    /// It needs compiling, and the compiler is not part of this program.
    #[error(
        "the component is not precompiled and this program has no compiler: build it with the feature `compiler`, or precompile the component"
    )]
    NoCompiler,
    /// Precompiled for something else.
    #[error(
        "the precompiled component does not fit this program: {0}; precompile it again with this version"
    )]
    Precompiled(String),
    /// The host itself cannot work here.
    #[error("the component host cannot run here: {0}")]
    Host(String),
}

fn list(offences: &[Offence]) -> String {
    offences.iter().map(|offence| format!("\n  {}: {}", offence.import, offence.cause)).collect()
}

/// An import that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offence {
    /// As the component names it.
    pub import: String,
    /// Why not, and what the likely cause is.
    pub cause: String,
}

/// Why a call gave no answer. The component's instance is thrown away; the batch is untouched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The component trapped: its own bug, a panic, or an attack.
    #[error("the component failed in `{call}`: {reason}")]
    Trapped {
        /// The export, or `instantiation`.
        call: &'static str,
        /// What the engine said.
        reason: String,
    },
    /// It took too long.
    #[error("the component was stopped in `{call}`: it {reason}")]
    TookTooLong {
        /// The export, or `instantiation`.
        call: &'static str,
        /// Which time it was.
        reason: String,
    },
    /// It asked for more than it may have, and failed on being refused.
    #[error("the component failed in `{call}` after it asked for {limit}")]
    LimitHit {
        /// The export, or `instantiation`.
        call: &'static str,
        /// What it asked for.
        limit: String,
    },
    /// It called `exit`.
    #[error("the component called exit in `{call}` with status {status}")]
    Exited {
        /// The export, or `instantiation`.
        call: &'static str,
        /// The status.
        status: i32,
    },
    /// Its answer breaks the contract.
    #[error("the component broke the contract: {0}")]
    Contract(String),
    /// It failed too often in a row and is not called any more.
    #[error("the component is not called any more after {failures} failures in a row; the last: {last}")]
    Broken {
        /// How many failures.
        failures: u32,
        /// The last one's text.
        last: String,
    },
    /// `configure` refused the settings that it took before.
    #[error("the component refused its settings: {}", problems(.0))]
    Settings(Vec<Problem>),
    /// The host's thread ended or does not answer.
    #[error("the component host failed: {0}")]
    Host(String),
}

/// Why a backend did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// `configure` found these.
    #[error("the backend's settings are wrong: {}", problems(.0))]
    Problems(Vec<Problem>),
    /// The component cannot work without these. Each text names the line to add.
    #[error("{}", .0.join("; "))]
    NotGranted(Vec<String>),
    /// The vendor refuses requests without these. Each text names the line to add.
    #[error("{}", .0.join("; "))]
    NoCredential(Vec<String>),
    /// Two grants for one endpoint.
    #[error("endpoint \"{0}\" is granted twice")]
    GrantedTwice(String),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

fn problems(problems: &[Problem]) -> String {
    let each = |problem: &Problem| match problem.key.as_str() {
        "" => problem.message.clone(),
        key => format!("`{key}`: {}", problem.message),
    };
    problems.iter().map(each).collect::<Vec<_>>().join("; ")
}
