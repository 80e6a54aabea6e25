//! Events to check with. Each carries marks that are found again in requests: in its name, in its id
//! and in an attribute. Everything is fixed, so that the same check is the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use telemetry_host::Outgoing;
use telemetry_host::types::{Attribute, Batch, Event, Instant, SendContext, Value};

use crate::batches;
use crate::events::sample_origin;

const MARK: &[u8] = b"kitmark";

fn mark(number: usize, place: char) -> String {
    format!("kitmark{number:05}{place}")
}

fn id(number: usize) -> String {
    format!("01890a5d-ac96-8b7c-8000-{number:012x}")
}

fn instant(second: u32) -> Instant {
    Instant {
        rfc3339: format!("2026-08-01T12:00:{second:02}.123456789Z"),
        unix_ms: 1_785_585_600_123.456_8 + f64::from(second) * 1e3,
    }
}

/// The event of this number.
pub(crate) fn event(number: usize) -> Event {
    Event {
        id: id(number),
        kind: "command.invocation".into(),
        name: mark(number, 'n'),
        time: instant(0),
        duration_ms: Some(12.5),
        exit_code: Some(0),
        ended: Some("finished".into()),
        error_kind: None,
        error: None,
        args: Vec::new(),
        attributes: vec![
            Attribute { key: "mark".into(), value: Value::Text(mark(number, 'a')) },
            Attribute { key: "count".into(), value: Value::Number(42.0) },
            Attribute { key: "cached".into(), value: Value::Boolean(false) },
        ],
    }
}

/// The event of this number with an error's text that brings the estimate of its size to `bytes`.
pub(crate) fn event_of(number: usize, bytes: u64) -> Event {
    let mut event = Event { error: Some(String::new()), ..event(number) };
    let missing = bytes.saturating_sub(batches::estimate(&event));
    event.error = Some("x".repeat(usize::try_from(missing).unwrap_or(0)));
    event
}

/// A batch of these events.
pub(crate) fn batch(events: Vec<Event>) -> Batch {
    Batch { origin: sample_origin(), events }
}

/// The batch of the first events.
pub(crate) fn first(count: usize) -> Batch {
    batch((0..count).map(event).collect())
}

/// The first attempt, a second after the events.
pub(crate) fn context() -> SendContext {
    SendContext { attempt: 1, request_id: "01890a5d-ac96-8b7c-8000-00000000c0de".into(), now: instant(1) }
}

/// A few events for a person to look at.
pub(crate) fn shown() -> Vec<Event> {
    let failed = Event {
        name: "remote/add".into(),
        exit_code: Some(3),
        ended: Some("exited".into()),
        error_kind: Some("std::io::Error".into()),
        ..event(2)
    };
    let used = Event { kind: "feature.used".into(), name: "colours".into(), exit_code: None, ..event(3) };
    vec![Event { name: "build".into(), ..event(1) }, failed, used]
}

/// How often an event's marks were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) name: usize,
    pub(crate) id: usize,
    pub(crate) attribute: usize,
    /// Its id, or its name, was found twice after the same bytes: twice under the same key.
    pub(crate) repeated: bool,
}

impl Found {
    pub(crate) fn anything(self) -> bool {
        self.name + self.id + self.attribute > 0
    }

    /// Whether something is missing that was there when an event was alone.
    pub(crate) fn less_than(self, alone: Self) -> bool {
        self.name < alone.name || self.id < alone.id || self.attribute < alone.attribute
    }
}

/// Every mark in what left, by the event's number. One pass: a full batch has thousands.
pub(crate) fn found(requests: &[Outgoing]) -> BTreeMap<usize, Found> {
    let mut all: BTreeMap<usize, Found> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for request in requests {
        let headers = request.headers.iter().map(|(_, value)| value.as_bytes());
        let places = headers.chain([request.url.as_bytes(), request.body_before_coding.as_slice()]);
        for place in places {
            count(place, &mut all, &mut seen);
        }
    }
    all
}

/// A mark's kind, its event's number, and the bytes before it.
type Place<'a> = (u8, usize, &'a [u8]);

fn count<'a>(bytes: &'a [u8], all: &mut BTreeMap<usize, Found>, seen: &mut BTreeSet<Place<'a>>) {
    /// The end of a key, and its punctuation: `"id":"`.
    const KEY: usize = 6;
    let prefix = b"01890a5d-ac96-8b7c-8000-";
    let number =
        |digits: Option<&[u8]>, radix| usize::from_str_radix(std::str::from_utf8(digits?).ok()?, radix).ok();
    let before = |at: usize| bytes.get(at.saturating_sub(KEY)..at).unwrap_or_default();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(MARK)
            && let Some(number) = number(rest.get(7..12), 10)
        {
            let found = all.entry(number).or_default();
            match rest.get(12) {
                Some(b'n') => {
                    found.name += 1;
                    found.repeated |= !seen.insert((b'n', number, before(at)));
                }
                Some(b'a') => found.attribute += 1,
                _ => {}
            }
            at += 12;
        } else if rest.starts_with(prefix)
            && let Some(number) = number(rest.get(24..36), 16)
        {
            // The request's own id has the same form.
            if number != 0xc0de {
                let found = all.entry(number).or_default();
                found.id += 1;
                found.repeated |= !seen.insert((b'i', number, before(at)));
            }
            at += 36;
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_of_each_event_is_counted() {
        let (seven, twelve) = (mark(7, 'n'), mark(12, 'n'));
        let text = format!(
            "{{\"message\":\"ran {seven}\",\"name\":\"{seven}\",\"a\":\"{}\",\"id\":\"{}\"}} {}",
            mark(7, 'a'),
            id(7),
            context().request_id
        );
        let again = format!("{{\"name\":\"{twelve}\"}},{{\"name\":\"{twelve}\"}}");
        let (mut all, mut seen) = (BTreeMap::new(), BTreeSet::new());
        count(text.as_bytes(), &mut all, &mut seen);
        count(again.as_bytes(), &mut all, &mut seen);
        assert_eq!(all[&7], Found { name: 2, id: 1, attribute: 1, repeated: false });
        assert_eq!(all[&12], Found { name: 2, id: 0, attribute: 0, repeated: true });
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn an_event_of_a_size_has_it_by_the_estimate() {
        assert_eq!(batches::estimate(&event_of(1, 100_000)), 100_000);
    }
}
