//! What a receiver gets, byte by byte, and that a receiver written for the Go library can read it.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use telemetry_backend_http::HttpJson;
use telemetry_backend_sdk::testing::{self, Script, answer, batch, command, deliver, everything};
use telemetry_backend_sdk::{Backend, Batch, Event, Outcome, Request, Value};

fn request(settings: &str, batch: &Batch) -> Request {
    let backend: HttpJson = testing::configure(settings).expect("the settings are right");
    let mut vendor = Script::once(answer(200));
    assert_eq!(backend.send(batch, &testing::context(), &mut vendor), Outcome::Delivered);
    vendor.requests.remove(0)
}

#[test]
fn the_request_is_what_was_reviewed() {
    let anonymous = Batch {
        origin: telemetry_backend_sdk::Origin { machine_id: None, attributes: vec![], ..testing::origin() },
        events: vec![Event { duration_ms: None, exit_code: None, ended: None, ..command("sparse") }],
    };
    testing::golden(
        "tests/golden/requests.http",
        &[
            request("{}", &batch(vec![command("build"), everything()])),
            request(r#"{"compression": "gzip"}"#, &anonymous),
        ],
    );
}

#[test]
fn the_request_to_erase_is_what_was_reviewed() {
    let backend: HttpJson = testing::configure("{}").expect("no setting is required");
    let mut vendor = Script::once(answer(202));
    backend.erase(&["0123456789abcdef".into()], &testing::context(), &mut vendor);
    testing::golden("tests/golden/erasure.http", &vendor.requests);
}

/// The Go library's `Event`, with Go's types: a number with a fraction is no `int64`, and a
/// `map[string]string` takes strings only.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Ancestor {
    timestamp: String,
    r#type: String,
    name: String,
    machine_id: String,
    tool_name: String,
    version: String,
    os: String,
    arch: String,
    os_version: String,
    #[serde(default)]
    duration_ms: i64,
    #[serde(default)]
    exit_code: i32,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    error: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[test]
fn a_receiver_written_for_the_go_library_reads_every_event() {
    let body = request("{}", &batch(vec![command("build"), everything()])).body;
    let events: Vec<Ancestor> = serde_json::from_slice(body.as_bytes()).expect("is the Go library's form");
    assert_eq!((events[0].duration_ms, events[0].exit_code), (13, 0));
    let metadata: Vec<_> =
        events[1].metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        metadata,
        [
            ("cached", "false"),
            ("ci", "true"),
            ("count", "42"),
            ("list", "[1,\"two\"]"),
            ("ratio", "0.25"),
            ("text", "line one\nline \"two\" \u{1}"),
        ]
    );
    assert_eq!(events[1].args, ["add", "--name", "Zoë 😀"]);
}

#[test]
fn an_events_own_attribute_wins_over_the_origins() {
    let mut event = command("build");
    event.attributes.push(testing::attribute("ci", Value::Text("no".into())));
    let body = request("{}", &batch(vec![event])).body;
    let events: Json = serde_json::from_slice(body.as_bytes()).expect("is JSON");
    assert_eq!(events[0]["attributes"], serde_json::json!({"ci": "no"}));
    assert_eq!(events[0]["metadata"], serde_json::json!({"ci": "no"}));
}

#[test]
fn a_wrong_setting_is_named() {
    for (settings, key) in
        [(r#"{"compression": "br"}"#, "compression"), (r#"{"url": "x"}"#, "url"), ("[]", "")]
    {
        let problems = testing::configure::<HttpJson>(settings).expect_err("is refused");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].key, key);
    }
}

#[test]
fn no_batch_of_the_biggest_events_exceeds_what_a_request_has_and_every_event_is_accounted_for() {
    let backend: HttpJson = testing::configure("{}").expect("no setting is required");
    for (count, big, letter) in testing::LOADS {
        let events = testing::load(count, big, letter);
        let mut arrived = Vec::new();
        let done = deliver(&backend, &batch(events.clone()), &mut |request: &Request| {
            assert!(request.body.len() <= 1 << 20, "{} bytes", request.body.len());
            let body: Json = serde_json::from_slice(request.body.as_bytes()).expect("is JSON");
            let sent = body.as_array().expect("is an array");
            assert!((1..=1_000).contains(&sent.len()), "{} events", sent.len());
            arrived.extend(sent.iter().map(|it| it["id"].as_str().expect("has an id").to_owned()));
            Ok(answer(200))
        });
        done.accounts_for(&events);
        assert_eq!(done.delivered, arrived, "{count} {letter:?}");
        // An attribute is there twice, with its type and as text: with escapes that is more than 1 MiB.
        let expected = if matches!(letter, '"' | '\u{1}') { big } else { 0 };
        assert_eq!(done.rejected.len(), expected, "{count} {letter:?}");
    }
}

/// The host's estimate counts the events; what each repeats of its origin is seen here only.
#[test]
fn what_every_event_repeats_of_its_origin_is_counted_too() {
    let backend: HttpJson = testing::configure("{}").expect("no setting is required");
    let mut origin = testing::origin();
    origin.attributes =
        (0..8).map(|at| testing::attribute(&format!("mark{at}"), Value::Text("x".repeat(1_000)))).collect();
    let events: Vec<Event> = (0..500).map(|at| command(&format!("c{at}"))).collect();
    let mut requests = 0;
    let done = deliver(&backend, &Batch { origin, events: events.clone() }, &mut |request: &Request| {
        assert!(request.body.len() <= 1 << 20, "{} bytes", request.body.len());
        requests += 1;
        Ok(answer(200))
    });
    done.accounts_for(&events);
    assert!(done.rejected.is_empty() && requests >= 8, "{requests} requests");
}
