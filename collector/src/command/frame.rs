//! One command that is running.

use std::borrow::Cow;
use std::time::Instant;

use super::outcome::Report;
use crate::event::{Attribute, Ended, Event, EventId, Timestamp, Value, kind};
use crate::recorder;

/// The key under which a command names the one that ran it.
pub(crate) const PARENT: &str = "parent";

/// The exit code of a Rust program whose main thread panicked.
const PANIC_CODE: i32 = 101;

/// What is known of a running command. Its event is recorded exactly once, by [`Frame::end`].
pub(super) struct Frame {
    pub(super) id: EventId,
    name: Cow<'static, str>,
    parent: Option<EventId>,
    /// The time of day at the start; zero in a capture.
    time: Timestamp,
    started: Instant,
    /// The thread was unwinding already, so that an end during it says nothing about this command.
    unwinding: bool,
    pub(super) attributes: Vec<Attribute<'static>>,
}

impl Frame {
    /// Leaves the start mark.
    pub(super) fn start(
        name: Cow<'static, str>,
        parent: Option<EventId>,
        attributes: Vec<Attribute<'static>>,
    ) -> Self {
        let (id, time) = recorder::started(&name, parent);
        let unwinding = std::thread::panicking();
        // Last, so that our own work is not part of what is measured.
        Self { id, name, parent, time, unwinding, attributes, started: Instant::now() }
    }

    /// Records a command whose function returned, or that was ended from elsewhere.
    pub(super) fn end(self, ended: Ended, report: Report) {
        let duration = self.started.elapsed();
        let mut attributes = self.attributes;
        if let Some(parent) = self.parent {
            attributes.push(Attribute::new(PARENT, Value::Text(parent.to_string().into())));
        }
        let mut event = Event::new(kind::COMMAND_INVOCATION, &*self.name);
        event.id = self.id;
        // The clock is not read again for it.
        event.time = self.time.after(duration);
        event.duration = Some(duration);
        event.exit_code = report.exit_code;
        event.ended = Some(ended);
        event.error_kind = report.error_kind;
        event.attributes = Cow::Borrowed(&attributes);
        if recorder::extended() {
            event.error = report.error.map(Cow::Owned);
            if self.parent.is_none() {
                event.args = std::env::args_os()
                    .skip(1)
                    .map(|it| Cow::Owned(it.to_string_lossy().into_owned()))
                    .collect::<Vec<_>>()
                    .into();
            }
        }
        recorder::record(&event);
    }

    /// Records a command whose guard was dropped: by its function's end, or by a panic.
    pub(super) fn end_dropped(self) {
        if std::thread::panicking() && !self.unwinding {
            self.end(Ended::Panicked, panicked());
        } else {
            self.end(Ended::Finished, Report::success());
        }
    }

    /// Records a command whose future was dropped before it was done.
    pub(super) fn end_abandoned(self) {
        if std::thread::panicking() && !self.unwinding {
            self.end(Ended::Panicked, panicked());
        } else {
            self.end(Ended::Cancelled, Report::default());
        }
    }
}

/// What is known of a command that panicked.
pub(super) fn panicked() -> Report {
    Report { exit_code: Some(PANIC_CODE), error_kind: Some(Cow::Borrowed("panic")), error: None }
}
