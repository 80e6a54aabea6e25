//! What would leave this machine, before it does.

use super::CommandError;
use crate::backend::preview::{self, Preview};
use crate::event::Timestamp;

/// The request that would be sent now, made by the real backend; nothing is sent, stored or created. See
/// [`Preview`].
///
/// # Errors
/// Where telemetry was not started, or the backend cannot be opened.
pub fn preview() -> Result<Preview, CommandError> {
    preview_at(Timestamp::now())
}

/// The same as of another time: with the time of an attempt it is that attempt's request.
///
/// # Errors
/// As [`preview()`].
pub fn preview_at(now: Timestamp) -> Result<Preview, CommandError> {
    preview::preview(&*super::begin()?, now).map_err(CommandError::NoPreview)
}
