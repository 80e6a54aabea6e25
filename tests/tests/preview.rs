//! `preview` and `log`: what is shown is what is sent, and looking changes nothing.

use std::path::PathBuf;

use telemetry_tests::{Home, Request, Vendor, eventually};

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
    let mut bytes = format!("{}\r\n", request.line).into_bytes();
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
