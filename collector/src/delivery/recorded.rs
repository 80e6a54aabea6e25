//! Records of the journal as the events that they are.

use crate::event::{Ended, Event, EventId, codec};
use crate::journal::{self, RecordKind};

/// An id where only an event's size is asked for: all of them are equally long.
pub(crate) const ANY: EventId = EventId([1; 16]);

pub(crate) fn sendable(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Event | RecordKind::Start)
}

/// A record as an event. A start without its end is a command that was interrupted.
pub(crate) fn event(record: &journal::Record) -> Option<Event<'static>> {
    let mut event = codec::decode(EventId(record.id), &record.payload)?;
    if record.kind == RecordKind::Start {
        event.ended = Some(Ended::Interrupted);
    }
    Some(event)
}
