//! A batch as one request of the protocol.
//!
//! What the batch has in common is the resource: the semantic conventions' `service.*`, `os.*`,
//! `host.arch`, `process.runtime.*` and `app.installation.id`, and beside them the Go library's
//! `tool.name`, `tool.version` and `machine.id`, so that queries written for it find the records.
//! Each event is a record: body its name, severity INFO, the Go library's `event.*` and `command.*`,
//! `log.record.uid` for dropping duplicates, and the author's attributes. An author's attribute that
//! has the name of one of ours is kept under `attribute.<name>`: keys must be unique.
//!
//! Never sent: `host.name`, `process.command_args`, `process.owner`.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use telemetry_backend_sdk::{Attribute, Event, Origin, Value, json};

/// What names the service, where the author gave a name or a version of their own.
#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
}

/// The request for these events.
pub(crate) fn request(origin: &Origin, events: &[Event], service: &Service) -> ExportLogsServiceRequest {
    let scope = InstrumentationScope {
        name: "cli-telemetry".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    };
    let logs = ScopeLogs {
        scope: Some(scope),
        log_records: events.iter().map(record).collect(),
        schema_url: String::new(),
    };
    let resource = Resource { attributes: resource(origin, service), ..Resource::default() };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource),
            scope_logs: vec![logs],
            schema_url: String::new(),
        }],
    }
}

fn resource(origin: &Origin, service: &Service) -> Vec<KeyValue> {
    let mut all = Vec::new();
    each_of_resource(origin, service, |key, field| all.push(pair(key, &field)));
    all
}

fn record(event: &Event) -> LogRecord {
    let mut attributes = Vec::new();
    each_of_record(event, |key, field| attributes.push(pair(key, &field)));
    let time = event.time.unix_nanos();
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: SeverityNumber::Info.into(),
        severity_text: SEVERITY.into(),
        body: Some(Field::Text(&event.name).any_value()),
        attributes,
        event_name: event.kind.clone(),
        ..LogRecord::default()
    }
}

fn pair(key: &str, field: &Field<'_>) -> KeyValue {
    KeyValue { key: key.into(), value: Some(field.any_value()), ..KeyValue::default() }
}

/// The severity of every record, in words.
pub(crate) const SEVERITY: &str = "INFO";

/// The value of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<'a> {
    Text(&'a str),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

impl Field<'_> {
    fn any_value(self) -> AnyValue {
        use any_value::Value as Is;
        let value = match self {
            Field::Text(text) => Is::StringValue(text.into()),
            Field::Integer(number) => Is::IntValue(number),
            Field::Number(number) => Is::DoubleValue(number),
            Field::Boolean(flag) => Is::BoolValue(flag),
        };
        AnyValue { value: Some(value) }
    }
}

/// Hands on each attribute of the resource.
pub(crate) fn each_of_resource(origin: &Origin, service: &Service, to: impl FnMut(&str, Field<'_>)) {
    let mut fields = Fields::new(to);
    fields.text("service.name", service.name.as_deref().unwrap_or(&origin.tool));
    fields.text("service.version", service.version.as_deref().unwrap_or(&origin.tool_version));
    fields.text("tool.name", &origin.tool);
    fields.text("tool.version", &origin.tool_version);
    if let Some(id) = origin.machine_id.as_deref() {
        fields.text("app.installation.id", id);
        fields.text("machine.id", id);
    }
    fields.text("os.type", os_type(&origin.os));
    fields.text("os.version", &origin.os_version);
    fields.text("host.arch", host_arch(&origin.arch));
    // `rust 1.95.0`: a name, and a version where there is one.
    let (name, version) = origin.runtime.split_once(' ').unwrap_or((&origin.runtime, ""));
    fields.text("process.runtime.name", name);
    fields.text("process.runtime.version", version);
    fields.attributes(&origin.attributes);
}

/// Hands on each attribute of a record.
pub(crate) fn each_of_record(event: &Event, to: impl FnMut(&str, Field<'_>)) {
    let mut fields = Fields::new(to);
    fields.text("log.record.uid", &event.id);
    fields.text("event.name", &event.name);
    fields.text("event.type", &event.kind);
    if let Some(duration) = event.duration_ms {
        // A cast from a float saturates and makes 0 of what is no number.
        fields.add("command.duration_ms", Field::Integer(duration.round() as i64));
    }
    if let Some(code) = event.exit_code {
        fields.add("command.exit_code", Field::Integer(code.into()));
        fields.add("process.exit.code", Field::Integer(code.into()));
    }
    if let Some(ended) = event.ended.as_deref() {
        fields.text("command.ended", ended);
    }
    if let Some(kind) = event.error_kind.as_deref() {
        fields.text("error.type", kind);
    }
    if let Some(error) = event.error.as_deref() {
        fields.text("command.error", error);
    }
    if !event.args.is_empty() {
        fields.text("command.args", &event.args.join(" "));
    }
    fields.attributes(&event.attributes);
}

/// Hands on attributes with unique keys.
struct Fields<F> {
    to: F,
    /// The keys that are ours, as far as they were used.
    ours: [&'static str; 16],
    count: usize,
    /// The lengths of those, a bit each: a key of another length is not one of them.
    lengths: u64,
}

impl<F: FnMut(&str, Field<'_>)> Fields<F> {
    fn new(to: F) -> Self {
        Self { to, ours: [""; 16], count: 0, lengths: 0 }
    }

    fn add(&mut self, key: &'static str, field: Field<'_>) {
        if let Some(place) = self.ours.get_mut(self.count) {
            *place = key;
            self.count += 1;
            self.lengths |= bit(key);
        }
        (self.to)(key, field);
    }

    /// Adds text; an empty one says nothing and is left out.
    fn text(&mut self, key: &'static str, value: &str) {
        if !value.is_empty() {
            self.add(key, Field::Text(value));
        }
    }

    /// Adds the author's own, which are unique among themselves.
    fn attributes(&mut self, attributes: &[Attribute]) {
        for attribute in attributes {
            let text;
            let field = match &attribute.value {
                Value::Text(text) | Value::Other(text) => Field::Text(text),
                Value::Boolean(flag) => Field::Boolean(*flag),
                Value::Number(number) => match json::whole(*number) {
                    Some(whole) => Field::Integer(whole),
                    None if number.is_finite() => Field::Number(*number),
                    // JSON has no such number, and what one encoding cannot say neither should.
                    None => {
                        text = attribute.value.to_text();
                        Field::Text(&text)
                    }
                },
            };
            let taken = self.lengths & bit(&attribute.key) != 0
                && self.ours.iter().take(self.count).any(|ours| *ours == attribute.key);
            match taken {
                true => (self.to)(&format!("attribute.{}", attribute.key), field),
                false => (self.to)(&attribute.key, field),
            }
        }
    }
}

fn bit(key: &str) -> u64 {
    1 << (key.len() % 64)
}

/// The conventions' name of an operating system, from Rust's.
fn os_type(os: &str) -> &str {
    match os {
        "macos" | "ios" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    }
}

/// The conventions' name of an architecture, from Rust's.
fn host_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}
