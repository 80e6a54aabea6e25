//! What a test saw.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use telemetry::event::{Event, Value};

/// What is recorded while `run` runs.
pub(crate) fn all<R>(run: impl FnOnce() -> R) -> (R, Vec<Event<'static>>) {
    telemetry::capture(false, run)
}

/// The same, with what other threads record meanwhile.
pub(crate) fn everywhere<R>(run: impl FnOnce() -> R) -> (R, Vec<Event<'static>>) {
    telemetry::capture_all(false, run)
}

/// The same as `all`, under extended collection.
pub(crate) fn extended<R>(run: impl FnOnce() -> R) -> (R, Vec<Event<'static>>) {
    telemetry::capture(true, run)
}

/// What `run` returns, and the one command that it is.
pub(crate) fn one<R>(run: impl FnOnce() -> R) -> (R, Event<'static>) {
    let (returned, mut events) = all(run);
    assert_eq!(events.len(), 1, "one command: {events:?}");
    let event = events.remove(0);
    assert_eq!(event.kind, "command.invocation");
    assert!(event.duration.is_some(), "a command has a duration");
    (returned, event)
}

/// That `run` returns this, as one command of this name that ended in success.
#[track_caller]
pub(crate) fn succeeds<R: PartialEq + std::fmt::Debug>(name: &str, expected: R, run: impl FnOnce() -> R) {
    let (returned, event) = one(run);
    assert_eq!(returned, expected);
    assert_eq!((&*event.name, event.exit_code, ended(&event)), (name, Some(0), "finished"));
}

/// How it ended.
pub(crate) fn ended(event: &Event<'_>) -> &'static str {
    event.ended.map_or("nothing", telemetry::event::Ended::as_str)
}

/// A value of an event, by its key.
pub(crate) fn value<'a>(event: &'a Event<'_>, key: &str) -> Option<&'a Value<'a>> {
    event.attributes.iter().find(|it| it.key == key).map(|it| &it.value)
}

/// Polls a future to its end on this thread; it must not need anything from outside.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        if let Poll::Ready(out) = future.as_mut().poll(&mut context) {
            return out;
        }
    }
    panic!("the future never ended");
}

/// A future that is pending once.
pub(crate) async fn yields() {
    let mut pending = true;
    std::future::poll_fn(|_| if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) })
        .await;
}
