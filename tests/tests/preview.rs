//! `preview` and `log`: what is shown is what is sent, and looking changes nothing.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use telemetry_tests::{Home, Ran, Request, Vendor, eventually};

fn config(url: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\nuse = \"http\"\n[backend.settings]\ncompression = \"gzip\"\n\n\
         [endpoints.receiver]\nurl = \"{url}/events\"\nallow = [\"http\", \"loopback\"]\n\
         credential = {{ bearer = true, value = \"s3cret-value\" }}\n\n\
         [delivery]\nmode = \"never\"\n"
    )
}

fn preview(home: &Home) -> serde_json::Value {
    let ran = home.run(&["telemetry", "preview", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains("s3cret"), "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// Every file of the user's, with its bytes.
fn snapshot(home: &Home) -> Vec<(PathBuf, Vec<u8>)> {
    home.created()
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(home.path("user").join(path)).unwrap_or_default()))
        .collect()
}

/// The bytes of a request on the wire, credential masked.
fn wire(request: &Request) -> Vec<u8> {
    let mut bytes = format!("{}\r\n", request.line.replace("s3cret-value", "***")).into_bytes();
    for (name, value) in &request.headers {
        bytes.extend_from_slice(format!("{name}: {}\r\n", value.replace("s3cret-value", "***")).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&request.body);
    bytes
}

/// The same of a previewed one.
fn previewed(request: &serde_json::Value) -> Vec<u8> {
    let url = request["url"].as_str().expect("a URL");
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let mut bytes =
        format!("{} /{path} HTTP/1.1\r\n", request["method"].as_str().expect("a method")).into_bytes();
    for header in request["headers"].as_array().expect("headers") {
        let (name, value) = (header[0].as_str().expect("a name"), header[1].as_str().expect("a value"));
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    let hex = request["wire_hex"].as_str().expect("the body");
    bytes.extend((0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")));
    bytes
}

#[test]
fn an_undecided_user_sees_samples_of_every_declared_command_and_nothing_is_created_or_sent() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    let shown = preview(&home);
    assert_eq!(shown["of"], "samples");
    let body = shown["requests"][0]["body"].as_str().expect("text");
    for name in ["\"hello\"", "\"fail\"", "\"0000000000000000\""] {
        assert!(body.contains(name), "{name}: {body}");
    }
    let text = home.run(&["telemetry", "preview"]).stdout;
    assert!(
        text.contains("Nothing is sent by this. Telemetry is off: you have not decided yet.")
            && text.contains("authorization: Bearer ***"),
        "{text}"
    );
    assert_eq!(home.created(), Vec::<PathBuf>::new());
    assert!(vendor.requests().is_empty());
}

#[test]
fn what_preview_shows_is_byte_for_byte_what_the_receiver_then_gets() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    for name in ["Ada", "Grace", "Edsger"] {
        assert_eq!(home.run(&["hello", name]).code, Some(0));
    }
    assert_eq!(home.run(&["fail"]).code, Some(3));
    let before = snapshot(&home);
    let shown = preview(&home);
    assert_eq!(snapshot(&home), before, "looking changes nothing");
    assert!(vendor.requests().is_empty());
    assert_eq!(
        (shown["of"].as_str(), shown["events"].as_u64(), shown["more"].as_u64()),
        (Some("pending"), Some(4), Some(0))
    );

    assert_eq!(home.run(&["telemetry", "flush"]).code, Some(0));
    let received = vendor.wait_for(1);
    assert_eq!(received.len(), 1);
    assert_eq!(previewed(&shown["requests"][0]), wire(&received[0]));
    assert_eq!(preview(&home)["of"], "samples", "nothing is pending any more");
}

/// Each way in which a bundled backend sends: its name, its endpoint, its settings, and the credential that the
/// author gives it.
const WAYS: [(&str, &str, &str, &str); 8] = [
    ("http", "receiver", "", "{ bearer = true, value = \"s3cret-value\" }"),
    ("http", "receiver", "compression = \"gzip\"", "{ path = true, value = \"s3cret-value\" }"),
    ("datadog", "intake", "", "{ header = \"DD-API-KEY\", value = \"s3cret-value\" }"),
    ("datadog", "intake", "compression = \"none\"", "{ query = \"dd-api-key\", value = \"s3cret-value\" }"),
    ("posthog", "api", "api_key = \"phc_example\"", "{ header = \"x-relay\", value = \"s3cret-value\" }"),
    (
        "posthog",
        "api",
        "api_key = \"phc_example\"\napi = \"events\"",
        "{ header = \"x-relay\", value = \"s3cret-value\" }",
    ),
    ("otlp", "collector", "", "{ header = \"x-token\", prefix = \"Api-Key \", value = \"s3cret-value\" }"),
    ("otlp", "collector", "protocol = \"http/json\"", "{ bearer = true, value = \"s3cret-value\" }"),
];

/// A run of the tool at one moment of the clock, which stands still: a request may tell the time at which it
/// is sent, and a preview tells the time at which it is made.
fn at_one_moment(home: &Home, arguments: &[&str]) -> Ran {
    let greet = home.greet(arguments);
    let mut frozen = Command::new("faketime");
    frozen.args(["-f", "2026-12-24 18:00:00.123456789"]).arg(greet.get_program()).args(greet.get_args());
    frozen
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1");
    frozen.envs(greet.get_envs().filter_map(|(name, value)| Some((name, value?))));
    frozen.stdin(Stdio::null()).output().expect("faketime runs").into()
}

#[test]
fn of_every_backend_a_preview_is_byte_for_byte_the_request_that_is_then_sent_at_the_same_moment() {
    let test = "of_every_backend_a_preview_is_byte_for_byte_the_request_that_is_then_sent_at_the_same_moment";
    if !Command::new("faketime").arg("--version").stdout(Stdio::null()).status().is_ok_and(|it| it.success())
    {
        let required = std::env::var_os("OFFICIAL").is_some_and(|value| value == "required");
        assert!(!required, "{test} needs faketime: run .ci/tools");
        println!("skipped: {test} needs faketime");
        return;
    }
    for (backend, endpoint, settings, credential) in WAYS {
        let vendor = Vendor::start();
        let home = Home::new(&format!(
            "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
             [backend]\nuse = \"{backend}\"\n[backend.settings]\n{settings}\n\n\
             [endpoints.{endpoint}]\nurl = \"{}/base\"\nallow = [\"http\", \"loopback\"]\n\
             credential = {credential}\n\n[delivery]\nmode = \"never\"\n",
            vendor.url()
        ));
        let run = |arguments: &[&str]| at_one_moment(&home, arguments);
        assert_eq!(run(&["telemetry", "enable"]).code, Some(0));
        for name in ["Ada", "Grace", "Zoë"] {
            assert_eq!(run(&["hello", name]).code, Some(0));
        }
        assert_eq!(run(&["fail"]).code, Some(3));
        let shown = run(&["telemetry", "preview", "--json"]);
        assert!(shown.code == Some(0) && !shown.stdout.contains("s3cret"), "{backend}: {shown:?}");
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
        assert_eq!(shown["events"], 4, "{backend}: {shown}");
        assert!(vendor.requests().is_empty(), "{backend}");

        let flushed = run(&["telemetry", "flush"]);
        assert_eq!(flushed.code, Some(0), "{backend}: {flushed:?}");
        let received = vendor.requests();
        let previews = shown["requests"].as_array().expect("requests");
        assert_eq!((received.len(), previews.len()), (1, 1), "{backend}");
        let (previewed, wire) = (previewed(&previews[0]), wire(&received[0]));
        assert!(wire.windows(3).any(|bytes| bytes == b"***"), "{backend}");
        assert_eq!(
            String::from_utf8_lossy(&previewed),
            String::from_utf8_lossy(&wire),
            "{backend} with {settings:?}"
        );
        assert_eq!(previewed, wire, "{backend} with {settings:?}");
    }
}

#[test]
fn a_batch_that_was_tried_before_is_previewed_as_the_same_batch() {
    let nobody = Vendor::nobody();
    let home = Home::new(&config(&format!("http://{nobody}")));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    assert_eq!(home.run(&["telemetry", "flush"]).code, Some(1), "nobody is there");
    // Recorded after the boundary of the batch was written: not part of it.
    assert_eq!(home.run(&["hello", "Grace"]).code, Some(0));
    let shown = preview(&home);
    assert_eq!((shown["events"].as_u64(), shown["more"].as_u64()), (Some(1), Some(1)));
    let vendor = Vendor::start_at(nobody);
    eventually("flush delivers", || home.run(&["telemetry", "flush"]).code == Some(0));
    assert_eq!(previewed(&shown["requests"][0]), wire(&vendor.wait_for(2)[0]));
}

#[test]
fn the_log_shows_what_is_pending_and_what_was_sent() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    assert!(home.run(&["telemetry", "log"]).stdout.contains("Nothing is recorded"));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    for _ in 0..3 {
        assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    }
    let log = |arguments: &[&str]| -> serde_json::Value {
        let all = [&["telemetry", "log", "--json"], arguments].concat();
        serde_json::from_str(&home.run(&all).stdout).expect("JSON")
    };
    let shown = log(&["-n", "2"]);
    assert_eq!(shown["events"].as_array().map(Vec::len), Some(2));
    assert_eq!(shown["events"][0]["state"], "pending");
    assert_eq!(shown["events"][0]["json"]["name"], "hello");
    assert_eq!(home.run(&["telemetry", "flush"]).code, Some(0));
    let bytes = vendor.wait_for(1)[0].body.len();
    let shown = log(&[]);
    assert_eq!(shown["events"].as_array().map(Vec::len), Some(0), "delivered events are not kept");
    let sent = &shown["deliveries"][0];
    assert_eq!((sent["events"].as_u64(), sent["bytes"].as_u64()), (Some(3), Some(bytes as u64)));
    assert_eq!(sent["outcome"], "delivered");
    assert!(sent["destination"].as_str().is_some_and(|it| it.starts_with("http at 127.0.0.1")), "{sent}");
    assert!(home.run(&["telemetry", "log"]).stdout.contains("3 events"));
}

#[test]
fn the_subcommand_itself_is_never_recorded() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    for command in ["status", "preview", "log", "doctor", "schema", "on"] {
        let _ = home.run(&["telemetry", command]);
    }
    let log: serde_json::Value =
        serde_json::from_str(&home.run(&["telemetry", "log", "--json"]).stdout).expect("JSON");
    let names: Vec<_> =
        log["events"].as_array().expect("events").iter().map(|it| it["json"]["name"].clone()).collect();
    assert_eq!(names, ["hello"]);
    assert_eq!(home.run(&["telemetry", "flush"]).code, Some(0));
    assert_eq!(vendor.wait_for(1)[0].json().as_array().map(Vec::len), Some(1));
}

#[test]
fn a_body_that_nobody_can_read_comes_with_its_events() {
    let home = Home::new(
        "[tool]\nid = \"com.example.greet\"\n[backend]\nuse = \"otlp\"\n\
         [endpoints.collector]\nurl = \"https://otel.example.com\"\n",
    );
    let text = home.run(&["telemetry", "preview"]).stdout;
    assert!(text.contains("application/x-protobuf") && text.contains("00000000  "), "{text}");
    assert!(
        text.contains("Its events, as they are recorded:") && text.contains("\"name\":\"hello\""),
        "{text}"
    );
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert_eq!(home.created(), Vec::<PathBuf>::new());
}
