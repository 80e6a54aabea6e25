//! Events from lines of JSON: what the backends `file` and `stdout` write, or written by hand.
//!
//! `type` and `name` are all that a line needs. An id is made from the line's number, so that the
//! same file is the same events; a time that is not given is now.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use telemetry::event::Timestamp;
use telemetry_host::types::{Attribute, Event, Instant, Origin, Value};

/// A line as it is written. `origin` is that of `Line` in the library, whose own type is not ours to read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    id: Option<String>,
    timestamp: Option<String>,
    duration_ms: Option<f64>,
    exit_code: Option<i32>,
    ended: Option<String>,
    error_kind: Option<String>,
    error: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    attributes: Map<String, Json>,
    origin: Option<Who>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Who {
    machine_id: Option<String>,
    tool: String,
    tool_version: String,
    os: String,
    os_version: String,
    arch: String,
    runtime: String,
    ci: Option<String>,
    container: bool,
}

/// The events of a file, each with who it happened to, in the file's order.
pub(crate) fn read(file: &Path) -> Result<Vec<(Origin, Event)>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    parse(&text).map_err(|error| format!("{}, {error}", file.display()))
}

fn parse(text: &str) -> Result<Vec<(Origin, Event)>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let wrong = |why: String| format!("line {}: {why}", at + 1);
            let line: Line = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            event(line, at + 1).map_err(wrong)
        })
        .collect()
}

fn event(line: Line, number: usize) -> Result<(Origin, Event), String> {
    let time = match &line.timestamp {
        Some(text) => instant(text)?,
        None => now(),
    };
    let origin = line.origin.map_or_else(sample_origin, origin);
    let event = Event {
        id: line.id.unwrap_or_else(|| id(number)),
        kind: line.kind,
        name: line.name,
        time,
        duration_ms: line.duration_ms,
        exit_code: line.exit_code,
        ended: line.ended,
        error_kind: line.error_kind,
        error: line.error,
        args: line.args,
        attributes: line.attributes.into_iter().map(attribute).collect(),
    };
    Ok((origin, event))
}

/// A UUID of a version for one's own use, made from a number.
pub(crate) fn id(number: usize) -> String {
    format!("00000000-0000-8000-8000-{number:012x}")
}

/// Now, as a component is told it.
pub(crate) fn now() -> Instant {
    let now = Timestamp::now();
    Instant { rfc3339: now.rfc3339(), unix_ms: now.unix_ms() }
}

fn instant(text: &str) -> Result<Instant, String> {
    // What is no time falls back to the milliseconds: then, and only then, they make a difference.
    let nanos = |unix_ms| telemetry_backend_sdk::Instant { rfc3339: text.to_owned(), unix_ms }.unix_nanos();
    let found = nanos(1.0);
    if found != nanos(2.0) {
        return Err(format!("timestamp {text:?} is not a time in UTC such as \"2026-08-01T12:00:00.5Z\""));
    }
    Ok(Instant { rfc3339: text.to_owned(), unix_ms: found as f64 / 1e6 })
}

fn attribute((key, value): (String, Json)) -> Attribute {
    let value = match value {
        Json::String(text) => Value::Text(text),
        Json::Bool(flag) => Value::Boolean(flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
        other => Value::Other(other.to_string()),
    };
    Attribute { key, value }
}

fn origin(who: Who) -> Origin {
    let mut attributes = Vec::new();
    if let Some(ci) = who.ci {
        attributes.push(Attribute { key: "ci".into(), value: Value::Text(ci) });
    }
    if who.container {
        attributes.push(Attribute { key: "container".into(), value: Value::Boolean(true) });
    }
    Origin {
        machine_id: who.machine_id,
        tool: who.tool,
        tool_version: who.tool_version,
        os: who.os,
        os_version: who.os_version,
        arch: who.arch,
        runtime: who.runtime,
        attributes,
    }
}

/// A tool `greet` on a Linux machine.
pub(crate) fn sample_origin() -> Origin {
    Origin {
        machine_id: Some("0123456789abcdef".into()),
        tool: "greet".into(),
        tool_version: "1.4.0".into(),
        os: "linux".into(),
        os_version: "6.8.0".into(),
        arch: "x86_64".into(),
        runtime: "rust 1.95.0".into(),
        attributes: vec![Attribute { key: "ci".into(), value: Value::Text("github".into()) }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_backend_writes_is_read() {
        let line = r#"{"id":"01890a5d-ac96-8b7c-8000-000000000001","type":"command.invocation","name":"build","timestamp":"2026-08-01T12:00:00.500000000Z","duration_ms":12.5,"exit_code":0,"ended":"finished","args":["-v"],"attributes":{"language":"en","count":3,"fast":true},"origin":{"machine_id":"0123456789abcdef","tool":"greet","tool_version":"1.0.0","os":"linux","os_version":"","arch":"x86_64","runtime":"","container":true}}"#;
        let read = parse(line).unwrap();
        let (origin, event) = &read[0];
        assert_eq!(event.time.unix_ms, 1_785_585_600_500.0);
        assert_eq!((event.name.as_str(), event.exit_code, event.args.len()), ("build", Some(0), 1));
        assert_eq!(event.attributes.len(), 3);
        assert_eq!(origin.attributes[0].key, "container");
    }

    #[test]
    fn a_kind_and_a_name_are_enough_and_each_line_is_another_event() {
        let read = parse("{\"type\":\"a\",\"name\":\"b\"}\n\n{\"type\":\"a\",\"name\":\"b\"}\n").unwrap();
        assert_eq!(read.len(), 2);
        assert_ne!(read[0].1.id, read[1].1.id);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, says) in [
            ("{\"type\":\"a\"}", "line 1: missing field `name`"),
            ("\n{\"type\":\"a\",\"name\":\"b\",\"nmae\":1}", "line 2: unknown field `nmae`"),
            ("{\"type\":\"a\",\"name\":\"b\",\"timestamp\":\"today\"}", "line 1: timestamp \"today\" is not"),
            ("x", "line 1: expected value"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
