//! The one trait that a backend's author implements.

use crate::{Batch, Description, Erasure, Http, Outcome, Problem, SendContext};
use serde::de::DeserializeOwned;

/// A backend: what it is, and how it sends.
///
/// `send` takes `&self`, because the same batch and context must give the same requests: an author's
/// preview, a test and a second attempt all rest on it.
pub trait Backend: Sized + 'static {
    /// The author's settings: `[backend.settings]` of `telemetry.toml`.
    ///
    /// A key that [`describe`](Self::describe) does not name is refused, a missing one is filled with
    /// the default that `describe` gives, and a value of the wrong type is reported with its key, so
    /// a field needs no `#[serde(default)]`. [`NoSettings`] takes none.
    type Settings: DeserializeOwned;

    /// What the backend is and what it asks for. Called without settings and without network.
    fn describe() -> Description;

    /// Checks the settings.
    ///
    /// # Errors
    /// Every problem, each with the key it belongs to and what would be right.
    fn configure(settings: Self::Settings) -> Result<Self, Vec<Problem>>;

    /// Delivers one batch, never bigger than the limits that `describe` gave.
    fn send(&self, batch: &Batch, context: &SendContext, http: &mut dyn Http) -> Outcome;

    /// Asks the vendor to erase what it has under these machine ids.
    ///
    /// Without an implementation of its own, the backend says that it cannot.
    fn erase(&self, machine_ids: &[String], context: &SendContext, http: &mut dyn Http) -> Erasure {
        let _ = (machine_ids, context, http);
        Erasure::Unsupported(
            "this backend has no way to erase; write to the tool's support address and name your machine id"
                .into(),
        )
    }
}

/// The settings of a backend that has none: any key is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct NoSettings {}
