//! One backend with many faults. Which it has stands in [`MODE`], whose bytes a test replaces in the
//! built component: so that one build makes them all, and even `describe` can be wrong.
//!
//! It speaks the contract itself, not through the SDK's trait, which would not let it be so wrong.

use telemetry_backend_sdk::prelude::*;
use telemetry_backend_sdk::serde_json::{Map, Value as Json, from_str};
use telemetry_backend_sdk::{
    Credential, Exception, HttpError, Meaning, Placement, Response, RetryAdvice, Rules, Verdict,
};

/// What is wrong, after the colon.
#[used]
static MODE: [u8; 40] = *b"KIT-MODE:honest                         ";

/// The fault's name. The compiler must not know it.
fn mode() -> &'static str {
    let bytes: &'static [u8; 40] = std::hint::black_box(&MODE);
    std::str::from_utf8(&bytes[9..]).unwrap_or_default().trim_end()
}

/// `exporter.describe`.
#[must_use]
pub fn describe() -> Description {
    let mut it = Description::new("acme", "1.0.0", "Sends events to Acme, as JSON.")
        .setting(Setting::required("project", "The project, as in `p1`."))
        .setting(Setting::with_default("shape", "`flat` or `deep`.", "\"flat\""))
        .endpoint(
            Endpoint::new("api", "Acme's API.")
                .site("eu", "https://eu.acme.example")
                .credential(Credential::required(Placement::Bearer, "A token.")),
        )
        .endpoint(Endpoint::new("erasure", "Where Acme erases.").optional())
        .erases();
    match mode() {
        "describes-a-book" => it.summary = "It sends. ".repeat(1_000),
        "describes-no-name" => it.name = "Acme Backend".into(),
        "describes-no-end" => it.limits = Limits { events: u32::MAX, bytes: u32::MAX, event_bytes: 9 },
        "describes-no-json" => it.settings[1].default = Some("flat".into()),
        "traps-in-describe" => panic!("in describe"),
        _ => {}
    }
    it
}

/// `exporter.configure`.
///
/// # Errors
/// What is wrong, by its key; in some modes not.
pub fn configure(settings: &str) -> Result<(), Vec<Problem>> {
    if mode() == "takes-any-setting" {
        return Ok(());
    }
    if mode() == "traps-on-no-object" {
        assert!(settings.starts_with('{'), "no object");
    }
    let Ok(given) = from_str::<Map<String, Json>>(settings) else {
        return Err(vec![Problem::new("", "the settings are no object")]);
    };
    let mut problems = Vec::new();
    for (key, value) in &given {
        match (key.as_str(), value) {
            ("project" | "shape", Json::String(_)) => {}
            ("project" | "shape", _) => problems.push(Problem::new(key, "must be text")),
            _ => problems.push(Problem::new(key, "is unknown")),
        }
    }
    if !given.contains_key("project") {
        problems.push(Problem::new("project", "is missing"));
    }
    if mode() == "names-no-key" && given.contains_key("project") && !problems.is_empty() {
        problems = vec![Problem::new("", "something is wrong")];
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn rules() -> Rules {
    const CLAIMS: Rules = Rules::with(&[Exception::range(500, 599, Meaning::Delivered)]);
    const FOR_EVER: Rules = Rules::with(&[Exception::status(400, Meaning::Retry)]);
    const OUTAGE: Rules = Rules::with(&[Exception::range(500, 599, Meaning::Rejected)]);
    const BUSY: Rules = Rules::with(&[Exception::status(429, Meaning::Rejected)]);
    const TOO_LARGE: Rules = Rules::with(&[Exception::status(413, Meaning::Rejected)]);
    match mode() {
        "claims-500" => CLAIMS,
        "retries-400" => FOR_EVER,
        "rejects-in-an-outage" => OUTAGE,
        "rejects-429" => BUSY,
        "swallows-413" => TOO_LARGE,
        _ => Rules::COMMON,
    }
}

/// `exporter.send`.
pub fn send(batch: &Batch, http: &mut dyn Http) -> Outcome {
    match mode() {
        "sends-nothing" => return Outcome::Delivered,
        "crashes-on-an-empty-batch" => assert!(!batch.events[0].name.is_empty(), "no name"),
        "retries-an-empty-batch" if batch.events.is_empty() => return Outcome::retry("empty"),
        "loops" => loop {
            std::hint::black_box(0);
        },
        _ => {}
    }
    if batch.events.is_empty() {
        return Outcome::Delivered;
    }
    let big = |it: &Event| it.error.as_ref().is_some_and(|error| error.len() > 20_000);
    if mode() == "rejects-big-events" && batch.events.iter().any(big) {
        return Outcome::Rejected("too big".into());
    }
    if mode() == "sends-one-by-one" {
        let each = |it: &Event, http: &mut dyn Http| {
            rules().send(
                http,
                &Request::post("api", "/events").text("application/json", body(std::slice::from_ref(it))),
            )
        };
        let outcomes: Vec<_> = batch.events.iter().map(|it| each(it, http)).collect();
        return outcomes.into_iter().find(|it| *it != Outcome::Delivered).unwrap_or(Outcome::Delivered);
    }
    let endpoint = if mode() == "sends-elsewhere" { "elsewhere" } else { "api" };
    let request = Request::post(endpoint, "/events").text("application/json", body(&batch.events));
    outcome(http.send(&request), batch.events.len())
}

fn body(events: &[Event]) -> String {
    let mut all = Vec::new();
    for (at, event) in events.iter().enumerate() {
        if mode() == "panics-on-unicode" {
            assert!(event.name.is_ascii(), "{} is not ASCII", event.name);
        }
        let one = json!({
            "id": event.id, "name": event.name, "error": event.error,
            "attributes": event.attributes.iter().map(|it| format!("{}={:?}", it.key, it.value)).collect::<Vec<_>>(),
        });
        match mode() {
            "drops-events" if at % 2 == 1 => {}
            "duplicates-events" => all.extend([one.to_string(), one.to_string()]),
            "anonymous-events" => all.push(json!({"kind": event.kind}).to_string()),
            "sends-no-json" => all.push(format!("{{\"name\": \"{}\"}}", event.name)),
            "counts-its-calls" => all.push(json!({"call": calls(), "event": one}).to_string()),
            _ => all.push(one.to_string()),
        }
    }
    format!("[{}]", all.join(","))
}

/// How often it was called: what no backend may know.
fn calls() -> u32 {
    thread_local!(static CALLS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    CALLS.with(|calls| {
        calls.set(calls.get() + 1);
        calls.get()
    })
}

fn outcome(answer: Result<Response, HttpError>, events: usize) -> Outcome {
    match (mode(), &answer) {
        ("claims-silence", Err(_)) => return Outcome::Delivered,
        ("rejects-silence", Err(_)) => return Outcome::Rejected("no answer".into()),
        ("traps-on-a-long-answer", Ok(it)) => assert!(it.body.len() < 1 << 16, "long"),
        ("gives-one-verdict", Ok(it)) if it.text().contains("errors") => {
            return Outcome::Partial(vec![Verdict::Delivered]);
        }
        _ => {}
    }
    let outcome = rules().outcome(answer);
    match (mode(), outcome) {
        ("ignores-retry-after", Outcome::Retry(advice)) => {
            Outcome::Retry(RetryAdvice { after_ms: None, ..advice })
        }
        (_, Outcome::TooLarge) if events == 1 => Outcome::Rejected("too large".into()),
        (_, outcome) => outcome,
    }
}

/// `exporter.erase`.
pub fn erase(ids: &[String], http: &mut dyn Http) -> Erasure {
    let ids = if mode() == "erases-one" { &ids[..ids.len().min(1)] } else { ids };
    let answer = http.send(&Request::post("erasure", "/erase").json(&json!({"ids": ids})));
    match Rules::COMMON.outcome(answer) {
        Outcome::Delivered => Erasure::Receipt("done".into()),
        _ if mode() == "false-receipt" => Erasure::Receipt("done".into()),
        Outcome::Retry(advice) => Erasure::Retry(advice),
        _ => Erasure::Unsupported("write to support@acme.example".into()),
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    use super::*;
    use telemetry_backend_sdk::bindings;

    struct Host;

    impl Http for Host {
        fn send(&mut self, request: &Request) -> Result<Response, HttpError> {
            bindings::telemetry::backend::http::send(request)
        }
    }

    struct Component;

    impl bindings::exports::telemetry::backend::exporter::Guest for Component {
        fn describe() -> Description {
            super::describe()
        }

        fn configure(settings: String) -> Result<(), Vec<Problem>> {
            super::configure(&settings)
        }

        fn send(batch: Batch, _: SendContext) -> Outcome {
            super::send(&batch, &mut Host)
        }

        fn erase(ids: Vec<String>, _: SendContext) -> Erasure {
            super::erase(&ids, &mut Host)
        }
    }

    bindings::export_component!(Component with_types_in bindings);
}
