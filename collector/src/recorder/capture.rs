//! For tests of tools: events are collected in memory, and nothing is stored or sent.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{EXTENDED, ON, STATE};
use crate::event::{Event, EventId};

static ACTIVE: AtomicBool = AtomicBool::new(false);
static EVENTS: Mutex<Vec<Event<'static>>> = Mutex::new(Vec::new());
static TURN: Mutex<()> = Mutex::new(());
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Runs a closure with recording on, extended collection if asked for, and hands back the events
/// that it recorded. Nothing is stored or sent, and no consent is asked or needed. For the tests of
/// tools; one capture runs at a time in a process, others wait.
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
    struct Restore(u8);
    impl Drop for Restore {
        fn drop(&mut self) {
            STATE.store(self.0, Ordering::SeqCst);
            ACTIVE.store(false, Ordering::SeqCst);
        }
    }

    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    lock().clear();
    let restore = Restore(STATE.load(Ordering::SeqCst));
    ACTIVE.store(true, Ordering::SeqCst);
    STATE.store(if extended { ON | EXTENDED } else { ON }, Ordering::SeqCst);
    let value = run();
    drop(restore);
    let events = std::mem::take(&mut *lock());
    (value, events)
}

fn lock() -> std::sync::MutexGuard<'static, Vec<Event<'static>>> {
    EVENTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub(super) fn active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

/// Takes the event if a capture is running.
pub(super) fn offer(event: &Event<'_>) -> bool {
    let active = active();
    if active {
        let mut owned = event.to_owned_event();
        if owned.id == EventId([0; 16]) {
            owned.id = next_id();
        }
        lock().push(owned);
    }
    active
}

pub(super) fn next_id() -> EventId {
    EventId::from_parts(u64::MAX, NEXT.fetch_add(1, Ordering::Relaxed))
}
