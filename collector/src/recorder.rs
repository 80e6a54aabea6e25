//! Where a process's events go.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::event::{Attribute, Event, EventId};

static ENABLED: AtomicBool = AtomicBool::new(false);
static EXTENDED: AtomicBool = AtomicBool::new(false);
static COUNTER: AtomicU64 = AtomicU64::new(1);
static EVENTS: Mutex<Vec<Event<'static>>> = Mutex::new(Vec::new());
static CAPTURE: Mutex<()> = Mutex::new(());

/// Whether events are recorded: one relaxed load. False while undecided, denied or off.
#[inline(always)]
pub(crate) fn enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// Whether the author's extended collection is on.
pub(crate) fn extended() -> bool {
    EXTENDED.load(Ordering::Relaxed)
}

/// Records an event.
pub(crate) fn record(event: &Event<'_>) {
    if !enabled() {
        return;
    }
    let owned = owned(event);
    locked(&EVENTS).push(owned);
}

/// Marks that a command started.
pub(crate) fn started(_name: &str, _parent: Option<EventId>) -> EventId {
    EventId::from_parts(1, COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// Runs `run` with every event collected instead of written, for tests.
#[doc(hidden)]
pub fn capture<R>(extended: bool, run: impl FnOnce() -> R) -> (R, Vec<Event<'static>>) {
    struct Off;
    impl Drop for Off {
        fn drop(&mut self) {
            ENABLED.store(false, Ordering::Relaxed);
            EXTENDED.store(false, Ordering::Relaxed);
        }
    }
    let _one_at_a_time = locked(&CAPTURE);
    locked(&EVENTS).clear();
    EXTENDED.store(extended, Ordering::Relaxed);
    ENABLED.store(true, Ordering::Relaxed);
    let off = Off;
    let out = run();
    drop(off);
    (out, std::mem::take(&mut *locked(&EVENTS)))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn owned(event: &Event<'_>) -> Event<'static> {
    let text = |it: &std::borrow::Cow<'_, str>| std::borrow::Cow::Owned(it.clone().into_owned());
    let mut owned = Event::new(event.kind.clone().into_owned(), event.name.clone().into_owned());
    owned.id = event.id;
    owned.time = event.time;
    owned.duration = event.duration;
    owned.exit_code = event.exit_code;
    owned.ended = event.ended;
    owned.error_kind = event.error_kind.as_ref().map(text);
    owned.error = event.error.as_ref().map(text);
    owned.args = event.args.iter().map(text).collect::<Vec<_>>().into();
    owned.attributes = event
        .attributes
        .iter()
        .map(|it| Attribute {
            key: text(&it.key),
            value: match &it.value {
                crate::event::Value::Text(it) => crate::event::Value::Text(text(it)),
                crate::event::Value::Integer(it) => crate::event::Value::Integer(*it),
                crate::event::Value::Number(it) => crate::event::Value::Number(*it),
                crate::event::Value::Boolean(it) => crate::event::Value::Boolean(*it),
            },
        })
        .collect::<Vec<_>>()
        .into();
    owned
}
