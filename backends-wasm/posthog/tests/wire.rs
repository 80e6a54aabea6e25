//! What PostHog gets: the bytes, its limits, and that no event can ask for more than it may.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use telemetry_backend_posthog::PostHog;
use telemetry_backend_sdk::testing::{self, Script, answer, attribute, batch, command, deliver, everything};
use telemetry_backend_sdk::{
    Backend, Batch, Event, HttpError, Origin, Outcome, Request, Response, SendContext, Value,
};

const BATCH: &str = r#"{"api_key": "phc_test"}"#;
const EVENTS: &str = r#"{"api_key": "phc_test", "api": "events"}"#;

fn request(settings: &str, batch: &Batch, context: &SendContext) -> Request {
    let backend: PostHog = testing::configure(settings).expect("the settings are right");
    let mut vendor = Script::once(answer(200));
    assert_eq!(backend.send(batch, context, &mut vendor), Outcome::Delivered);
    vendor.requests.remove(0)
}

fn body(settings: &str, batch: &Batch) -> Json {
    let request = request(settings, batch, &testing::context());
    serde_json::from_slice(request.body.as_bytes()).expect("is JSON")
}

#[test]
fn the_requests_are_what_was_reviewed() {
    let events = batch(vec![command("build"), everything()]);
    let again = SendContext { attempt: 3, ..testing::context() };
    testing::golden(
        "tests/golden/requests.http",
        &[request(BATCH, &events, &testing::context()), request(EVENTS, &events, &again)],
    );
}

#[test]
fn the_go_librarys_fields_are_where_it_has_them() {
    let event = &body(BATCH, &batch(vec![everything()]))["batch"][0];
    assert_eq!(event["event"], "command.invocation");
    assert_eq!(event["distinct_id"], "0123456789abcdef");
    let properties = &event["properties"];
    assert_eq!(properties["event_name"], "remote/add");
    assert_eq!(properties["tool_name"], "greet");
    assert_eq!(properties["tool_version"], "1.4.0");
    assert_eq!(properties["$os"], "Linux");
    assert_eq!(properties["arch"], "x86_64");
    assert_eq!(properties["count"], 42);
}

#[test]
fn what_posthog_drops_duplicates_by_is_the_same_on_every_attempt() {
    let events = batch(vec![command("a")]);
    let later = SendContext { attempt: 9, now: testing::instant(), ..testing::context() };
    for settings in [BATCH, EVENTS] {
        let [first, second] = [testing::context(), later.clone()].map(|context| {
            let request = request(settings, &events, &context);
            let body: Json = serde_json::from_slice(request.body.as_bytes()).expect("is JSON");
            body["batch"].clone()
        });
        assert_eq!(first, second);
        for key in ["event", "distinct_id", "uuid", "timestamp"] {
            assert!(first[0][key].is_string(), "{key}");
        }
    }
}

#[test]
fn no_attribute_can_make_a_person_or_replace_what_we_say() {
    let mut event = command("a");
    for key in ["$process_person_profile", "$set", "$geoip_disable", "$ip", "tool_name", "exit_code"] {
        event.attributes.push(attribute(key, Value::Text("x".into())));
    }
    let properties = body(BATCH, &batch(vec![event.clone()]))["batch"][0]["properties"].clone();
    assert_eq!(properties["$process_person_profile"], false);
    assert_eq!(properties["$geoip_disable"], true);
    assert_eq!(properties["tool_name"], "greet");
    assert_eq!(properties["attribute.$set"], "x");
    assert!(properties.get("$set").is_none() && properties.get("$ip").is_none());
    let event = body(EVENTS, &batch(vec![event]))["batch"][0].clone();
    assert_eq!(event["options"], json!({"process_person_profile": false}));
    assert!(event["properties"].get("$process_person_profile").is_none());
}

#[test]
fn a_uuid_is_once_in_a_request_of_the_api_that_refuses_it_twice() {
    let twice = Event { kind: "later".into(), ..command("a") };
    let events = batch(vec![command("a"), command("b"), twice, command("c"), command("b")]);
    let body = body(EVENTS, &events);
    let sent: Vec<_> = body["batch"].as_array().expect("has a batch").iter().collect();
    let ids: Vec<_> = sent.iter().map(|it| it["uuid"].as_str().expect("has a uuid").to_owned()).collect();
    assert_eq!(ids, ["a", "c", "b"].map(|it| command(it).id));
    assert_eq!(sent[0]["event"], "later", "the last of an id is sent");

    // What becomes of it becomes of each event that has it.
    let answered =
        format!(r#"{{"results": {{"{}": {{"result": "drop", "details": "no"}}}}}}"#, command("a").id);
    let backend: PostHog = testing::configure(EVENTS).expect("the settings are right");
    let mut vendor = Script::once(answer(200).with_text(&answered));
    let outcome = backend.send(&events, &testing::context(), &mut vendor);
    let no = "rejected: PostHog dropped it: no";
    assert_eq!(
        testing::outline(&outcome),
        format!("partial: {no} | delivered | {no} | delivered | delivered")
    );
}

#[test]
fn without_an_identity_nothing_joins_two_events() {
    for id in [None, Some(""), Some("anonymous"), Some("NULL"), Some("0")] {
        let origin = Origin { machine_id: id.map(Into::into), ..testing::origin() };
        let events = body(BATCH, &Batch { origin, events: vec![command("a"), command("b")] });
        let [a, b] = [0, 1].map(|at| events["batch"][at]["distinct_id"].clone());
        assert_eq!(a, command("a").id, "{id:?}");
        assert_ne!(a, b);
    }
}

#[test]
fn a_wrong_setting_is_named() {
    for (settings, key, part) in [
        ("{}", "api_key", "is missing"),
        (r#"{"api_key": ""}"#, "api_key", "begins with phc_"),
        (r#"{"api_key": "a b"}"#, "api_key", "begins with phc_"),
        (r#"{"api_key": "phx_secret"}"#, "api_key", "is a secret key"),
        (r#"{"api_key": "phs_secret"}"#, "api_key", "is a secret key"),
        (r#"{"api_key": 3}"#, "api_key", "expected a string"),
        (r#"{"api_key": "phc_a", "api": "v1"}"#, "api", "`batch` or `events`"),
        (r#"{"api_key": "phc_a", "compression": "br"}"#, "compression", "`none` or `gzip`"),
        (r#"{"api_key": "phc_a", "host": "eu"}"#, "host", "is unknown"),
    ] {
        let problems = testing::configure::<PostHog>(settings).expect_err("is refused");
        assert_eq!(problems.len(), 1, "{settings}: {problems:?}");
        assert_eq!(problems[0].key, key);
        assert!(problems[0].message.contains(part), "{settings}: {problems:?}");
    }
}

#[test]
fn an_event_that_posthog_would_discard_is_set_aside_and_the_others_are_delivered() {
    let unnamed = Event { kind: String::new(), ..command("unnamed") };
    let long = Event { kind: "x".repeat(201), ..command("long") };
    let mut big = command("big");
    big.attributes.push(attribute("text", Value::Text("x".repeat(900 << 10))));
    let refused = [unnamed.id.clone(), long.id.clone(), big.id.clone()];
    for settings in [BATCH, EVENTS] {
        let backend: PostHog = testing::configure(settings).expect("the settings are right");
        let kept = RefCell::new(Vec::new());
        let events = vec![unnamed.clone(), command("a"), long.clone(), big.clone(), command("b")];
        let done = deliver(&backend, &batch(events), &mut |request: &Request| ingest(request, &kept));
        assert_eq!(done.rejected, refused);
        assert_eq!(done.delivered, [command("a").id, command("b").id]);
    }
}

/// What PostHog's own clients hold themselves to; the uuids of what arrives.
fn ingest(request: &Request, kept: &RefCell<Vec<String>>) -> Result<Response, HttpError> {
    assert!(request.body.len() <= 5 << 20, "{} bytes", request.body.len());
    let body: Json = serde_json::from_slice(request.body.as_bytes()).expect("is JSON");
    let events = body["batch"].as_array().expect("has a batch");
    assert!(!events.is_empty());
    for event in events {
        assert!(event.to_string().len() <= 900 << 10);
        assert!(event["event"].as_str().is_some_and(|it| (1..=200).contains(&it.chars().count())));
        kept.borrow_mut().push(event["uuid"].as_str().expect("has a uuid").into());
    }
    Ok(answer(200))
}

#[test]
fn no_batch_of_the_biggest_events_exceeds_posthogs_limits_and_every_event_is_accounted_for() {
    for settings in [BATCH, EVENTS] {
        let backend: PostHog = testing::configure(settings).expect("the settings are right");
        for (count, big, letter) in testing::LOADS {
            let events = testing::load(count, big, letter);
            let kept = RefCell::new(Vec::new());
            let done =
                deliver(&backend, &batch(events.clone()), &mut |request: &Request| ingest(request, &kept));
            done.accounts_for(&events);
            assert_eq!(done.delivered, *kept.borrow(), "{count} {letter:?}");
            // Only in escapes can such an event have more than PostHog's clients send.
            let expected = if letter == '\u{1}' { big } else { 0 };
            assert_eq!(done.rejected.len(), expected, "{count} {letter:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn no_batch_exceeds_posthogs_limits_and_no_event_is_lost(
        count in 1_usize..5_000,
        small in 0_usize..600,
        big in prop::collection::vec((0_usize..5_000, 500_000_usize..1_200_000), 0..8),
        letter in prop::sample::select(vec!['x', '"', 'ä', '\u{1}']),
        settings in prop::sample::select(vec![BATCH, EVENTS]),
    ) {
        let text = |bytes: usize| Value::Text(letter.to_string().repeat(bytes / letter.len_utf8()));
        let mut events: Vec<Event> = (0..count).map(|at| command(&format!("c{at}"))).collect();
        for event in &mut events {
            event.attributes.push(attribute("small", text(small)));
        }
        for (at, bytes) in big {
            events[at % count].attributes.push(attribute("big", text(bytes)));
        }
        let backend: PostHog = testing::configure(settings).expect("the settings are right");
        let kept = RefCell::new(Vec::new());
        let done = deliver(&backend, &batch(events.clone()), &mut |request: &Request| ingest(request, &kept));
        prop_assert_eq!(&done.delivered, &*kept.borrow());
        done.accounts_for(&events);
    }
}
