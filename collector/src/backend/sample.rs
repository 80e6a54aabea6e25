//! A batch for the tests of the backends that need no component.

use super::{Batch, Origin, SendContext};
use crate::event::{Attribute, Event, EventId, Timestamp, kind};

/// Events named `event-0` and so on, of the tool `greet`.
pub(super) fn batch(count: u64) -> Batch {
    let event = |number: u64| {
        let mut event = Event::new(kind::FEATURE_USED, format!("event-{number}"));
        event.id = EventId::from_parts(1, number);
        event.attributes = [Attribute::new("text", "a \"quoted\"\nline")].into_iter().collect();
        event
    };
    let origin = Origin {
        machine_id: None,
        tool: "greet".to_owned(),
        tool_version: "1.0.0".to_owned(),
        os: "linux".to_owned(),
        os_version: String::new(),
        arch: "x86_64".to_owned(),
        runtime: String::new(),
        ci: None,
        container: false,
    };
    Batch { origin, events: (0..count).map(event).collect() }
}

pub(super) fn context() -> SendContext {
    SendContext { attempt: 1, request_id: "request".to_owned(), now: Timestamp::default() }
}
