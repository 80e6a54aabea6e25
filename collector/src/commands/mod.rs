//! The user's subcommand, as plain functions (feature `commands`) and as arguments to mount (feature `clap`).
//!
//! A tool with `clap` and without `commands` mounts the same [`Args`], which hand every argument to the program
//! `<tool>-telemetry` beside the tool; see [`helper()`](crate::helper()). A tool with neither calls [`hand_over()`].
//!
//! The functions work on the session that [`start!`](crate::start!) began and return what they did; only
//! [`Args::run`] prints.
//!
//! None of them is ever recorded, and neither is a command that calls one, such as an annotated dispatcher
//! or `main`: it is taken back, with its arguments, as if it had never begun. Where [`Args::run`] runs, no
//! command of that process is recorded, whichever thread it is on. What puts the question ([`ask_once`],
//! [`ask_at_init`]) is part of the tool's own command, which is recorded like any other.

#[cfg(feature = "commands")]
mod functions;
pub(crate) mod hand_over;
#[cfg(feature = "clap")]
mod init;
mod question;
#[cfg(all(feature = "clap", feature = "commands"))]
mod subcommand;

#[cfg(feature = "commands")]
pub use functions::*;
#[cfg(all(feature = "clap", not(feature = "commands")))]
pub use hand_over::Args;
pub use hand_over::hand_over;
#[cfg(feature = "clap")]
pub use init::InitArgs;
pub use question::{ask_at_init, ask_once, skips_by_default};
#[cfg(all(feature = "clap", feature = "commands"))]
pub use subcommand::{Action, Args};

use crate::session::{NoSession, Session};

/// Why a command could not do its work; the text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is nothing to work on.
    #[error(transparent)]
    NoSession(#[from] NoSession),
    /// The decision could not be stored.
    #[error(
        "telemetry stays off: your yes could not be stored in {path}: {error}. Make that directory writable and try again"
    )]
    NotStored {
        /// Where it was to be stored.
        path: std::path::PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The no could not be stored, and the yes could not be removed.
    #[error(transparent)]
    StillEnabled(#[from] crate::consent::StillEnabled),
    /// The no is stored, and pending events could not be removed.
    #[error(
        "telemetry is disabled, but pending events could not be removed: {0}. They will not be sent; delete the directory by hand"
    )]
    NotPurged(std::io::Error),
    /// Something that is kept here could not be removed.
    #[error(
        "what is kept here could not be removed: {error}. Delete {directory} by hand and run reset again"
    )]
    NotCleared {
        /// Where it is kept.
        directory: std::path::PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// What would be sent cannot be shown.
    #[error("there is nothing to show: {0}")]
    NoPreview(String),
    /// Everything here is cleared, and the request to erase could not be noted.
    #[error(
        "the local data is cleared, but what was sent cannot be asked back: {0}. Make the directory of telemetry writable and run reset again"
    )]
    NoErasure(std::io::Error),
}

/// How the user calls the subcommand.
pub(crate) fn command(session: &Session) -> String {
    format!("{} telemetry", session.config.name())
}
