//! What we send is what Datadog's official client makes of the same entries.

#[path = "../../sdk/tests/support/official.rs"]
mod official;

use serde_json::Value as Json;
use telemetry_backend_datadog::Datadog;
use telemetry_backend_sdk::testing::{self, Script, answer, batch, command, everything};
use telemetry_backend_sdk::{Backend, ContentCoding, Origin, Outcome, Placement};

#[test]
fn the_official_client_sends_the_same_request() {
    let backend: Datadog =
        testing::configure(r#"{"tags": {"env": "prod"}}"#).expect("the settings are right");
    let mut events = batch(vec![command("build"), everything()]);
    events.origin = Origin { os_version: "ä 😀".into(), ..events.origin };
    let mut vendor = Script::once(answer(202));
    assert_eq!(backend.send(&events, &testing::context(), &mut vendor), Outcome::Delivered);
    let ours = vendor.requests.remove(0);

    let Some(theirs) = official::run("official.py", "datadog_api_client", ours.body.as_bytes()) else {
        return;
    };
    let theirs: Json = serde_json::from_str(&theirs).expect("the script writes JSON");

    let body: Json = serde_json::from_slice(ours.body.as_bytes()).expect("is JSON");
    assert_eq!(theirs["body"], body, "the model keeps every field as it is");
    assert_eq!(theirs["path"], ours.path.as_str());
    assert_eq!(theirs["headers"]["content-encoding"], "gzip");
    assert_eq!(ours.coding, ContentCoding::Gzip);
    for header in &ours.headers {
        assert_eq!(theirs["headers"][header.name.to_lowercase()], header.value.as_str(), "{}", header.name);
    }
    // The host adds the key; the description says where.
    let credential = Datadog::describe().endpoints.remove(0).credential.expect("asks for a key");
    let Placement::Header(name) = credential.placement else { panic!("is a header") };
    assert_eq!(theirs["headers"][name.to_lowercase()], "test-key");
}
