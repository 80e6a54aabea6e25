//! The request as protobuf, written as it goes: the messages of [`records`] in their wire form, without
//! building them first. A thousand events are ten thousand small strings, and in WebAssembly each costs.
//!
//! What is in the request is said in [`records`] once, for this and for the messages that JSON is made of; a
//! test holds the two against each other.

use crate::records::{Field, SEVERITY, Service, each_of_record, each_of_resource};
use telemetry_backend_sdk::{Event, Origin};

/// `SeverityNumber::Info`.
const INFO: u64 = 9;

/// The encoded `ExportLogsServiceRequest` for these events.
pub(crate) fn request(origin: &Origin, events: &[Event], service: &Service) -> Vec<u8> {
    let mut scope = Writer::default();
    scope.text(1, "cli-telemetry");
    scope.text(2, env!("CARGO_PKG_VERSION"));
    let mut resource = Writer::default();
    each_of_resource(origin, service, |key, field| resource.attribute(1, key, field));

    let mut logs = Writer(Vec::with_capacity(512 * events.len() + 64));
    logs.bytes(1, &scope.0);
    let mut record = Writer::default();
    for event in events {
        record.0.clear();
        record.event(event);
        logs.bytes(2, &record.0);
    }

    let resource_logs = field_length(1, resource.0.len()) + field_length(2, logs.0.len());
    let mut whole = Writer(Vec::with_capacity(field_length(1, resource_logs)));
    whole.head(1, resource_logs);
    whole.bytes(1, &resource.0);
    whole.bytes(2, &logs.0);
    whole.0
}

/// The bytes of a field with so many bytes in it.
fn field_length(number: u32, length: usize) -> usize {
    varint_length(u64::from(number) << 3) + varint_length(length as u64) + length
}

fn varint_length(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// What stands before so many bytes of a field.
    fn head(&mut self, number: u32, length: usize) {
        self.varint(u64::from(number) << 3 | 2);
        self.varint(length as u64);
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.head(number, bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// A text of its own field is left out where it is empty.
    fn text(&mut self, number: u32, text: &str) {
        if !text.is_empty() {
            self.bytes(number, text.as_bytes());
        }
    }

    fn fixed64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(number) << 3 | 1);
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// A `LogRecord`.
    fn event(&mut self, event: &Event) {
        let time = event.time.unix_nanos();
        self.fixed64(1, time);
        self.varint(2 << 3);
        self.varint(INFO);
        self.text(3, SEVERITY);
        let body = Field::Text(&event.name);
        self.head(5, any_length(body));
        self.any(body);
        each_of_record(event, |key, field| self.attribute(6, key, field));
        self.fixed64(11, time);
        self.text(12, &event.kind);
    }

    /// A `KeyValue`.
    fn attribute(&mut self, number: u32, key: &str, field: Field<'_>) {
        let value = any_length(field);
        let key_length = if key.is_empty() { 0 } else { field_length(1, key.len()) };
        self.head(number, key_length + field_length(2, value));
        self.text(1, key);
        self.head(2, value);
        self.any(field);
    }

    /// An `AnyValue`: one of its fields, empty or not.
    fn any(&mut self, field: Field<'_>) {
        match field {
            Field::Text(text) => self.bytes(1, text.as_bytes()),
            Field::Boolean(flag) => self.0.extend_from_slice(&[2 << 3, u8::from(flag)]),
            Field::Integer(number) => {
                self.varint(3 << 3);
                self.varint(number as u64);
            }
            Field::Number(number) => {
                self.varint(4 << 3 | 1);
                self.0.extend_from_slice(&number.to_le_bytes());
            }
        }
    }
}

fn any_length(field: Field<'_>) -> usize {
    match field {
        Field::Text(text) => field_length(1, text.len()),
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
