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
    let mut fields = Fields::default();
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
    fields.0
}

fn record(event: &Event) -> LogRecord {
    let mut fields = Fields::default();
    fields.text("log.record.uid", &event.id);
    fields.text("event.name", &event.name);
    fields.text("event.type", &event.kind);
    if let Some(duration) = event.duration_ms {
        // A cast from a float saturates and makes 0 of what is no number.
        fields.add("command.duration_ms", any_value::Value::IntValue(duration.round() as i64));
    }
    if let Some(code) = event.exit_code {
        fields.add("command.exit_code", any_value::Value::IntValue(code.into()));
        fields.add("process.exit.code", any_value::Value::IntValue(code.into()));
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
    let time = event.time.unix_nanos();
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: SeverityNumber::Info.into(),
        severity_text: "INFO".into(),
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(event.name.clone())) }),
        attributes: fields.0,
        event_name: event.kind.clone(),
        ..LogRecord::default()
    }
}

/// Attributes with unique keys.
#[derive(Default)]
struct Fields(Vec<KeyValue>);

impl Fields {
    fn add(&mut self, key: &str, value: any_value::Value) {
        self.0.push(KeyValue {
            key: key.into(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }

    /// Adds text; an empty one says nothing and is left out.
    fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.add(key, any_value::Value::StringValue(value.into()));
        }
    }

    /// Adds the author's own, which are unique among themselves.
    fn attributes(&mut self, attributes: &[Attribute]) {
        let ours = self.0.len();
        for attribute in attributes {
            let taken = self.0.iter().take(ours).any(|it| it.key == attribute.key);
            let value = value(&attribute.value);
            match taken {
                true => self.add(&format!("attribute.{}", attribute.key), value),
                false => self.add(&attribute.key, value),
            }
        }
    }
}

fn value(value: &Value) -> any_value::Value {
    match value {
        Value::Text(text) => any_value::Value::StringValue(text.clone()),
        Value::Boolean(value) => any_value::Value::BoolValue(*value),
        Value::Number(number) => match json::whole(*number) {
            Some(whole) => any_value::Value::IntValue(whole),
            None if number.is_finite() => any_value::Value::DoubleValue(*number),
            // JSON has no such number, and what one encoding cannot say neither should.
            None => any_value::Value::StringValue(value.to_text()),
        },
        Value::Other(text) => any_value::Value::StringValue(text.clone()),
    }
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
