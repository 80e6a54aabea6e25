//! A limit on the size of a request costs no event that fits into one: with the example tool, real
//! components and real sockets.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use telemetry_tests::{Home, Vendor};

/// A tool that sends only when it is told to.
fn home(vendor: &Vendor, backend: &str, endpoint: &str, request_bytes: usize, settings: &str) -> Home {
    let home = Home::new(&format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\nuse = \"{backend}\"\n{settings}\n[backend.limits]\nrequest_bytes = {request_bytes}\n\n\
         [endpoints.{endpoint}]\nurl = \"{}\"\nallow = [\"http\", \"loopback\"]\n\
         credential = {{ header = \"DD-API-KEY\", value = \"0123456789abcdef\" }}\n\n\
         [delivery]\nmode = \"never\"\n",
        vendor.url()
    ));
    let enabled = home.leaky(&["telemetry", "enable"]).output().expect("the tool runs");
    assert!(enabled.status.success(), "{enabled:?}");
    home
}

/// Two events for each text: one with the text as an attribute, and the command's own without it.
fn record(home: &Home, texts: &[String]) {
    let arguments: Vec<&str> = ["leak"].into_iter().chain(texts.iter().map(String::as_str)).collect();
    assert!(home.leaky(&arguments).status().expect("the tool runs").success());
}

fn telemetry(home: &Home, arguments: &[&str]) -> Json {
    let all = [&["telemetry"], arguments, &["--json"]].concat();
    let ran = home.leaky(&all).output().expect("the tool runs");
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ran:?}"))
}

/// How many events are pending, and how many were set aside.
fn left(status: &Json) -> (Option<u64>, Option<u64>) {
    (status["pending_events"].as_u64(), status["set_aside"].as_u64())
}

/// The ids in every request that arrived, each of which is within the limit before compression.
fn arrived(vendor: &Vendor, request_bytes: usize) -> (usize, BTreeSet<String>) {
    let requests = vendor.requests();
    let mut ids = BTreeSet::new();
    for request in &requests {
        let bytes = request.decoded().len();
        assert!(bytes <= request_bytes, "{bytes} bytes in one request");
        for event in request.json().as_array().expect("an array") {
            assert!(ids.insert(event["id"].as_str().expect("an id").to_owned()), "sent twice: {event}");
        }
    }
    (requests.len(), ids)
}

fn words(count: usize, letters: usize) -> Vec<String> {
    (0..count).map(|at| format!("word {at} {}", "of many ".repeat(letters / 8))).collect()
}

#[test]
fn a_big_batch_under_a_small_limit_arrives_in_several_requests() {
    let vendor = Vendor::start();
    let limit = 6_000;
    let home = home(&vendor, "http", "receiver", limit, "");
    record(&home, &words(40, 200));
    let flushed = telemetry(&home, &["flush"]);
    assert_eq!(flushed["delivered"], 80, "{flushed}");
    let (requests, ids) = arrived(&vendor, limit);
    assert_eq!(ids.len(), 80);
    assert!((10..80).contains(&requests), "{requests} requests");
    let status = telemetry(&home, &["status"]);
    assert_eq!(left(&status), (Some(0), Some(0)), "{status:#}");
}

/// What the vendor's form adds to an event is more than the estimate allows for, so that batches which fit
/// by it do not fit: the host does not send them, and they are cut instead of being lost.
#[test]
fn a_request_that_the_host_does_not_send_for_its_size_is_cut_and_not_lost() {
    let vendor = Vendor::start();
    let limit = 20_000;
    let tags: String = (0..30)
        .map(|at| format!("tag_number_{at} = \"{}\"\n", "of many letters".repeat(10).replace(' ', "_")))
        .collect();
    let home = home(&vendor, "datadog", "intake", limit, &format!("[backend.settings.tags]\n{tags}"));
    record(&home, &words(30, 100));
    let flushed = telemetry(&home, &["flush"]);
    assert_eq!(flushed["delivered"], 60, "{flushed}");
    let (_, ids) = arrived(&vendor, limit);
    assert_eq!(ids.len(), 60);
    let status = telemetry(&home, &["status"]);
    assert_eq!(left(&status), (Some(0), Some(0)), "{status:#}");
}

#[test]
fn an_event_that_no_request_can_hold_is_set_aside_and_counted_and_the_others_arrive() {
    let vendor = Vendor::start();
    let limit = 6_000;
    let home = home(&vendor, "http", "receiver", limit, "");
    let mut texts = words(12, 200);
    // Its attribute is there twice, with its type and as text.
    texts.insert(5, "a long story ".repeat(300));
    record(&home, &texts);
    let flushed = telemetry(&home, &["flush"]);
    assert_eq!(flushed["delivered"], 25, "{flushed}");
    let (_, ids) = arrived(&vendor, limit);
    assert_eq!(ids.len(), 25);
    let status = telemetry(&home, &["status"]);
    assert_eq!(left(&status), (Some(0), Some(1)), "{status:#}");
    assert_eq!(status["set_aside_because"], "the event is too large for a request");
    let shown = home.leaky(&["telemetry", "status"]).output().expect("the tool runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let line = shown.lines().find(|line| line.starts_with("Set aside:")).unwrap_or_else(|| panic!("{shown}"));
    assert!(line.ends_with("1 event: the event is too large for a request"), "{line}");
}
