//! What a collector gets, in both encodings.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use proptest::prelude::*;
use prost::Message;
use std::collections::BTreeSet;
use telemetry_backend_otlp::Otlp;
use telemetry_backend_sdk::testing::{self, Script, answer, attribute, batch, command, deliver, everything};
use telemetry_backend_sdk::{Backend, Batch, Body, Event, Origin, Outcome, Request, Value};

const PROTOBUF: &str = "{}";
const JSON: &str = r#"{"protocol": "http/json"}"#;

fn request(settings: &str, batch: &Batch) -> Request {
    let backend: Otlp = testing::configure(settings).expect("the settings are right");
    let mut vendor = Script::once(answer(200));
    assert_eq!(backend.send(batch, &testing::context(), &mut vendor), Outcome::Delivered);
    vendor.requests.remove(0)
}

fn message(settings: &str, batch: &Batch) -> ExportLogsServiceRequest {
    match request(settings, batch).body {
        Body::Text(json) => serde_json::from_str(&json).expect("is the protocol's JSON"),
        Body::Bytes(bytes) => ExportLogsServiceRequest::decode(&*bytes).expect("is the protocol's message"),
        Body::Empty => panic!("the request is empty"),
    }
}

fn record(batch: &Batch) -> LogRecord {
    message(PROTOBUF, batch).resource_logs[0].scope_logs[0].log_records[0].clone()
}

fn keys(attributes: &[KeyValue]) -> Vec<&str> {
    attributes.iter().map(|it| it.key.as_str()).collect()
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|it| it.key == key).and_then(|it| it.value.clone()?.value);
    match found {
        Some(Any::StringValue(text)) => text,
        other => panic!("{key} is {other:?}"),
    }
}

#[test]
fn the_requests_are_what_was_reviewed() {
    let events = batch(vec![command("build"), everything()]);
    let settings = r#"{"protocol": "http/json", "compression": "none", "service_name": "s", "service_version": "2",
        "headers": {"X-Scope-OrgID": "team"}}"#;
    let anonymous = Batch {
        origin: Origin { machine_id: None, attributes: vec![], runtime: String::new(), ..testing::origin() },
        events: vec![Event { duration_ms: None, exit_code: None, ended: None, ..command("sparse") }],
    };
    testing::golden(
        "tests/golden/requests.http",
        &[request(JSON, &events), request(settings, &anonymous), request(PROTOBUF, &anonymous)],
    );
}

#[test]
fn an_address_that_is_whole_is_used_as_it_stands() {
    let events = batch(vec![command("a")]);
    assert_eq!(request(PROTOBUF, &events).path, "/v1/logs");
    assert_eq!(request(r#"{"path": ""}"#, &events).path, "");
    assert_eq!(request(r#"{"path": "/otlp/logs"}"#, &events).path, "/otlp/logs");
}

#[test]
fn both_encodings_say_the_same() {
    let events = batch(vec![command("build"), everything()]);
    assert_eq!(message(JSON, &events), message(PROTOBUF, &events));
}

#[test]
fn json_is_the_protocols_and_not_protobufs() {
    let request = request(JSON, &batch(vec![everything()]));
    let Body::Text(json) = &request.body else { panic!("is text") };
    assert!(json.contains(r#""timeUnixNano":"1785585600123456789""#), "64 bits are text");
    assert!(json.contains(r#""intValue":"42""#), "64 bits are text");
    assert!(json.contains(r#""severityNumber":9"#), "an enum is a number");
    assert!(json.contains(r#""eventName":"#), "names are in lowerCamelCase");
}

#[test]
fn a_record_carries_what_the_conventions_and_the_go_library_name() {
    let record = record(&batch(vec![everything()]));
    assert_eq!(record.time_unix_nano, 1_785_585_600_123_456_789);
    assert_eq!(record.observed_time_unix_nano, record.time_unix_nano);
    assert_eq!((record.severity_number, record.severity_text.as_str()), (9, "INFO"));
    assert_eq!(record.event_name, "command.invocation");
    assert_eq!(record.body.and_then(|it| it.value), Some(Any::StringValue("remote/add".into())));
    assert_eq!(text(&record.attributes, "log.record.uid"), everything().id);
    assert_eq!(text(&record.attributes, "event.type"), "command.invocation");
    assert_eq!(text(&record.attributes, "event.name"), "remote/add");
    assert_eq!(text(&record.attributes, "command.args"), "add --name Zoë 😀");
    assert_eq!(text(&record.attributes, "error.type"), "std::io::Error");
    let number =
        |key| record.attributes.iter().find(|it| it.key == key).and_then(|it| it.value.clone()?.value);
    assert_eq!(number("command.duration_ms"), Some(Any::IntValue(13)));
    assert_eq!(number("command.exit_code"), Some(Any::IntValue(3)));
    assert_eq!(number("process.exit.code"), Some(Any::IntValue(3)));
    assert_eq!(number("ratio"), Some(Any::DoubleValue(0.25)));
    assert_eq!(number("cached"), Some(Any::BoolValue(false)));
}

#[test]
fn the_resource_carries_what_a_batch_has_in_common() {
    let request = message(PROTOBUF, &batch(vec![command("a")]));
    let resource = request.resource_logs[0].resource.clone().expect("has a resource").attributes;
    for (key, value) in [
        ("service.name", "greet"),
        ("service.version", "1.4.0"),
        ("tool.name", "greet"),
        ("tool.version", "1.4.0"),
        ("app.installation.id", "0123456789abcdef"),
        ("machine.id", "0123456789abcdef"),
        ("os.type", "linux"),
        ("os.version", "6.8.0"),
        ("host.arch", "amd64"),
        ("process.runtime.name", "rust"),
        ("process.runtime.version", "1.95.0"),
    ] {
        assert_eq!(text(&resource, key), value, "{key}");
    }
}

#[test]
fn what_could_name_a_person_is_never_sent() {
    let request = message(PROTOBUF, &batch(vec![everything()]));
    let resource = request.resource_logs[0].resource.clone().expect("has a resource").attributes;
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    for key in keys(&resource).into_iter().chain(keys(&record.attributes)) {
        assert!(
            !["host.name", "host.id", "process.command_args", "process.command_line", "process.owner"]
                .contains(&key)
        );
    }
}

#[test]
fn an_authors_attribute_that_has_our_name_is_kept_under_another() {
    let mut event = everything();
    event.attributes.push(attribute("log.record.uid", Value::Text("mine".into())));
    let record = record(&batch(vec![event]));
    let unique: BTreeSet<_> = keys(&record.attributes).into_iter().collect();
    assert_eq!(unique.len(), record.attributes.len(), "keys are unique");
    assert_eq!(text(&record.attributes, "log.record.uid"), everything().id);
    assert_eq!(text(&record.attributes, "attribute.log.record.uid"), "mine");
}

#[test]
fn rusts_names_become_the_conventions() {
    for (os, arch, os_type, host_arch) in [
        ("macos", "aarch64", "darwin", "arm64"),
        ("windows", "x86", "windows", "x86"),
        ("freebsd", "arm", "freebsd", "arm32"),
        ("linux", "powerpc64", "linux", "ppc64"),
        ("plan9", "riscv64", "plan9", "riscv64"),
    ] {
        let origin = Origin { os: os.into(), arch: arch.into(), ..testing::origin() };
        let request = message(PROTOBUF, &Batch { origin, events: vec![command("a")] });
        let resource = request.resource_logs[0].resource.clone().expect("has a resource").attributes;
        assert_eq!(text(&resource, "os.type"), os_type);
        assert_eq!(text(&resource, "host.arch"), host_arch);
    }
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let events = batch(vec![everything(), command("a")]);
    for settings in [PROTOBUF, JSON] {
        assert_eq!(request(settings, &events), request(settings, &events));
    }
}

#[test]
fn no_batch_of_the_biggest_events_exceeds_what_a_request_may_have_and_every_event_arrives() {
    for settings in [PROTOBUF, JSON] {
        let backend: Otlp = testing::configure(settings).expect("the settings are right");
        for (count, big, letter) in testing::LOADS.into_iter().chain([(80, 80, 'x'), (16, 16, '\u{1}')]) {
            let events = testing::load(count, big, letter);
            let mut requests = 0;
            let done = deliver(&backend, &batch(events.clone()), &mut |request: &Request| {
                assert!(request.body.len() <= 16 << 20, "{} bytes", request.body.len());
                requests += 1;
                Ok(answer(200))
            });
            done.accounts_for(&events);
            assert!(done.rejected.is_empty(), "{count} {letter:?}");
            // 20 MiB of text do not fit into one request.
            assert!(requests > 1 || big != 80, "{requests} requests");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn every_record_of_a_big_batch_arrives_once(
        count in 1_usize..5_000,
        small in 0_usize..2_000,
        json in any::<bool>(),
    ) {
        let mut events: Vec<Event> = (0..count).map(|at| command(&format!("c{at}"))).collect();
        for event in &mut events {
            event.attributes.push(attribute("small", Value::Text("ä".repeat(small / 2))));
        }
        let backend: Otlp = testing::configure(if json { JSON } else { PROTOBUF }).expect("the settings are right");
        let mut arrived = Vec::new();
        let mut collector = |request: &Request| {
            assert!(request.body.len() <= 16 << 20);
            let message = match &request.body {
                Body::Text(json) => serde_json::from_str(json).expect("is the protocol's JSON"),
                other => ExportLogsServiceRequest::decode(other.as_bytes()).expect("is the protocol's message"),
            };
            for record in &message.resource_logs[0].scope_logs[0].log_records {
                arrived.push(text(&record.attributes, "log.record.uid"));
            }
            Ok(answer(200))
        };
        let done = deliver(&backend, &batch(events.clone()), &mut collector);
        prop_assert!(done.rejected.is_empty());
        prop_assert_eq!(&done.delivered, &arrived);
        prop_assert_eq!(arrived, events.into_iter().map(|it| it.id).collect::<Vec<_>>());
    }
}

#[test]
fn a_record_that_no_request_can_hold_is_set_aside_and_the_others_are_delivered() {
    let mut big = command("big");
    big.attributes.push(attribute("text", Value::Text("x".repeat(16 << 20))));
    let backend: Otlp = testing::configure(PROTOBUF).expect("no setting is required");
    let events = vec![command("a"), big.clone(), command("b"), command("c")];
    let done = deliver(&backend, &batch(events), &mut |_: &Request| Ok(answer(200)));
    assert_eq!(done.rejected, [big.id]);
    assert_eq!(done.delivered, [command("a").id, command("b").id, command("c").id]);
}
