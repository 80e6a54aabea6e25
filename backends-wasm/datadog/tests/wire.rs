//! What Datadog gets: the bytes, its own limits, and the grants that it needs.

use proptest::prelude::*;
use serde_json::Value as Json;
use std::cell::RefCell;
use telemetry_backend_datadog::Datadog;
use telemetry_backend_sdk::testing::{self, Script, answer, attribute, batch, command, deliver, everything};
use telemetry_backend_sdk::{
    Backend, Batch, Event, HttpError, Origin, Outcome, Placement, Request, Response, Value,
};

fn request(settings: &str, batch: &Batch) -> Request {
    let backend: Datadog = testing::configure(settings).expect("the settings are right");
    let mut vendor = Script::once(answer(202));
    assert_eq!(backend.send(batch, &testing::context(), &mut vendor), Outcome::Delivered);
    vendor.requests.remove(0)
}

fn entries(request: &Request) -> Vec<Json> {
    serde_json::from_slice(request.body.as_bytes()).expect("is a JSON array")
}

#[test]
fn the_request_is_what_was_reviewed() {
    let anonymous = Batch {
        origin: Origin { machine_id: None, attributes: vec![], ..testing::origin() },
        events: vec![Event { duration_ms: None, exit_code: None, ended: None, ..command("sparse") }],
    };
    let settings =
        r#"{"source": "gtb", "service": "s", "tags": {"env": "prod", "team": "cli"}, "compression": "none"}"#;
    testing::golden(
        "tests/golden/requests.http",
        &[request("{}", &batch(vec![command("build"), everything()])), request(settings, &anonymous)],
    );
}

#[test]
fn the_go_librarys_fields_are_where_it_has_them() {
    let entry = entries(&request(r#"{"source": "gtb"}"#, &batch(vec![everything()]))).remove(0);
    assert_eq!(entry["message"], "command.invocation: remote/add");
    assert_eq!(entry["ddsource"], "gtb");
    assert_eq!(entry["service"], "greet");
    assert_eq!(entry["hostname"], "0123456789abcdef");
    assert_eq!(entry["ddtags"], "event_type:command.invocation,tool_version:1.4.0,os:linux,arch:x86_64");
    assert_eq!(entry["metadata"]["count"], 42);
}

#[test]
fn an_old_event_keeps_its_time_where_datadog_replaces_the_timestamp() {
    let mut event = command("old");
    event.time.rfc3339 = "2020-01-01T00:00:00.000000001Z".into();
    let entry = entries(&request("{}", &batch(vec![event]))).remove(0);
    assert_eq!(entry["event_time"], "2020-01-01T00:00:00.000000001Z");
}

#[test]
fn a_tag_cannot_be_more_than_one() {
    let event = Event { kind: format!("a,b c\n{}", "x".repeat(300)), ..command("a") };
    let origin = Origin { tool_version: "1,0".into(), os: String::new(), ..testing::origin() };
    let entry = entries(&request("{}", &Batch { origin, events: vec![event] })).remove(0);
    let tags: Vec<&str> = entry["ddtags"].as_str().expect("is text").split(',').collect();
    assert_eq!(tags.len(), 3, "{tags:?}");
    assert!(tags[0].starts_with("event_type:a_b_c_xxx") && tags[0].len() == 200, "{tags:?}");
    assert_eq!(tags[1..], ["tool_version:1_0", "arch:x86_64"]);
}

#[test]
fn a_wrong_setting_is_named() {
    for (settings, key, part) in [
        (r#"{"source": " "}"#, "source", "is empty"),
        (r#"{"service": ""}"#, "service", "is empty"),
        (r#"{"tags": ["a:b"]}"#, "tags", "expected an object"),
        (r#"{"tags": {"env": 3}}"#, "tags", "expected a string"),
        (r#"{"tags": {"1env": "x"}}"#, "tags", "begins with a letter"),
        (r#"{"tags": {"env": "a,b"}}"#, "tags", "more than one tag"),
        (r#"{"tags": {"a:b": "c"}}"#, "tags", "more than one tag"),
        (r#"{"compression": "deflate"}"#, "compression", "`none` or `gzip`"),
        (r#"{"api_key": "0123"}"#, "api_key", "is unknown"),
        (r#"{"site": "eu"}"#, "site", "is unknown"),
    ] {
        let problems = testing::configure::<Datadog>(settings).expect_err("is refused");
        assert_eq!(problems.len(), 1, "{settings}: {problems:?}");
        assert_eq!(problems[0].key, key);
        assert!(problems[0].message.contains(part), "{settings}: {problems:?}");
    }
    let long = format!(r#"{{"tags": {{"env": "{}"}}}}"#, "x".repeat(200));
    assert!(testing::configure::<Datadog>(&long).is_err());
}

#[test]
fn every_site_of_datadog_is_offered_for_servers_and_for_what_ships() {
    let description = Datadog::describe();
    let intake = &description.endpoints[0];
    assert_eq!(intake.name, "intake");
    for site in
        ["datadoghq.com", "us3.datadoghq.com", "us5.datadoghq.com", "datadoghq.eu", "ap1.datadoghq.com"]
            .into_iter()
            .chain(["ap2.datadoghq.com", "uk1.datadoghq.com", "ddog-gov.com", "us2.ddog-gov.com"])
    {
        let url = format!("https://http-intake.logs.{site}");
        assert_eq!(intake.sites.iter().filter(|it| it.url == url).count(), 1, "{url}");
    }
    let public = intake.sites.iter().filter(|it| it.name.ends_with("-public"));
    assert!(public.clone().all(|it| it.url.starts_with("https://browser-intake-")));
    assert_eq!(public.count() * 2, intake.sites.len());
    let credential = intake.credential.as_ref().expect("asks for a key");
    assert_eq!(credential.placement, Placement::Header("DD-API-KEY".into()));
    assert!(credential.required && credential.summary.contains("client token"));
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let batch = batch(vec![everything(), command("a")]);
    assert_eq!(request("{}", &batch), request("{}", &batch));
}

/// What Datadog does with a request, by its documents; the ids of what it keeps whole.
fn intake(request: &Request, kept: &RefCell<Vec<String>>) -> Result<Response, HttpError> {
    assert!(request.body.len() <= 5_000_000, "{} bytes", request.body.len());
    let entries = entries(request);
    assert!((1..=1_000).contains(&entries.len()), "{} entries", entries.len());
    for entry in entries {
        let bytes = entry.to_string().len();
        assert!(bytes <= 1_000_000, "an entry of {bytes} bytes would be truncated");
        kept.borrow_mut().push(entry["id"].as_str().expect("has an id").into());
    }
    Ok(answer(202))
}

#[test]
fn no_batch_of_the_biggest_events_exceeds_datadogs_limits_and_every_event_is_accounted_for() {
    let backend: Datadog = testing::configure("{}").expect("no setting is required");
    for (count, big, letter) in testing::LOADS {
        let events = testing::load(count, big, letter);
        let kept = RefCell::new(Vec::new());
        let done = deliver(&backend, &batch(events.clone()), &mut |request: &Request| intake(request, &kept));
        done.accounts_for(&events);
        assert_eq!(done.delivered, *kept.borrow(), "{count} {letter:?}");
        // Only in escapes can such an event have more than Datadog keeps of an entry.
        let expected = if letter == '\u{1}' { big } else { 0 };
        assert_eq!(done.rejected.len(), expected, "{count} {letter:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn no_batch_exceeds_datadogs_limits_and_no_event_is_lost(
        count in 1_usize..5_000,
        small in 0_usize..600,
        big in prop::collection::vec((0_usize..5_000, 500_000_usize..1_200_000), 0..8),
        letter in prop::sample::select(vec!['x', '"', 'ä', '\u{1}']),
    ) {
        let text = |bytes: usize| Value::Text(letter.to_string().repeat(bytes / letter.len_utf8()));
        let mut events: Vec<Event> = (0..count).map(|at| command(&format!("c{at}"))).collect();
        for event in &mut events {
            event.attributes.push(attribute("small", text(small)));
        }
        for (at, bytes) in big {
            events[at % count].attributes.push(attribute("big", text(bytes)));
        }
        let backend: Datadog = testing::configure("{}").expect("no setting is required");
        let kept = RefCell::new(Vec::new());
        let done = deliver(&backend, &batch(events.clone()), &mut |request: &Request| intake(request, &kept));
        prop_assert_eq!(&done.delivered, &*kept.borrow());
        done.accounts_for(&events);
    }
}

#[test]
fn an_event_that_datadog_would_truncate_is_set_aside_and_the_others_are_delivered() {
    let mut event = command("big");
    event.attributes.push(attribute("text", Value::Text("x".repeat(1_000_000))));
    let id = event.id.clone();
    let backend: Datadog = testing::configure("{}").expect("no setting is required");
    let kept = RefCell::new(Vec::new());
    let batch = batch(vec![command("a"), event, command("b")]);
    let done = deliver(&backend, &batch, &mut |request: &Request| intake(request, &kept));
    assert_eq!(done.rejected, [id]);
    assert_eq!(done.delivered, [command("a").id, command("b").id]);
}

#[test]
fn where_nothing_can_be_sent_nothing_is_asked() {
    let backend: Datadog = testing::configure("{}").expect("no setting is required");
    let mut event = command("big");
    event.attributes.push(attribute("text", Value::Text("x".repeat(1_000_000))));
    let mut vendor = Script::default();
    let outcome = backend.send(&batch(vec![event]), &testing::context(), &mut vendor);
    assert!(matches!(outcome, Outcome::Partial(verdicts) if verdicts.len() == 1));
    assert_eq!(backend.send(&batch(vec![]), &testing::context(), &mut vendor), Outcome::Delivered);
    assert!(vendor.requests.is_empty());
}
