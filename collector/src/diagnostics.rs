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
    /// Where the author gave no hook: the tool's `tracing` subscriber with that feature, otherwise nobody.
    fn default() -> Self {
        #[cfg(feature = "tracing")]
        return Self::new(|it| match it.severity {
            Severity::Debug => tracing::debug!(target: "telemetry", "{}", it.message),
            Severity::Warning => tracing::warn!(target: "telemetry", "{}", it.message),
            Severity::Error => tracing::error!(target: "telemetry", "{}", it.message),
        });
        #[cfg(not(feature = "tracing"))]
        Self::new(|_| {})
    }
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tracing::field::{Field, Visit};
    use tracing::span;

    /// Keeps what it is told.
    struct Subscriber(Arc<Mutex<Vec<String>>>);

    struct Message(String);

    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }

    impl tracing::Subscriber for Subscriber {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            let mut message = Message(String::new());
            event.record(&mut message);
            let metadata = event.metadata();
            self.0.lock().unwrap().push(format!("{} {}: {}", metadata.level(), metadata.target(), message.0));
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn without_a_hook_diagnostics_go_to_the_tools_subscriber() {
        let told = Arc::new(Mutex::new(Vec::new()));
        tracing::subscriber::with_default(Subscriber(Arc::clone(&told)), || {
            Logger::default().log(Severity::Warning, "a batch was not delivered: 503");
            Logger::default().log(Severity::Error, "events are held");
        });
        let told = told.lock().unwrap();
        assert_eq!(
            *told,
            ["WARN telemetry: a batch was not delivered: 503", "ERROR telemetry: events are held"]
        );
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Logger")
    }
}
