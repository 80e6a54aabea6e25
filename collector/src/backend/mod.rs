//! Where events go: a backend takes a batch and answers with an outcome.
//!
//! [`Backend`] is what an author implements to deliver in native code. The project's own are
//! [`Stdout`] and [`File`] here, and the components, which `component` turns into one.

#[cfg(feature = "components")]
#[doc(hidden)]
pub mod component;
mod file;
pub(crate) mod json;
pub mod preview;
#[cfg(test)]
mod sample;
pub(crate) mod select;
mod stdout;

pub use file::File;
pub(crate) use file::rotated;
pub use stdout::Stdout;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Timestamp};

/// Who the events of one batch happened to. Frozen when they were recorded.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Origin {
    /// 16 hexadecimal digits; none where the author chose no identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// The tool's name.
    pub tool: String,
    /// The tool's version.
    pub tool_version: String,
    /// The operating system, as Rust names it.
    pub os: String,
    /// The operating system's version; may be empty.
    #[serde(default)]
    pub os_version: String,
    /// The processor architecture, as Rust names it.
    pub arch: String,
    /// What the tool was built with, as in `rust 1.95.0`; may be empty.
    #[serde(default)]
    pub runtime: String,
    /// The CI system it ran in, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci: Option<String>,
    /// Whether it ran in a container.
    #[serde(default)]
    pub container: bool,
}

/// Events of one origin, within the backend's [`Limits`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Batch {
    /// Who they happened to.
    pub origin: Origin,
    /// What happened, oldest first.
    pub events: Vec<Event<'static>>,
}

/// What a backend may know about an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SendContext {
    /// 1 for the first attempt at this batch.
    pub attempt: u32,
    /// A UUID, the same for every attempt at this batch.
    pub request_id: String,
    /// The time of this attempt.
    pub now: Timestamp,
}

/// What became of a batch.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The vendor has every event.
    Delivered,
    /// One verdict for each event, in the batch's order.
    Partial(Vec<Verdict>),
    /// To be sent again, not before `after`.
    Retry {
        /// What the vendor said.
        reason: String,
        /// When the vendor asks for the next attempt.
        after: Option<Duration>,
    },
    /// Too big for one request: cut in two.
    TooLarge,
    /// Never to be sent again.
    Rejected(String),
    /// Nothing can be delivered until the author or the user acts: a missing or broken backend, a
    /// place that was not granted. Events stay where they are.
    Held(String),
    /// The backend itself failed: it trapped, took too long, or answered nonsense.
    Failed(String),
    /// The user's consent no longer covers it: nothing was sent.
    Forbidden,
}

/// What became of one event.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// The vendor has it.
    Delivered,
    /// To be sent again.
    Retry(String),
    /// Never to be sent again.
    Rejected(String),
}

/// What became of a request to erase.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Erasure {
    /// Accepted, with what the vendor gave as proof.
    Receipt(String),
    /// Not possible from here; what the user can do instead.
    Unsupported(String),
    /// To be tried again.
    Retry {
        /// What the vendor said.
        reason: String,
        /// When the vendor asks for the next attempt.
        after: Option<Duration>,
    },
}

/// What one batch may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Most events.
    pub events: u32,
    /// Most bytes, by the estimate of the events' JSON form.
    pub bytes: u64,
    /// Most bytes of one event. A bigger one is set aside and counted.
    pub event_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events: 1_000, bytes: 4 * 1024 * 1024, event_bytes: 512 * 1024 }
    }
}

/// Leave for one request. Kept until the request has ended, so that `disable` can wait for it.
pub(crate) type Permit = Box<dyn std::any::Any + Send>;

/// Asks whether one request may leave now: the consent, re-read under its lock. The error says why not.
pub(crate) type Ask = std::sync::Arc<dyn Fn() -> Result<Permit, String> + Send + Sync>;

/// Something that delivers events in native code.
///
/// ```
/// use telemetry::backend::{Backend, Batch, Outcome, SendContext};
///
/// /// Counts what it gets.
/// struct Counter(u64);
///
/// impl Backend for Counter {
///     fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
///         self.0 += batch.events.len() as u64;
///         Outcome::Delivered
///     }
/// }
/// ```
pub trait Backend: Send {
    /// What one batch may hold.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Delivers a batch. The library holds leave for one request while it runs, and does not call
    /// it without.
    fn send(&mut self, batch: &Batch, context: &SendContext) -> Outcome;

    /// Asks the vendor to erase what it has under these machine ids.
    fn erase(&mut self, machine_ids: &[String], context: &SendContext) -> Erasure {
        let _ = (machine_ids, context);
        Erasure::Unsupported("this backend has no way to erase; ask the tool's author".into())
    }

    /// Bytes of all request bodies so far, where the backend counts them; for the user's `log`.
    fn bytes_sent(&self) -> Option<u64> {
        None
    }

    /// What the backend has to say since the last call, for the author's log.
    fn take_log(&mut self) -> Vec<String> {
        Vec::new()
    }
}

impl<B: Backend + ?Sized> Backend for Box<B> {
    fn limits(&self) -> Limits {
        (**self).limits()
    }

    fn send(&mut self, batch: &Batch, context: &SendContext) -> Outcome {
        (**self).send(batch, context)
    }

    fn erase(&mut self, machine_ids: &[String], context: &SendContext) -> Erasure {
        (**self).erase(machine_ids, context)
    }

    fn bytes_sent(&self) -> Option<u64> {
        (**self).bytes_sent()
    }

    fn take_log(&mut self) -> Vec<String> {
        (**self).take_log()
    }
}
