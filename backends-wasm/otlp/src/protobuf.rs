//! The request as protobuf, written as it goes: the messages of [`records`] in their wire form, without
//! building them first. A thousand events are ten thousand small strings, and in WebAssembly each costs.
//!
//! What is in the request is said in [`records`] once, for this and for the messages that JSON is made of; a
//! test holds the two against each other.

use crate::records::{Field, SEVERITY, Service, each_of_record, each_of_resource};
use telemetry_backend_sdk::{Event, Origin};

/// `SeverityNumber::Info`.
const INFO: u8 = 9;

/// The encoded `ExportLogsServiceRequest` for these events.
pub(crate) fn request(origin: &Origin, events: &[Event], service: &Service) -> Vec<u8> {
    let mut scope = Writer::default();
    scope.text(1, "cli-telemetry");
    scope.text(2, env!("CARGO_PKG_VERSION"));
    let mut resource = Writer::default();
    each_of_resource(origin, service, |key, field| resource.attribute(1, key, field));

    let mut logs = Writer::with_room(512 * events.len() + 64);
    logs.bytes(1, scope.written());
    let mut record = Writer::default();
    for event in events {
        record.at = 0;
        record.event(event);
        logs.bytes(2, record.written());
    }

    let resource_logs = field_length(resource.at) + field_length(logs.at);
    let mut whole = Writer::with_room(field_length(resource_logs));
    whole.head(1, resource_logs);
    whole.bytes(1, resource.written());
    whole.bytes(2, logs.written());
    whole.finish()
}

/// The bytes of a field with so many bytes in it. The numbers of all fields here fit into one byte.
fn field_length(length: usize) -> usize {
    1 + varint_length(length as u64) + length
}

fn varint_length(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Bytes that grow.
#[derive(Default)]
struct Writer {
    room: Vec<u8>,
    /// Up to where it is written.
    at: usize,
}

impl Writer {
    fn with_room(bytes: usize) -> Self {
        Self { room: vec![0; bytes], at: 0 }
    }

    fn written(&self) -> &[u8] {
        self.room.get(..self.at).unwrap_or_default()
    }

    fn finish(mut self) -> Vec<u8> {
        self.room.truncate(self.at);
        self.room
    }

    /// Room for the next so many bytes, all of which are to be written.
    fn next(&mut self, length: usize) -> Room<'_> {
        let end = self.at + length;
        if end > self.room.len() {
            self.grow(end);
        }
        let next = self.room.get_mut(self.at..end).unwrap_or_default();
        self.at = end;
        Room(next)
    }

    #[cold]
    fn grow(&mut self, end: usize) {
        self.room.resize(2 * end + 64, 0);
    }

    /// What stands before so many bytes of a field.
    fn head(&mut self, number: u8, length: usize) {
        self.next(field_length(length) - length).head(number, length);
    }

    fn bytes(&mut self, number: u8, bytes: &[u8]) {
        let mut room = self.next(field_length(bytes.len()));
        room.head(number, bytes.len());
        room.copy(bytes);
    }

    /// A text of its own field is left out where it is empty.
    fn text(&mut self, number: u8, text: &str) {
        if !text.is_empty() {
            self.bytes(number, text.as_bytes());
        }
    }

    /// A `LogRecord`.
    fn event(&mut self, event: &Event) {
        let time = event.time.unix_nanos();
        self.time(1, time);
        self.next(2).put([2 << 3, INFO]);
        self.text(3, SEVERITY);
        let body = Field::Text(&event.name);
        let length = any_length(body);
        let mut room = self.next(field_length(length));
        room.head(5, length);
        room.any(body);
        each_of_record(event, |key, field| self.attribute(6, key, field));
        self.time(11, time);
        self.text(12, &event.kind);
    }

    /// A fixed number of 64 bits, left out where it is 0.
    fn time(&mut self, number: u8, nanos: u64) {
        if nanos != 0 {
            let mut room = self.next(9);
            room.put([number << 3 | 1]);
            room.put(nanos.to_le_bytes());
        }
    }

    /// A `KeyValue`.
    fn attribute(&mut self, number: u8, key: &str, field: Field<'_>) {
        let value = any_length(field);
        let key_length = if key.is_empty() { 0 } else { field_length(key.len()) };
        let length = key_length + field_length(value);
        let mut room = self.next(field_length(length));
        room.head(number, length);
        if !key.is_empty() {
            room.head(1, key.len());
            room.copy(key.as_bytes());
        }
        room.head(2, value);
        room.any(field);
    }
}

/// Room that was counted before it is written. A thousand events are ten thousand attributes of a dozen bytes, and
/// in WebAssembly each look into memory has its price: what is left is a local variable, where a `Vec` that is
/// pushed to keeps its books in memory for each byte.
struct Room<'a>(&'a mut [u8]);

impl Room<'_> {
    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some((to, rest)) = std::mem::take(&mut self.0).split_first_chunk_mut() {
            *to = bytes;
            self.0 = rest;
        }
    }

    #[inline]
    fn copy(&mut self, bytes: &[u8]) {
        if let Some((to, rest)) = std::mem::take(&mut self.0).split_at_mut_checked(bytes.len()) {
            copy(to, bytes);
            self.0 = rest;
        }
    }

    #[inline]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put([value as u8 | 0x80]);
            value >>= 7;
        }
        self.put([value as u8]);
    }

    #[inline]
    fn head(&mut self, number: u8, length: usize) {
        if length < 0x80 {
            self.put([number << 3 | 2, length as u8]);
        } else {
            self.put([number << 3 | 2]);
            self.varint(length as u64);
        }
    }

    /// An `AnyValue`: one of its fields, empty or not.
    #[inline]
    fn any(&mut self, field: Field<'_>) {
        match field {
            Field::Text(text) => {
                self.head(1, text.len());
                self.copy(text.as_bytes());
            }
            Field::Boolean(flag) => self.put([2 << 3, u8::from(flag)]),
            Field::Integer(number) => {
                self.put([3 << 3]);
                self.varint(number as u64);
            }
            Field::Number(number) => {
                self.put([4 << 3 | 1]);
                self.put(number.to_le_bytes());
            }
        }
    }
}

/// Copies as much as there is. In WebAssembly a copy of unknown length is a call out of it, which takes longer than
/// the copy where that is of a key or a name: those are copied as their first and their last bytes, which may
/// overlap.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        0..4 => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
        4..8 => ends::<4>(to, from),
        8..=16 => ends::<8>(to, from),
        17..=32 => ends::<16>(to, from),
        33..=64 => ends::<32>(to, from),
        _ => to.copy_from_slice(from),
    }
}

#[inline]
fn ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut(), from.first_chunk::<N>()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut(), from.last_chunk::<N>()) {
        *to = *from;
    }
}

fn any_length(field: Field<'_>) -> usize {
    match field {
        Field::Text(text) => field_length(text.len()),
        Field::Boolean(_) => 2,
        Field::Integer(number) => 1 + varint_length(number as u64),
        Field::Number(_) => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records;
    use proptest::prelude::*;
    use prost::Message;
    use telemetry_backend_sdk::{Attribute, Value, testing};

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            ".{0,200}".prop_map(Value::Text),
            any::<f64>().prop_map(Value::Number),
            any::<i32>().prop_map(|number| Value::Number(number.into())),
            any::<bool>().prop_map(Value::Boolean),
            ".{0,9}".prop_map(Value::Other),
        ]
    }

    fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
        // Some have the name of one of ours.
        let key = prop_oneof![".{0,9}", Just("event.name".to_owned()), Just("command.args".to_owned())];
        proptest::collection::vec((key, value()).prop_map(|(key, value)| Attribute { key, value }), 0..5)
    }

    fn event() -> impl Strategy<Value = Event> {
        let times = prop_oneof![Just(String::new()), Just("2026-08-01T12:00:00.123456789Z".to_owned())];
        let text = || proptest::option::of(".{0,20}");
        let some = (any::<Option<f64>>(), any::<Option<i32>>(), text(), text(), text());
        (".{0,150}", ".{0,9}", times, some, proptest::collection::vec(".{0,9}", 0..3), attributes()).prop_map(
            |(name, kind, time, (duration_ms, exit_code, ended, error_kind, error), args, attributes)| {
                let mut event = testing::command("build");
                event.time.rfc3339 = time;
                Event {
                    name,
                    kind,
                    duration_ms,
                    exit_code,
                    ended,
                    error_kind,
                    error,
                    args,
                    attributes,
                    ..event
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_the_protocols_own_messages_encode_to(
            events in proptest::collection::vec(event(), 0..5),
            attributes in attributes(),
            name in proptest::option::of(".{0,9}"),
        ) {
            let origin = Origin { attributes, ..testing::origin() };
            let service = Service { name, version: None };
            let messages = records::request(&origin, &events, &service).encode_to_vec();
            prop_assert_eq!(request(&origin, &events, &service), messages);
        }
    }
}
