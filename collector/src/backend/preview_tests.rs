//! For the same batch and send context a preview is, byte for byte, what a receiver then gets.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use super::*;
use crate::backend::component::{Component, Outlet, open};
use crate::event::{Attribute, Ended, Event, kind};
use crate::tool::Tool;

/// A receiver that hands out the bytes of one request as they came in.
fn receiver() -> (String, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        loop {
            let mut more = [0; 16 * 1024];
            let read = stream.read(&mut more).unwrap();
            seen.extend_from_slice(&more[..read]);
            let Some(head) = seen.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&seen[..head]).to_ascii_lowercase();
            let (_, length) = text.split_once("content-length: ").unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if seen.len() >= head + 4 + length {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 200 -\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        seen
    });
    (url, serving)
}

/// The bytes of a previewed request on the wire, with this in place of the mask.
fn wire(request: &Request, secret: &str) -> Vec<u8> {
    let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
    let mut text = format!("{} /{path} HTTP/1.1\r\n", request.method);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut bytes = text.replace("***", secret).into_bytes();
    bytes.extend_from_slice(&request.body);
    bytes
}

fn batch(now: Timestamp) -> (Batch, SendContext) {
    let origin = Origin {
        machine_id: Some("0123456789abcdef".into()),
        tool: "greet".into(),
        tool_version: "1.2.3".into(),
        os: "linux".into(),
        os_version: "6.1".into(),
        arch: "x86_64".into(),
        runtime: "rust 1.95.0".into(),
        ci: Some("Jenkins".into()),
        container: true,
    };
    let events = (0..40_u64)
        .map(|number| {
            let mut event = Event::new(kind::COMMAND_INVOCATION, format!("remote/add {number} ключ 🔑"));
            event.id = EventId::from_parts(7, number);
            event.time = Timestamp { seconds: now.seconds - 60, nanos: 987_654_321 };
            event.duration = Some(std::time::Duration::from_micros(1_234_567));
            event.exit_code = Some(3);
            event.ended = Some(Ended::Exited);
            event.error_kind = Some("NotFound".into());
            event.error = Some("no \"such\"\nfile".into());
            event.args = vec!["--fast".into(), "a b".into()].into();
            event.attributes =
                vec![Attribute::new("hit", true), Attribute::new("bytes", 4.5), Attribute::new("n", 7_i64)]
                    .into();
            event
        })
        .collect::<Vec<_>>();
    let request_id = request_id(events.iter().map(|event| event.id));
    (Batch { origin, events }, SendContext { attempt: 3, request_id, now })
}

/// Opens a bundled backend with this configuration.
fn opened(toml: &str, outlet: Outlet) -> Component {
    let tool = Tool::from_toml("1.0.0", format!("[tool]\nid = \"com.example.greet\"\n{toml}"));
    let config = tool.config().unwrap();
    let choice = Choice::Named(config.backend.name.clone().unwrap());
    open(&tool, &config, &choice, None, outlet, false).unwrap()
}

fn preview_equals_request(backend: &str, endpoint: &str, settings: &str, credential: &str) {
    let (url, serving) = receiver();
    let toml = format!(
        "[backend]\nuse = \"{backend}\"\n[backend.settings]\n{settings}\n\
         [endpoints.{endpoint}]\nurl = \"{url}/base\"\nallow = [\"http\", \"loopback\"]\n{credential}"
    );
    let (batch, context) = batch(Timestamp { seconds: 1_785_585_600, nanos: 123_456_789 });

    let recorder = telemetry_host::Recorder::default();
    let component = opened(&toml, Outlet::Record(recorder.clone()));
    let mut shown = Shown { component: Some((component, recorder)) };
    let requests = shown.show(&batch, &context).unwrap();
    assert_eq!(requests.len(), 1, "{backend}");
    assert!(!requests.iter().any(|it| wire(it, "***").windows(7).any(|bytes| bytes == b"s3cret-")));

    let mut component = opened(&toml, Outlet::Network(Arc::new(|| Ok(Box::new(())))));
    let outcome = component.send(&batch, &context);
    let received = serving.join().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&wire(&requests[0], "s3cret-value")),
        String::from_utf8_lossy(&received),
        "{backend}: {outcome:?}"
    );
    assert_eq!(wire(&requests[0], "s3cret-value"), received, "{backend}");
}

#[test]
fn an_http_preview_is_the_request() {
    let credential = "credential = { bearer = true, value = \"s3cret-value\" }";
    preview_equals_request("http", "receiver", "compression = \"gzip\"", credential);
    preview_equals_request("http", "receiver", "", "");
}

#[test]
fn an_otlp_preview_is_the_request() {
    let credential = "credential = { header = \"x-token\", value = \"s3cret-value\" }";
    preview_equals_request("otlp", "collector", "", credential);
}

#[test]
fn a_datadog_preview_is_the_request() {
    let credential = "credential = { header = \"dd-api-key\", value = \"s3cret-value\" }";
    preview_equals_request("datadog", "intake", "", credential);
}

#[test]
fn a_posthog_preview_is_the_request() {
    // The one whose requests carry the time and the attempt.
    for api in ["batch", "events"] {
        let settings = format!("api_key = \"phc_example\"\napi = \"{api}\"");
        preview_equals_request("posthog", "api", &settings, "");
    }
}
