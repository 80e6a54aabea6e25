//! One event as a log entry.
//!
//! As the Go library has it: `message` is "type: name", `service` the tool, `hostname` the machine
//! id, the tags `event_type`, `tool_version`, `os`, `arch`, and `metadata` nested. Added: `id`,
//! `event_time` (which an old event keeps where `timestamp` is replaced), `duration` in nanoseconds and
//! `error.kind`/`error.message`, which are Datadog's own names, and the fields that the Go library
//! left out.

use crate::Datadog;
use telemetry_backend_sdk::json::Object;
use telemetry_backend_sdk::{Event, Origin};

/// The longest tag that Datadog keeps, in characters.
const TAG: usize = 200;

/// The JSON text of one entry.
pub(crate) fn entry(datadog: &Datadog, origin: &Origin, event: &Event) -> String {
    let mut entry = Object::new();
    entry
        .text("message", &format!("{}: {}", event.kind, event.name))
        .text("ddsource", &datadog.source)
        .text("ddtags", &tags(datadog, origin, event))
        .text_if("hostname", origin.machine_id.as_deref())
        .text("service", datadog.service.as_deref().unwrap_or(&origin.tool))
        .text("status", "info")
        .text("timestamp", &event.time.rfc3339)
        .text("id", &event.id)
        .text("event_type", &event.kind)
        .text("event_name", &event.name)
        .text("event_time", &event.time.rfc3339)
        .text("tool_version", &origin.tool_version)
        .text("os", &origin.os)
        .text("os_version", &origin.os_version)
        .text("arch", &origin.arch)
        .text("runtime", &origin.runtime);
    if let Some(duration) = event.duration_ms {
        // A cast from a float saturates and makes 0 of what is no number.
        entry.whole("duration", (duration * 1e6).round() as i64);
    }
    if let Some(code) = event.exit_code {
        entry.whole("exit_code", code.into());
    }
    entry.text_if("ended", event.ended.as_deref());
    if !event.args.is_empty() {
        entry.texts("args", &event.args);
    }
    if event.error.is_some() || event.error_kind.is_some() {
        let mut error = Object::new();
        error.text_if("kind", event.error_kind.as_deref()).text_if("message", event.error.as_deref());
        entry.raw("error", &error.finish());
    }
    let common = origin.attributes.iter().filter(|it| event.attributes.iter().all(|own| own.key != it.key));
    let mut attributes = common.chain(&event.attributes).peekable();
    if attributes.peek().is_some() {
        let mut metadata = Object::new();
        for attribute in attributes {
            metadata.value(&attribute.key, &attribute.value);
        }
        entry.raw("metadata", &metadata.finish());
    }
    entry.finish()
}

fn tags(datadog: &Datadog, origin: &Origin, event: &Event) -> String {
    let ours = [
        ("event_type", event.kind.as_str()),
        ("tool_version", &origin.tool_version),
        ("os", &origin.os),
        ("arch", &origin.arch),
    ];
    let more = datadog.tags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut tags = String::new();
    for (name, value) in ours.into_iter().chain(more).filter(|(_, value)| !value.is_empty()) {
        if !tags.is_empty() {
            tags.push(',');
        }
        let tag = name.chars().chain([':']).chain(value.chars()).take(TAG);
        tags.extend(tag.map(|it| if separates(it) { '_' } else { it }));
    }
    tags
}

/// Whether a character would end a tag, or break the line that tags are.
fn separates(it: char) -> bool {
    it == ',' || it.is_control() || it.is_whitespace()
}

/// Why this cannot be a tag.
pub(crate) fn tag_problem(name: &str, value: &str) -> Option<String> {
    if !name.starts_with(|it: char| it.is_alphabetic()) {
        return Some(format!("`{name}` is no tag's name: it begins with a letter"));
    }
    if name.contains(|it: char| it == ':' || separates(it)) || value.contains(separates) {
        return Some(format!("`{name}:{value}` would be more than one tag: leave out commas and spaces"));
    }
    if name.chars().count() + value.chars().count() + 1 > TAG {
        return Some(format!("`{name}` makes a tag of more than {TAG} characters"));
    }
    None
}
