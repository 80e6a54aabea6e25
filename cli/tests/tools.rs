//! `receive`, `send`, `inspect`, `export`, `precompile` and `completions`, as an author runs them.

#[path = "support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use support::{export, kit, ran, run};
use telemetry_host::{Component, LoadOptions, Source};

/// Sends one event through a bundled component to `telemetry-kit receive`, and gives what was printed.
fn received(backend: &str, endpoint: &str, settings: &str, path: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut receive = Command::new(kit())
        .args(["receive", "--port", "0", "--count", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(receive.stdout.take().unwrap());
    let mut first = String::new();
    printed.read_line(&mut first).unwrap();
    let url = first.trim().rsplit(' ').next().unwrap();
    std::fs::write(
        home.path().join("telemetry.toml"),
        format!(
            "[tool]\nid = \"com.example.greet\"\n[backend.settings]\n{settings}\n[endpoints.{endpoint}]\n\
             url = \"{url}{path}\"\nallow = [\"http\", \"loopback\"]\n\
             credential = {{ header = \"X-Api-Key\", value = \"not-to-be-shown\" }}\n"
        ),
    )
    .unwrap();
    std::fs::write(
        home.path().join("events.ndjson"),
        "{\"type\": \"command.invocation\", \"name\": \"remote/add\", \"attributes\": {\"language\": \"Zoë\"}}\n",
    )
    .unwrap();
    export(home.path());
    let sent = run(home.path(), &["send", &format!("{backend}.wasm"), "--events", "events.ndjson"]);
    assert!(sent.ok, "{}{}", sent.stdout, sent.stderr);
    assert!(sent.stdout.contains("1 events delivered"), "{}", sent.stdout);
    let mut rest = String::new();
    printed.read_to_string(&mut rest).unwrap();
    assert!(receive.wait().unwrap().success());
    rest
}

#[test]
fn each_vendors_request_is_decoded_and_printed_without_its_credential() {
    for (backend, endpoint, settings, path, shows) in [
        ("http", "receiver", "", "/in", "\"name\": \"remote/add\""),
        ("datadog", "intake", "", "", "\"message\": \"command.invocation: remote/add\""),
        ("posthog", "api", "api_key = \"phc_x\"", "", "\"event_name\": \"remote/add\""),
        ("posthog", "api", "api_key = \"phc_x\"\napi = \"events\"", "", "\"event_name\": \"remote/add\""),
        ("otlp", "collector", "", "", "\"stringValue\": \"remote/add\""),
        ("otlp", "collector", "protocol = \"http/json\"", "", "\"stringValue\": \"remote/add\""),
    ] {
        let printed = received(backend, endpoint, settings, path);
        assert!(printed.contains(&format!("{backend}: 1 event")), "{backend}:\n{printed}");
        assert!(printed.contains(shows) && printed.contains("Zoë"), "{backend}:\n{printed}");
        assert!(!printed.contains("not-to-be-shown"), "{backend}:\n{printed}");
    }
}

#[test]
fn send_says_what_was_not_delivered_and_why() {
    let home = tempfile::tempdir().unwrap();
    export(home.path());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!(
        "[tool]\nid = \"com.example.greet\"\n[endpoints.receiver]\nurl = \"http://{nobody}/in\"\nallow = [\"http\", \"loopback\"]\n"
    );
    std::fs::write(home.path().join("telemetry.toml"), config).unwrap();
    std::fs::write(home.path().join("events.ndjson"), "{\"type\":\"a\",\"name\":\"b\"}\n").unwrap();
    let sent = run(home.path(), &["send", "http.wasm", "--events", "events.ndjson"]);
    assert!(!sent.ok);
    assert!(sent.stderr.contains("1 of 1 events were not delivered: to be tried again"), "{}", sent.stderr);
}

#[test]
fn a_component_says_what_it_is_and_what_it_asks_for() {
    let home = tempfile::tempdir().unwrap();
    export(home.path());
    let text = run(home.path(), &["inspect", "otlp.wasm"]);
    assert!(text.ok, "{}", text.stderr);
    for part in
        ["granted   telemetry:backend/http@0.1.0", "inert     wasi:", "endpoint  collector (required)"]
    {
        assert!(text.stdout.contains(part), "{part}:\n{}", text.stdout);
    }
    // What stands there was said by code of a stranger's: that it was run, and with what power, is said too.
    assert!(text.stdout.contains("run in the sandbox without any grant"), "{}", text.stdout);
    let json = run(home.path(), &["inspect", "--json", "datadog.wasm"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["track"], "0.1.0");
    assert_eq!(json["refused"], serde_json::Value::Null);
    assert_eq!(json["description"]["endpoints"][0]["sites"]["eu1"], "https://http-intake.logs.datadoghq.eu");
    let bytes = std::fs::read(home.path().join("datadog.wasm")).unwrap();
    assert_eq!(json["size"], bytes.len());
    assert_eq!(json["sha256"].as_str().unwrap().len(), 64);
    assert!(json["describe_run"].as_str().unwrap().contains("run in the sandbox without any grant"));
}

#[test]
fn a_component_in_text_form_is_read_and_looked_at() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("it.wat"), "(component)").unwrap();
    let looked_at = run(home.path(), &["inspect", "--json", "it.wat"]);
    assert_eq!(looked_at.code, Some(1), "it exports nothing, so a tool would not load it");
    let json: serde_json::Value = serde_json::from_str(&looked_at.stdout).unwrap();
    assert_eq!(json["exports"], serde_json::json!([]));
    assert!(json["refused"].is_string(), "{json}");
    assert_eq!(json["describe_run"], serde_json::Value::Null, "what is refused is not run");
}

/// The tests of a workspace are built with the features of all its packages; who installs the kit has its own.
#[test]
fn a_kit_built_by_itself_has_what_its_pages_promise() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--package", "telemetry-kit", "--edges", "normal,features"]);
    tree.args(["--prefix", "none", "--format", "{p} {f}"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let tree = ran(&mut tree);
    assert!(tree.ok, "{}", tree.stderr);
    let host = tree.stdout.lines().find(|line| line.starts_with("telemetry-host v")).unwrap();
    let features: Vec<&str> = host.rsplit(' ').next().unwrap().split(',').collect();
    for feature in ["compiler", "pulley-compiler", "wasi-http", "wat"] {
        assert!(features.contains(&feature), "{feature}: {host}");
    }
    assert!(!features.contains(&"fuzzing"), "this is the tree of the whole workspace: {host}");
}

#[test]
fn a_component_that_would_be_refused_is_not_run_and_the_offender_is_named() {
    let home = tempfile::tempdir().unwrap();
    // An instance import that no backend may have, in the binary form: no encoder is needed for it.
    let name = b"wasi:sockets/tcp@0.2.0";
    let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
    // Type section: one instance type without declarations. Import section: it, by that name.
    wasm.extend([7, 3, 1, 0x42, 0]);
    wasm.extend([10, u8::try_from(name.len()).unwrap() + 5, 1, 0, u8::try_from(name.len()).unwrap()]);
    wasm.extend(name);
    wasm.extend([5, 0]);
    std::fs::write(home.path().join("sockets.wasm"), wasm).unwrap();
    let refused = run(home.path(), &["inspect", "sockets.wasm"]);
    assert_eq!(refused.code, Some(1), "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stdout.contains("refused   wasi:sockets/tcp@0.2.0:"), "{}", refused.stdout);
    assert!(refused.stderr.contains("a tool would not load it"), "{}", refused.stderr);
    assert!(refused.stdout.contains("not run: it would be refused"), "{}", refused.stdout);
    assert!(!refused.stdout.contains("run in the sandbox"), "{}", refused.stdout);
    std::fs::write(home.path().join("text.wasm"), "hello").unwrap();
    let nothing = run(home.path(), &["inspect", "text.wasm"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.stderr.contains("text.wasm: not a WebAssembly component"), "{}", nothing.stderr);
}

#[test]
fn what_was_precompiled_is_written_beside_its_component_with_its_digest() {
    let home = tempfile::tempdir().unwrap();
    export(home.path());
    let done = run(home.path(), &["precompile", "http.wasm"]);
    assert!(done.ok, "{}", done.stderr);
    let artefact = std::fs::read(home.path().join("http.wasm.precompiled")).unwrap();
    // How an artefact looks inside is the host's own matter: that it loads, as that component, is ours.
    let artefact: &'static [u8] = Box::leak(artefact.into_boxed_slice());
    let loaded = Component::load(Source::Precompiled(artefact), &LoadOptions::default()).unwrap();
    assert!(done.stderr.contains(loaded.sha256()), "{}", done.stderr);
    assert!(!loaded.is_interpreted());
    let everywhere = run(home.path(), &["precompile", "http.wasm", "--interpreted", "-o", "everywhere"]);
    assert!(everywhere.ok, "{}", everywhere.stderr);
    let artefact: &'static [u8] = std::fs::read(home.path().join("everywhere")).unwrap().leak();
    let loaded = Component::load(Source::Precompiled(artefact), &LoadOptions::default()).unwrap();
    assert!(loaded.is_interpreted());
    let wrong = run(home.path(), &["precompile", "http.wasm", "--target", "pdp11-unknown-none"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stderr.contains("http.wasm:"), "{}", wrong.stderr);
}

#[test]
fn each_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(std::path::Path::new("."), &["completions", shell]);
        assert!(script.ok && script.stdout.contains("inspect"), "{shell}: {}", script.stderr);
    }
}
