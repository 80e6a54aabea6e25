//! What we send is what PostHog's official client sends for the same event, by both of its APIs,
//! field by field, except for the differences below.

#[path = "../../sdk/tests/support/official.rs"]
mod official;

use serde_json::{Map, Value as Json, json};
use telemetry_backend_posthog::PostHog;
use telemetry_backend_sdk::testing::{self, Script, answer, batch, everything};
use telemetry_backend_sdk::{Backend, Outcome, Request};

/// Properties that may differ, and why.
const DIFFERENT: [(&str, &str); 8] = [
    ("$lib", "names the library, and we are another"),
    ("$lib_version", "likewise"),
    ("$os", "the client asks Python for its own machine's"),
    ("$os_version", "likewise"),
    ("$os_distro", "likewise; a tool's origin has none"),
    ("$python_runtime", "we are not Python; `runtime` says what the tool was built with"),
    ("$python_version", "likewise"),
    ("$is_server", "a command-line tool is no server"),
];

fn ours(api: &str) -> Request {
    let settings = format!(r#"{{"api_key": "phc_test", "api": "{api}"}}"#);
    let backend: PostHog = testing::configure(&settings).expect("the settings are right");
    let mut vendor = Script::once(answer(200));
    assert_eq!(
        backend.send(&batch(vec![everything()]), &testing::context(), &mut vendor),
        Outcome::Delivered
    );
    vendor.requests.remove(0)
}

fn body(request: &Request) -> Json {
    serde_json::from_slice(request.body.as_bytes()).expect("is JSON")
}

/// Takes away what may differ: the listed properties, and the values of times (the client's clock and
/// Python's microseconds), not their presence.
fn comparable(mut body: Json) -> Json {
    for key in ["sent_at", "created_at"] {
        if let Some(time) = body.get_mut(key) {
            *time = json!(time.as_str().is_some_and(|it| it.starts_with("20")));
        }
    }
    for event in body["batch"].as_array_mut().expect("has a batch") {
        let time = event["timestamp"].as_str().expect("has a time").get(..26).expect("has microseconds");
        event["timestamp"] = json!(time);
        let properties = event["properties"].as_object_mut().expect("has properties");
        for (key, _) in DIFFERENT {
            properties.remove(key);
        }
    }
    body
}

#[test]
fn the_official_client_sends_the_same_event_by_both_apis() {
    let event = body(&ours("batch"))["batch"][0].clone();
    // What the client adds by itself is not given to it, so that the comparison can find it missing.
    let mut properties: Map<String, Json> = event["properties"].as_object().expect("has properties").clone();
    for key in ["$geoip_disable", "$lib", "$lib_version", "$os", "$os_version"] {
        assert!(properties.remove(key).is_some(), "{key}");
    }
    let mut input = event.clone();
    input["properties"] = Json::Object(properties);
    input["api_key"] = json!("phc_test");

    let Some(theirs) = official::run("official.py", "posthog", input.to_string().as_bytes()) else { return };
    let theirs: Vec<Json> = serde_json::from_str(&theirs).expect("the script writes JSON");
    for (theirs, ours) in theirs.into_iter().zip([ours("batch"), ours("events")]) {
        assert_eq!(theirs["path"], ours.path.as_str());
        assert_eq!(comparable(theirs["body"].clone()), comparable(body(&ours)), "{}", ours.path);
        for header in &ours.headers {
            let name = header.name.to_lowercase();
            let value = theirs["headers"][&name].as_str().unwrap_or_else(|| panic!("{name} is not theirs"));
            match name.as_str() {
                // Ours name our library, and the request's id and time are its own.
                "user-agent" | "posthog-sdk-info" => assert_eq!(value.split('/').count(), 2, "{name}"),
                "posthog-request-id" => assert_eq!(value.len(), header.value.len(), "{name}"),
                "posthog-request-timestamp" => assert!(value.starts_with("20"), "{name}"),
                _ => assert_eq!(value, header.value, "{name}"),
            }
        }
    }
}
