//! Which vendor a request is for, and the events in it, from the shapes that the four have.

use serde_json::Value as Json;

use crate::receiver::Request;

/// What a request was recognised as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recognised {
    /// As in `datadog`.
    pub(crate) vendor: &'static str,
    /// One line for each event.
    pub(crate) events: Vec<String>,
}

/// Looks at where a request goes and at its body.
pub(crate) fn recognise(request: &Request, body: &Json) -> Option<Recognised> {
    let path = request.target.split('?').next().unwrap_or_default();
    let of = |vendor, events: Vec<String>| Some(Recognised { vendor, events });
    if path.ends_with("/v1/logs") && body.get("resourceLogs").is_some() {
        return of("otlp", otlp(body));
    }
    if path.ends_with("/api/v2/logs") || path.contains("/v1/input") {
        return of("datadog", each(body, |it| text(it, "message")));
    }
    if is_posthog(path, body) {
        let events = body.get("batch").unwrap_or(body);
        return of("posthog", each(events, |it| format!("{}: {}", text(it, "event"), name_of(it))));
    }
    let ours = |it: &Json| it.get("type").is_some() && it.get("tool_name").is_some();
    if body.as_array().is_some_and(|events| !events.is_empty() && events.iter().all(ours)) {
        return of("http", each(body, |it| format!("{}: {}", text(it, "type"), text(it, "name"))));
    }
    None
}

fn is_posthog(path: &str, body: &Json) -> bool {
    const PATHS: [&str; 5] = ["/batch", "/capture", "/i/v0/e", "/e", "/i/v1/analytics/events"];
    let path = path.trim_end_matches('/');
    PATHS.iter().any(|known| path.ends_with(known))
        && (body.get("batch").is_some() || body.get("event").is_some() || body.is_array())
}

fn otlp(body: &Json) -> Vec<String> {
    let list = |at: &Json, key: &str| at.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for resource in list(body, "resourceLogs") {
        for scope in list(&resource, "scopeLogs") {
            for record in list(&scope, "logRecords") {
                let said = record.pointer("/body/stringValue").and_then(Json::as_str).unwrap_or("?");
                lines.push(format!("{}: {said}", text(&record, "eventName")));
            }
        }
    }
    lines
}

/// PostHog's own clients have no name apart from the event.
fn name_of(event: &Json) -> String {
    let name = event.pointer("/properties/event_name").and_then(Json::as_str);
    name.or_else(|| event.get("distinct_id").and_then(Json::as_str)).unwrap_or("?").to_owned()
}

fn each(body: &Json, line: impl Fn(&Json) -> String) -> Vec<String> {
    match body {
        Json::Array(events) => events.iter().map(line).collect(),
        one => vec![line(one)],
    }
}

fn text(of: &Json, key: &str) -> String {
    of.get(key).and_then(Json::as_str).unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recognised(target: &str, body: &Json) -> Option<(&'static str, Vec<String>)> {
        let request =
            Request { method: "POST".into(), target: target.into(), headers: Vec::new(), body: Vec::new() };
        recognise(&request, body).map(|it| (it.vendor, it.events))
    }

    #[test]
    fn each_vendor_is_known_by_its_address_and_its_shape() {
        let record = json!({"eventName": "command.invocation", "body": {"stringValue": "build"}});
        let otlp = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]});
        let posthog = json!({"event": "command.invocation", "properties": {"event_name": "build"}});
        let line = || vec!["command.invocation: build".to_owned()];
        for (target, body, vendor) in [
            ("/v1/logs", otlp, "otlp"),
            ("/api/v2/logs?dd-api-key=x", json!([{"message": "command.invocation: build"}]), "datadog"),
            ("/batch/", json!({"batch": [posthog]}), "posthog"),
            ("/i/v1/analytics/events", json!({"batch": [posthog]}), "posthog"),
            ("/capture/", posthog.clone(), "posthog"),
            ("/in", json!([{"type": "command.invocation", "name": "build", "tool_name": "greet"}]), "http"),
        ] {
            assert_eq!(recognised(target, &body), Some((vendor, line())), "{target}");
        }
    }

    #[test]
    fn what_is_nobodys_is_not_recognised() {
        assert_eq!(recognised("/in", &json!({"a": 1})), None);
        assert_eq!(recognised("/v1/logs", &json!([])), None);
        assert_eq!(recognised("/batch", &json!({"a": 1})), None);
    }
}
