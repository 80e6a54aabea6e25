//! What an author is told of a configuration that would ship a secret: by `doctor`, and by the component
//! itself in the tool's log.

use serde_json::Value as Json;
use telemetry_tests::{Home, Vendor};

fn home(vendor: &Vendor, backend: &str, endpoint: &str) -> Home {
    Home::new(
        &format!(
            "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n[backend]\n{backend}\n\
         [endpoints.{endpoint}\n\n[delivery]\nmode = \"never\"\n"
        )
        .replace("{vendor}", &vendor.url()),
    )
}

/// The check of this name, and what it found.
fn check(home: &Home, name: &str) -> Option<(String, String)> {
    let ran = home.run(&["telemetry", "doctor", "--json"]);
    let diagnosis: Json =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let found = diagnosis["checks"].as_array()?.iter().find(|it| it["name"] == name)?.clone();
    Some((found["outcome"].as_str()?.to_owned(), found["detail"].as_str()?.to_owned()))
}

#[test]
fn doctor_warns_of_a_literal_credential_and_of_a_header_that_looks_like_one() {
    let vendor = Vendor::start();
    let home = home(
        &vendor,
        "use = \"otlp\"\n[backend.settings]\nheaders = { X-Api-Key = \"s3cret\", X-Team = \"cli\" }",
        "collector]\nurl = \"{vendor}\"\nallow = [\"http\", \"loopback\"]\ncredential = { bearer = true, value = \"s3cret\" }",
    );
    let (outcome, detail) = check(&home, "header X-Api-Key").expect("is checked");
    assert!(outcome == "warn" && detail.contains("whoever has the tool can read it"), "{detail}");
    assert!(!detail.contains("s3cret"), "{detail}");
    assert_eq!(check(&home, "header X-Team"), None);
    let (outcome, detail) = check(&home, "credential of collector").expect("is checked");
    assert!(outcome == "warn" && !detail.contains("s3cret"), "{detail}");
}

#[test]
fn doctor_takes_a_client_token_at_its_browser_intake_for_what_it_is() {
    let vendor = Vendor::start();
    for (site, value, expected) in [
        ("eu1-public", "pub0123456789abcdef0123456789abcdef", "pass"),
        ("eu1-public", "0123456789abcdef0123456789abcdef", "warn"),
        ("eu1", "pub0123456789abcdef0123456789abcdef", "warn"),
    ] {
        let endpoint = format!(
            "intake]\nsite = \"{site}\"\ncredential = {{ query = \"dd-api-key\", value = \"{value}\" }}"
        );
        let home = home(&vendor, "use = \"datadog\"", &endpoint);
        let (outcome, detail) = check(&home, "credential of intake").expect("is checked");
        assert_eq!(outcome, expected, "{site} {value}: {detail}");
    }
}

#[test]
fn what_the_component_advises_when_it_is_configured_reaches_the_tools_log() {
    let vendor = Vendor::start();
    let home = home(
        &vendor,
        "use = \"otlp\"\n[backend.settings]\nheaders = { X-Api-Key = \"s3cret\", X-Team = \"cli\" }",
        "collector]\nurl = \"{vendor}\"\nallow = [\"http\", \"loopback\"]",
    );
    let log = home.path("author/log");
    let run = |arguments: &[&str]| {
        let ran = home.leaky(arguments).env("LEAKY_LOG", &log).output().expect("the tool runs");
        assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    };
    run(&["telemetry", "enable"]);
    run(&["kinds"]);
    run(&["telemetry", "flush"]);
    let _ = vendor.wait_for(1);
    let log = std::fs::read_to_string(&log).expect("the log");
    let advised: Vec<_> = log.lines().filter(|line| line.contains("looks like a credential")).collect();
    assert_eq!(advised.len(), 1, "{log}");
    assert!(advised[0].starts_with("backend: the header `X-Api-Key`"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}
