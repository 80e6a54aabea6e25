//! An event in its JSON form: what `stdout`, `file`, `log` and the estimates of size use.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Origin;
use crate::event::{Attribute, Event, Value};

/// An event with its origin, as one JSON object.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    name: &'a str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    args: &'a [Cow<'a, str>],
    #[serde(skip_serializing_if = "is_empty")]
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a Origin>,
}

impl<'a> Line<'a> {
    pub(crate) fn new<'b: 'a>(event: &'a Event<'b>, origin: Option<&'a Origin>) -> Self {
        Self {
            id: event.id.to_string(),
            kind: &event.kind,
            name: &event.name,
            timestamp: event.time.rfc3339(),
            duration_ms: event.duration.map(|d| d.as_secs_f64() * 1e3),
            exit_code: event.exit_code,
            ended: event.ended.map(crate::event::Ended::as_str),
            error_kind: event.error_kind.as_deref(),
            error: event.error.as_deref(),
            args: &event.args,
            attributes: Attributes(&event.attributes),
            origin,
        }
    }
}

struct Attributes<'a>(&'a [Attribute<'a>]);

fn is_empty(attributes: &Attributes<'_>) -> bool {
    attributes.0.is_empty()
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for attribute in self.0 {
            match &attribute.value {
                Value::Text(text) => map.serialize_entry(&attribute.key, text)?,
                Value::Declared(text) => map.serialize_entry(&attribute.key, text)?,
                Value::Integer(number) => map.serialize_entry(&attribute.key, number)?,
                Value::Number(number) => map.serialize_entry(&attribute.key, number)?,
                Value::Boolean(flag) => map.serialize_entry(&attribute.key, flag)?,
            }
        }
        map.end()
    }
}

/// How many bytes the event takes in a vendor's JSON, generously: every byte of text may need an
/// escape of its own length again, names and punctuation are a vendor's.
pub(crate) fn estimate(event: &Event<'_>) -> u64 {
    fn text(text: &str) -> u64 {
        let escaped: u64 = text
            .bytes()
            .map(|b| {
                if b < 0x20 {
                    6
                } else if matches!(b, b'"' | b'\\') {
                    2
                } else {
                    1
                }
            })
            .sum();
        escaped + 8
    }
    const FIXED: u64 = 640;
    const PER_ATTRIBUTE: u64 = 48;
    let attributes: u64 = event
        .attributes
        .iter()
        .map(|attribute| {
            // Twice: some vendors get both the typed value and its text.
            PER_ATTRIBUTE
                + 2 * (text(&attribute.key)
                    + match &attribute.value {
                        Value::Text(value) => text(value),
                        Value::Declared(value) => text(value),
                        Value::Integer(_) | Value::Number(_) => 24,
                        Value::Boolean(_) => 5,
                    })
        })
        .sum();
    FIXED
        + text(&event.kind)
        + 2 * text(&event.name)
        + event.error_kind.as_deref().map_or(0, text)
        + event.error.as_deref().map_or(0, text)
        + event.args.iter().map(|arg| text(arg)).sum::<u64>()
        + attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_never_below_the_json_form() {
        for text in ["", "plain", "\u{1}\u{2}\"\\", "ключ 🔑", &"x".repeat(4096)] {
            let attributes = vec![
                Attribute::new(text, text),
                Attribute::new("n", f64::MAX),
                Attribute::new("i", i64::MIN),
            ];
            let mut event = Event::new(text, text);
            event.error = Some(text.into());
            event.args = vec![text.into()].into();
            event.attributes = attributes.into();
            let written = serde_json::to_string(&Line::new(&event, None)).unwrap().len() as u64;
            assert!(estimate(&event) >= written, "{text:?}: {} < {written}", estimate(&event));
        }
    }
}
