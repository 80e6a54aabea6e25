//! What stands between a request that is ready and the network: somebody who must agree, or somebody
//! who only writes down.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::answer::Answer;
use super::request::Outgoing;

/// Why a request may not leave now: consent was withdrawn, for example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    /// What the component, and through it the author, is told.
    pub reason: String,
}

/// Asked right before each request is dialled. What it answers with is held until the last byte of the
/// answer has been read or the request has failed, and dropped then: a lock's guard, for example.
///
/// It is called on a thread of its own and may block; waiting counts against the request's time.
pub type Permit = Arc<dyn Fn(&Outgoing) -> Result<Box<dyn Send>, Denied> + Send + Sync>;

/// Where requests go.
#[derive(Clone)]
pub enum Door {
    /// To the network, each after the permit was asked.
    Network(Permit),
    /// Nowhere: each is written down exactly as it would have left, and answered from a script.
    Record(Recorder),
}

impl Door {
    /// To the network without asking anybody. For tests and the author's own tools.
    pub fn open() -> Self {
        Door::Network(Arc::new(|_| Ok(Box::new(()))))
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Door::Network(_) => "Network",
            Door::Record(_) => "Record",
        })
    }
}

type Script = dyn Fn(usize, &Outgoing) -> Answer + Send + Sync;

/// Writes requests down. Clones share what was written.
#[derive(Clone)]
pub struct Recorder {
    requests: Arc<Mutex<Vec<Outgoing>>>,
    script: Arc<Script>,
}

impl Default for Recorder {
    /// Answers each request with status 200 and an empty body.
    fn default() -> Self {
        Self::answering(|_, _| Answer::status(200))
    }
}

impl Recorder {
    /// Answers from a script, which gets the request's number (from 0) and the request.
    pub fn answering(script: impl Fn(usize, &Outgoing) -> Answer + Send + Sync + 'static) -> Self {
        Self { requests: Arc::default(), script: Arc::new(script) }
    }

    /// Takes what was written down so far.
    pub fn take(&self) -> Vec<Outgoing> {
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn record(&self, outgoing: &Outgoing) -> Answer {
        let number = {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push(outgoing.clone());
            requests.len() - 1
        };
        (self.script)(number, outgoing)
    }
}
