//! The user's subcommand as plain functions.

mod decide;
mod doctor;
mod flush;
mod log;
mod preview;
mod reset;
mod status;

pub use crate::backend::preview::{Of, Preview, Request};
pub use crate::delivery::Delivery;
pub use crate::erasure::Progress;
pub use decide::{Disabled, Enabled, disable, enable};
pub use doctor::{Check, Diagnosis, Outcome, doctor};
pub use flush::{Flushed, flush};
pub use log::{Log, Recorded, State, log};
pub use preview::{preview, preview_at};
pub use reset::{Reset, reset};
pub use status::{Status, status};

use std::sync::Arc;

use super::CommandError;
use crate::session::{self, NoSession, Session};

/// The session, for what is never recorded.
fn begin() -> Result<Arc<Session>, NoSession> {
    crate::command::withdraw_all();
    session::current()
}
