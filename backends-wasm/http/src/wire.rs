//! One event as the receiver sees it.
//!
//! `timestamp`, `type`, `name`, `machine_id`, `tool_name`, `version`, `os`, `arch`, `os_version`,
//! `duration_ms`, `exit_code`, `args`, `error` and `metadata` are the Go library's, with its types:
//! `duration_ms` is a whole number and `metadata` has string values only, because its receivers
//! decode into `int64` and `map[string]string` and would refuse anything else. New are `id` (for
//! dropping duplicates), `runtime` (in place of `go_version`), `ended`, `error_kind`, and
//! `attributes`, which is `metadata` with the types that the tool recorded.

use telemetry_backend_sdk::json::Object;
use telemetry_backend_sdk::{Attribute, Event, Origin};

/// The JSON text of one event.
pub(crate) fn event(origin: &Origin, event: &Event) -> String {
    let mut entry = Object::new();
    entry
        .text("id", &event.id)
        .text("timestamp", &event.time.rfc3339)
        .text("type", &event.kind)
        .text("name", &event.name)
        .text("machine_id", origin.machine_id.as_deref().unwrap_or_default())
        .text("tool_name", &origin.tool)
        .text("version", &origin.tool_version)
        .text("os", &origin.os)
        .text("arch", &origin.arch)
        .text("os_version", &origin.os_version)
        .text("runtime", &origin.runtime);
    if let Some(duration) = event.duration_ms {
        // A cast from a float saturates and makes 0 of what is no number.
        entry.whole("duration_ms", duration.round() as i64);
    }
    if let Some(code) = event.exit_code {
        entry.whole("exit_code", code.into());
    }
    entry.text_if("ended", event.ended.as_deref());
    if !event.args.is_empty() {
        entry.texts("args", &event.args);
    }
    entry.text_if("error", event.error.as_deref()).text_if("error_kind", event.error_kind.as_deref());
    let (mut metadata, mut typed) = (Object::new(), Object::new());
    let mut any = false;
    for Attribute { key, value } in attributes(origin, event) {
        metadata.text(key, &value.to_text());
        typed.value(key, value);
        any = true;
    }
    if any {
        entry.raw("metadata", &metadata.finish()).raw("attributes", &typed.finish());
    }
    entry.finish()
}

/// What holds for every event, then the event's own, which win where both have a key.
fn attributes<'a>(origin: &'a Origin, event: &'a Event) -> impl Iterator<Item = &'a Attribute> {
    let common = origin.attributes.iter().filter(|it| event.attributes.iter().all(|own| own.key != it.key));
    common.chain(&event.attributes)
}
