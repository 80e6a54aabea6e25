//! What the library has to say to the tool's author: through a hook, never to a terminal.

use std::fmt;
use std::sync::Arc;

/// One thing the author may want to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// What happened, where, and what to do next.
    pub message: String,
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Of use when looking for a fault.
    Debug,
    /// Something did not go as configured; nothing is lost.
    Warning,
    /// Events were lost, or cannot be delivered until somebody acts.
    Error,
}

/// The author's hook.
#[derive(Clone)]
pub(crate) struct Logger(Arc<dyn Fn(&Diagnostic) + Send + Sync>);

impl Logger {
    pub(crate) fn new(hook: impl Fn(&Diagnostic) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    /// Calls the hook. A hook that panics is the author's, not a reason to end the tool.
    pub(crate) fn log(&self, severity: Severity, message: impl Into<String>) {
        let diagnostic = Diagnostic { severity, message: message.into() };
        let hook = std::panic::AssertUnwindSafe(|| (self.0)(&diagnostic));
        let _ = std::panic::catch_unwind(hook);
    }
}

impl Default for Logger {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Logger")
    }
}
