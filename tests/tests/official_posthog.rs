//! What the built component sends through the real host is what PostHog's official client sends for the same
//! event to the same loopback server, by both of its APIs, field by field and header by header, except for the
//! differences below. A difference that is listed and is none fails too.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value as Json, json};
use telemetry_host::types::{Attribute, Batch, Event, Instant, Origin, Outcome, SendContext, Value};
use telemetry_host::{Backend, Component, Door, Grant, GrantSpec, LoadOptions, Recorder, Setup, Source};

/// Properties that may differ, and why.
const PROPERTIES: [(&str, &str); 8] = [
    ("$lib", "names the library, and we are another"),
    ("$lib_version", "likewise"),
    ("$os", "the client asks Python for its own machine's"),
    ("$os_version", "likewise"),
    ("$os_distro", "likewise; a tool's origin has none"),
    ("$python_runtime", "we are not Python; `runtime` says what the tool was built with"),
    ("$python_version", "likewise"),
    ("$is_server", "a command-line tool is no server"),
];

/// What else of a body may have another value, but not be missing, and why.
const VALUES: [(&str, &str); 3] = [
    ("sent_at", "when the request was made"),
    ("created_at", "likewise; ours is the last event's time, so that it is the same on every attempt"),
    ("timestamp", "Python's times have microseconds, and are written with +00:00"),
];

/// Of the events API: what may be missing at one side, and why.
const OPTIONS: (&str, &str) =
    ("process_person_profile", "the client is given it as a property, and makes an option of it");

/// Headers that may differ, and why.
const HEADERS: [(&str, &str); 6] = [
    ("user-agent", "names the library"),
    ("posthog-sdk-info", "likewise"),
    ("posthog-request-id", "each request has its own"),
    ("posthog-request-timestamp", "when the request was made"),
    ("content-length", "of a body in which the above differs"),
    ("connection", "Python's HTTP library says what HTTP/1.1 means anyhow"),
];

fn batch() -> Batch {
    let attribute = |key: &str, value| Attribute { key: key.into(), value };
    let event = Event {
        id: "01890a5d-ac96-8b7c-8000-000000000001".into(),
        kind: "command.invocation".into(),
        name: "remote/add".into(),
        time: Instant { rfc3339: "2026-08-01T12:00:00.123456789Z".into(), unix_ms: 1_785_585_600_123.456_8 },
        duration_ms: Some(12.5),
        exit_code: Some(3),
        ended: Some("exited".into()),
        error_kind: Some("std::io::Error".into()),
        error: Some("cannot read \"config.toml\"\nno such file".into()),
        args: vec!["add".into(), "--name".into(), "Zoë 😀".into()],
        attributes: vec![
            attribute("text", Value::Text("line one\nline \"two\" \u{1}".into())),
            attribute("count", Value::Number(42.0)),
            attribute("ratio", Value::Number(0.25)),
            attribute("cached", Value::Boolean(false)),
        ],
    };
    let origin = Origin {
        machine_id: Some("0123456789abcdef".into()),
        tool: "greet".into(),
        tool_version: "1.4.0".into(),
        os: "linux".into(),
        os_version: "6.8.0".into(),
        arch: "x86_64".into(),
        runtime: "rust 1.95.0".into(),
        ..Origin::default()
    };
    Batch { origin, events: vec![event] }
}

/// Sends the event by this API, through this door, to this address.
fn send(component: &Component, api: &str, url: &str, door: Door) {
    let grant = GrantSpec {
        endpoint: "api".into(),
        url: url.into(),
        allow: vec!["http".into(), "loopback".into()],
        ..GrantSpec::default()
    };
    // The client does not compress by itself.
    let settings = json!({"api_key": "phc_test", "api": api, "compression": "none"}).to_string();
    let setup = Setup::new(settings, door).grant(Grant::parse(grant).expect("a grant"));
    let mut backend = Backend::start(component, setup).expect("the component starts");
    let context = SendContext {
        attempt: 1,
        request_id: "01890a5d-ac96-8b7c-8000-00000000c0de".into(),
        now: Instant { rfc3339: "2026-08-01T12:00:01.123456789Z".into(), unix_ms: 1_785_585_601_123.456_8 },
    };
    assert_eq!(backend.send(&batch(), &context).expect("it answers"), Outcome::Delivered);
}

/// The names that are at one side only, or have other values.
fn differences(ours: &Map<String, Json>, theirs: &Map<String, Json>) -> BTreeSet<String> {
    let names = ours.keys().chain(theirs.keys());
    names.filter(|name| ours.get(*name) != theirs.get(*name)).cloned().collect()
}

fn taken(object: &mut Json, key: &str) -> Map<String, Json> {
    match object.as_object_mut().and_then(|it| it.remove(key)) {
        Some(Json::Object(map)) => map,
        other => panic!("{key} is {other:?}"),
    }
}

/// Takes the values away that may differ, after a look at their form.
fn without_values(object: &mut Json) {
    for (key, _) in VALUES {
        if let Some(value) = object.get_mut(key) {
            assert!(value.as_str().is_some_and(|it| it.starts_with("20")), "{key}: {value}");
            *value = json!("a time");
        }
    }
}

#[test]
fn the_official_client_sends_the_same_event_by_both_apis() {
    let test = "the_official_client_sends_the_same_event_by_both_apis";
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/official/bin/python");
    let default = || if made.exists() { made.into_os_string() } else { "python3".into() };
    let python = std::env::var_os("OFFICIAL_PYTHON").unwrap_or_else(default);
    let installed = Command::new(&python).args(["-c", "import posthog"]).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|it| it.success()) {
        let required = std::env::var_os("OFFICIAL").is_some_and(|it| it == "required");
        assert!(!required, "{python:?} has no module posthog: run .ci/tools");
        eprintln!("SKIPPED {test}: {python:?} has no module posthog");
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/official/posthog_client.py");
    let mut client = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    let mut printed = BufReader::new(client.stdout.take().expect("is piped"));
    let mut port = String::new();
    printed.read_line(&mut port).expect("the script prints its port");
    let url = format!("http://127.0.0.1:{}", port.trim());

    let wasm = telemetry_backends::get("posthog").expect("bundled").wasm;
    let component = Component::load(Source::Bytes(wasm), &LoadOptions::default()).expect("it loads");
    let recorder = Recorder::default();
    send(&component, "batch", &url, Door::Record(recorder.clone()));
    let recorded: Json = serde_json::from_slice(&recorder.take()[0].body).expect("JSON");
    for api in ["batch", "events"] {
        send(&component, api, &url, Door::open());
    }

    // What the client adds by itself is not given to it, so that the comparison can find it missing.
    let mut event = recorded["batch"][0].clone();
    let properties = event["properties"].as_object_mut().expect("has properties");
    for key in ["$geoip_disable", "$lib", "$lib_version", "$os", "$os_version"] {
        assert!(properties.remove(key).is_some(), "{key}");
    }
    event["api_key"] = json!("phc_test");
    client
        .stdin
        .take()
        .expect("is piped")
        .write_all(event.to_string().as_bytes())
        .expect("it reads the event");
    let mut arrived = String::new();
    printed.read_to_string(&mut arrived).expect("the script prints what arrived");
    assert!(client.wait().expect("it ends").success());
    let arrived: Vec<Json> = serde_json::from_str(&arrived).expect("the script prints JSON");
    let paths: Vec<_> = arrived.iter().map(|it| it["path"].as_str().expect("a path")).collect();
    let (batch, events) = ("/batch/", "/i/v1/analytics/events");
    assert_eq!(paths, [batch, events, batch, events], "ours, then the client's, and no other");

    let (mut of_properties, mut of_headers) = (BTreeSet::new(), BTreeSet::new());
    for (ours, theirs) in [(0, 2), (1, 3)] {
        let [mut ours, mut theirs] = [ours, theirs].map(|at: usize| arrived[at].clone());
        of_headers.extend(differences(&taken(&mut ours, "headers"), &taken(&mut theirs, "headers")));
        for side in [&mut ours, &mut theirs] {
            without_values(&mut side["body"]);
            let events = side["body"]["batch"].as_array_mut().expect("has a batch");
            assert_eq!(events.len(), 1);
            without_values(&mut events[0]);
        }
        let [mine, client] =
            [&mut ours, &mut theirs].map(|it| taken(&mut it["body"]["batch"][0], "properties"));
        of_properties.extend(differences(&mine, &client));
        assert_eq!(ours["body"], theirs["body"], "{}: {}", OPTIONS.0, OPTIONS.1);
    }
    let listed =
        |list: &[(&str, &str)]| list.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>();
    // This machine's system may be the sample's.
    of_properties.extend(["$os", "$os_version"].map(str::to_owned));
    assert_eq!(of_properties, listed(&PROPERTIES));
    assert_eq!(of_headers, listed(&HEADERS));
}
