//! One event as PostHog sees it.
//!
//! As the Go library has it: `event` is the kind, `distinct_id` the machine id, and the properties
//! are `event_name`, `tool_name`, `tool_version`, `$os`, `arch` and the author's own, side by side.
//! Unlike there, an author's property does not replace one of ours: it is kept as `attribute.<name>`. So
//! are all names with a `$`, with which an event could ask for a person profile or rename a person.
//!
//! Where the author chose no identity, each event has its own id as `distinct_id`, so that nothing
//! joins two of them.

use telemetry_backend_sdk::json::Object;
use telemetry_backend_sdk::{Attribute, Event, Origin};

/// The longest event name and distinct id.
const NAME: usize = 200;

/// Why PostHog would drop this event without saying so.
pub(crate) fn problem(event: &Event) -> Option<String> {
    match event.kind.chars().count() {
        0 => Some("PostHog takes no event without a kind".into()),
        1..=NAME => None,
        characters => Some(format!("a kind of {characters} characters; PostHog takes {NAME}")),
    }
}

/// For `/batch/`.
pub(crate) fn batch(origin: &Origin, event: &Event) -> String {
    let mut properties = properties(origin, event);
    properties
        .text("$lib", "cli-telemetry")
        .text("$lib_version", env!("CARGO_PKG_VERSION"))
        .boolean("$process_person_profile", false);
    let mut json = head(origin, event);
    json.raw("properties", &properties.finish());
    json.finish()
}

/// For `/i/v1/analytics/events`: the profile is an option there, and the library is told in a header.
pub(crate) fn v1(origin: &Origin, event: &Event) -> String {
    let mut json = head(origin, event);
    json.raw("options", "{\"process_person_profile\":false}")
        .raw("properties", &properties(origin, event).finish());
    json.finish()
}

fn head(origin: &Origin, event: &Event) -> Object {
    let mut json = Object::new();
    json.text("event", &event.kind)
        .text("distinct_id", distinct_id(origin, event))
        .text("uuid", &event.id)
        .text("timestamp", &event.time.rfc3339);
    json
}

/// The machine id, unless it is none that PostHog would take.
fn distinct_id<'a>(origin: &'a Origin, event: &'a Event) -> &'a str {
    /// Words that PostHog takes for a mistake and drops.
    const ILLEGAL: [&str; 16] = [
        "0",
        "anonymous",
        "guest",
        "distinctid",
        "distinct_id",
        "id",
        "not_authenticated",
        "email",
        "undefined",
        "true",
        "false",
        "null",
        "none",
        "nil",
        "nan",
        "[object object]",
    ];
    match origin.machine_id.as_deref() {
        Some(id)
            if !id.trim().is_empty()
                && id.chars().count() <= NAME
                && !ILLEGAL.iter().any(|it| id.eq_ignore_ascii_case(it)) =>
        {
            id
        }
        _ => &event.id,
    }
}

fn properties(origin: &Origin, event: &Event) -> Object {
    let mut properties = Object::new();
    properties
        .text("event_name", &event.name)
        .text("tool_name", &origin.tool)
        .text("tool_version", &origin.tool_version)
        .text("$os", os(&origin.os))
        .text("$os_version", &origin.os_version)
        .text("arch", &origin.arch)
        .text("runtime", &origin.runtime);
    if let Some(duration) = event.duration_ms {
        properties.number("duration_ms", duration);
    }
    if let Some(code) = event.exit_code {
        properties.whole("exit_code", code.into());
    }
    properties
        .text_if("ended", event.ended.as_deref())
        .text_if("error_kind", event.error_kind.as_deref())
        .text_if("error", event.error.as_deref());
    if !event.args.is_empty() {
        properties.texts("args", &event.args);
    }
    let common = origin.attributes.iter().filter(|it| event.attributes.iter().all(|own| own.key != it.key));
    for Attribute { key, value } in common.chain(&event.attributes) {
        match is_ours(key) {
            true => properties.value(&format!("attribute.{key}"), value),
            false => properties.value(key, value),
        };
    }
    properties.boolean("$geoip_disable", true);
    properties
}

/// Whether an author's attribute may not have this name.
fn is_ours(key: &str) -> bool {
    const OURS: [&str; 11] = [
        "event_name",
        "tool_name",
        "tool_version",
        "arch",
        "runtime",
        "duration_ms",
        "exit_code",
        "ended",
        "error_kind",
        "error",
        "args",
    ];
    key.starts_with('$') || OURS.contains(&key)
}

/// PostHog's name of an operating system, from Rust's.
fn os(os: &str) -> &str {
    match os {
        "linux" => "Linux",
        "macos" => "Mac OS X",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        "android" => "Android",
        "ios" => "iOS",
        other => other,
    }
}
