//! Cutting events into batches as a sender does: one origin, within the limits that the component
//! gave, by the same estimate.

use telemetry_host::types::{Attribute, Batch, Event, LimitsAsked, Origin, Value};

/// Batches, and the events that fit in none, with their size.
pub(crate) struct Cut {
    pub(crate) batches: Vec<Batch>,
    pub(crate) too_big: Vec<(Event, u64)>,
}

/// Cuts events into batches, keeping their order. Each is of one origin and within the limits.
pub(crate) fn cut(events: Vec<(Origin, Event)>, limits: LimitsAsked) -> Cut {
    let mut cut = Cut { batches: Vec::new(), too_big: Vec::new() };
    let mut bytes = 0;
    for (origin, event) in events {
        let size = estimate(&event);
        if size > u64::from(limits.event_bytes) {
            cut.too_big.push((event, size));
            continue;
        }
        let fits = cut.batches.last().is_some_and(|batch: &Batch| {
            batch.origin == origin
                && batch.events.len() < usize::try_from(limits.events).unwrap_or(usize::MAX).max(1)
                && bytes + size <= u64::from(limits.bytes)
        });
        if !fits {
            cut.batches.push(Batch { origin, events: Vec::new() });
            bytes = 0;
        }
        if let Some(batch) = cut.batches.last_mut() {
            batch.events.push(event);
            bytes += size;
        }
    }
    cut
}

/// What the library says of an event's size in a vendor's JSON, which is generous.
pub(crate) fn estimate(event: &Event) -> u64 {
    const FIXED: u64 = 640;
    FIXED
        + text(&event.kind)
        + 2 * text(&event.name)
        + event.error_kind.as_deref().map_or(0, text)
        + event.error.as_deref().map_or(0, text)
        + event.args.iter().map(|arg| text(arg)).sum::<u64>()
        + event.attributes.iter().map(attribute).sum::<u64>()
}

fn attribute(attribute: &Attribute) -> u64 {
    const EACH: u64 = 48;
    let value = match &attribute.value {
        Value::Text(value) | Value::Other(value) => text(value),
        Value::Number(_) => 24,
        Value::Boolean(_) => 5,
    };
    EACH + 2 * (text(&attribute.key) + value)
}

fn text(text: &str) -> u64 {
    let escaped = |byte| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<u64>() + 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::sample_origin;

    fn named(name: &str) -> (Origin, Event) {
        (sample_origin(), Event { name: name.into(), ..Event::default() })
    }

    #[test]
    fn a_batch_has_one_origin_and_keeps_each_limit() {
        let limits = LimitsAsked { events: 3, bytes: 1_900, event_bytes: 1_000 };
        let mut other = named("other");
        other.0.tool = "wave".into();
        let events = vec![named("a"), named("b"), named("c"), named(&"x".repeat(2_000)), other];
        let cut = cut(events, limits);
        assert_eq!(cut.batches.iter().map(|it| it.events.len()).collect::<Vec<_>>(), [2, 1, 1]);
        assert_eq!(cut.too_big.len(), 1);
        for batch in &cut.batches {
            assert!(batch.events.iter().map(estimate).sum::<u64>() <= 1_900);
        }
    }
}
