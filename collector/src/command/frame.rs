//! One command that is running.

use std::borrow::Cow;
use std::time::Duration;

use super::outcome::Report;
use super::stack::{self, Place};
use crate::event::{Attribute, Ended, Event, EventId, Timestamp, Value, kind};
use crate::platform::clock;
use crate::recorder;

/// The key under which a command names the one that ran it.
pub(crate) const PARENT: &str = "parent";

/// The exit code of a Rust program whose main thread panicked.
const PANIC_CODE: i32 = 101;

/// What is known of a command. Its event is recorded exactly once, by [`Frame::end`]. It stays in the box
/// that it is made in, wherever that goes: it is too large to be moved around.
pub(super) struct Frame {
    /// Zero before the start.
    pub(super) id: EventId,
    /// What finds it on the thread's stack.
    pub(super) place: Place,
    name: Cow<'static, str>,
    parent: Option<EventId>,
    /// The time of day at the start; zero in a capture.
    time: Timestamp,
    /// The moment that the duration is counted from; none before the start.
    started: Option<u64>,
    /// The thread was unwinding already, so that an end during it says nothing about this command.
    unwinding: bool,
    pub(super) attributes: Vec<Attribute<'static>>,
}

impl Frame {
    /// A command that has not started.
    pub(super) fn ready(name: Cow<'static, str>, attributes: Vec<Attribute<'static>>) -> Box<Self> {
        Box::new(Self {
            id: EventId([0; 16]),
            place: Place::NONE,
            name,
            parent: None,
            time: Timestamp::default(),
            started: None,
            unwinding: false,
            attributes,
        })
    }

    /// Whether it has started.
    pub(super) fn is_running(&self) -> bool {
        self.started.is_some()
    }

    /// Starts it, a child of the innermost one of this thread, and leaves the start mark.
    pub(super) fn start(&mut self) {
        self.parent = stack::current();
        self.unwinding = std::thread::panicking();
        let (id, time, moment) = recorder::started(&self.name, self.parent);
        (self.id, self.time, self.started) = (id, time, Some(moment));
    }

    /// Records a command whose function returned, or that was ended from elsewhere; one that never
    /// started, not at all.
    #[allow(clippy::boxed_local, reason = "out of its box it would be copied")]
    pub(super) fn end(mut self: Box<Self>, ended: Ended, report: Report) {
        let Some(started) = self.started else { return };
        let duration = Duration::from_nanos(clock::ticking().saturating_sub(started));
        if let Some(parent) = self.parent {
            self.attributes.push(Attribute::new(PARENT, Value::Text(parent.to_string().into())));
        }
        let mut event = Event::new(kind::COMMAND_INVOCATION, &*self.name);
        event.id = self.id;
        // The clock is not read again for it.
        event.time = self.time.after(duration);
        event.duration = Some(duration);
        event.exit_code = report.exit_code;
        event.ended = Some(ended);
        event.error_kind = report.error_kind;
        event.attributes = Cow::Borrowed(&self.attributes);
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
    pub(super) fn end_dropped(self: Box<Self>) {
        if std::thread::panicking() && !self.unwinding {
            self.end(Ended::Panicked, panicked());
        } else {
            self.end(Ended::Finished, Report::success());
        }
    }

    /// Records a command whose future was dropped before it was done.
    pub(super) fn end_abandoned(self: Box<Self>) {
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
