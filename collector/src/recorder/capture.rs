//! For tests of tools: events are collected in memory, and nothing is stored or sent.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{EXTENDED, ON, STATE};
use crate::event::{Attribute, Event, EventId};

static ACTIVE: AtomicBool = AtomicBool::new(false);
static EVENTS: Mutex<Vec<Event<'static>>> = Mutex::new(Vec::new());
static TURN: Mutex<()> = Mutex::new(());
/// What a tool that was started inside of the capture says with every event.
static METADATA: Mutex<Vec<Attribute<'static>>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Whether the capture that runs takes every thread's events.
static ALL: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether the capture that runs is this thread's: tests run side by side in one process, and one
    /// that captures nothing must not show up in the events of one that does.
    static MINE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a closure with recording on, extended collection if asked for, and hands back the events
/// that it recorded. Nothing is stored or sent, and no consent is asked or needed. For the tests of
/// tools; one capture runs at a time in a process, others wait.
///
/// A tool that is started inside of it says its [`Tool::metadata`](crate::Tool::metadata) with them.
///
/// Events are those of the calling thread. What other threads record in the meantime, tests that run
/// side by side as well as threads that the closure starts, is dropped: [`capture_all`] keeps it.
///
/// ```
/// let ((), events) = telemetry::capture(false, || {
///     telemetry::begin("build").finish(&Ok::<(), std::io::Error>(()));
/// });
/// assert_eq!(events[0].name, "build");
/// assert_eq!(events[0].exit_code, Some(0));
/// ```
///
/// # Panics
/// Only where the closure does.
pub fn capture<T>(extended: bool, run: impl FnOnce() -> T) -> (T, Vec<Event<'static>>) {
    collect(false, extended, run)
}

/// Like [`capture`], with the events of every thread: for what runs on threads of its own, such as a
/// runtime's workers. Tests of the same program that run meanwhile and record show up, too.
///
/// ```
/// let ((), events) = telemetry::capture_all(false, || {
///     std::thread::scope(|scope| {
///         scope.spawn(|| telemetry::event::feature_used("cache", &[]));
///     });
/// });
/// assert_eq!(events[0].name, "cache");
/// ```
///
/// # Panics
/// Only where the closure does.
pub fn capture_all<T>(extended: bool, run: impl FnOnce() -> T) -> (T, Vec<Event<'static>>) {
    collect(true, extended, run)
}

fn collect<T>(all: bool, extended: bool, run: impl FnOnce() -> T) -> (T, Vec<Event<'static>>) {
    struct Restore(u8);
    impl Drop for Restore {
        fn drop(&mut self) {
            STATE.store(self.0, Ordering::SeqCst);
            MINE.set(false);
            ACTIVE.store(false, Ordering::SeqCst);
            lock(&METADATA).clear();
        }
    }

    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    lock(&EVENTS).clear();
    let restore = Restore(STATE.load(Ordering::SeqCst));
    MINE.set(true);
    ALL.store(all, Ordering::SeqCst);
    ACTIVE.store(true, Ordering::SeqCst);
    STATE.store(if extended { ON | EXTENDED } else { ON }, Ordering::SeqCst);
    let value = run();
    drop(restore);
    let events = std::mem::take(&mut *lock(&EVENTS));
    (value, events)
}

fn lock<T>(shared: &'static Mutex<T>) -> std::sync::MutexGuard<'static, T> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Whether what this thread does now is captured.
fn takes() -> bool {
    active() && (MINE.get() || ALL.load(Ordering::Relaxed))
}

/// A tool was started, which says this with every event.
pub(super) fn started(metadata: &[Attribute<'static>]) {
    if takes() {
        *lock(&METADATA) = metadata.to_vec();
    }
}

pub(super) fn active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

/// Takes the event if a capture is running, and keeps it if that is this thread's or everybody's.
#[inline]
pub(super) fn offer(event: &Event<'_>) -> bool {
    active() && take(event)
}

#[cold]
fn take(event: &Event<'_>) -> bool {
    if takes() {
        let mut owned = event.to_owned_event();
        if owned.id == EventId([0; 16]) {
            owned.id = next_id();
        }
        // As the recorder does: what the event says itself wins.
        for more in lock(&METADATA).iter() {
            if owned.attributes.iter().all(|own| own.key != more.key) {
                owned.attributes.to_mut().push(more.clone());
            }
        }
        lock(&EVENTS).push(owned);
    }
    active()
}

pub(super) fn next_id() -> EventId {
    EventId::from_parts(u64::MAX, NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_thread_records_meanwhile_is_not_captured() {
        let ((), events) = capture(false, || {
            crate::event::feature_used("mine", &[]);
            std::thread::scope(|scope| {
                scope.spawn(|| crate::event::feature_used("another test's", &[]));
            });
        });
        let names: Vec<_> = events.iter().map(|it| it.name.as_ref()).collect();
        assert_eq!(names, ["mine"]);
    }
}
