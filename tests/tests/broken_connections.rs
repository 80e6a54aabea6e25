//! Connections that break, at every stage, for every bundled backend: the built component, the real host, real
//! sockets. Whatever breaks, the batch is kept and tried again, and the reason says what broke.

#[allow(dead_code, reason = "one of its vendors is enough here")]
#[path = "egress/secure.rs"]
mod secure;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use telemetry_host::types::{Batch, Event, Instant, Origin, Outcome, SendContext};
use telemetry_host::{
    Backend, Component, Credential, Door, Grant, GrantSpec, LoadOptions, Placement, Secret, Setup, Source,
};
use telemetry_tests::{Answer, Vendor};

/// Name, endpoint and settings of each backend.
const BACKENDS: [(&str, &str, &str); 6] = [
    ("http", "receiver", "{}"),
    ("datadog", "intake", "{}"),
    ("posthog", "api", r#"{"api_key": "phc_test"}"#),
    ("posthog", "api", r#"{"api_key": "phc_test", "api": "events"}"#),
    ("otlp", "collector", "{}"),
    ("otlp", "collector", r#"{"protocol": "http/json"}"#),
];

/// What the other side of a connection does.
enum Breaks {
    /// It is not there.
    Refused,
    /// It hangs up as soon as it is called.
    AtOnce,
    /// It goes away with unread bytes in its hands, which resets the connection.
    InTheRequest,
    /// It speaks no TLS, and is asked to.
    WithoutTls,
    /// It has a certificate of an authority that nobody knows.
    UnknownAuthority,
    /// It has read the request, and answers like this.
    After(Answer),
}

fn raw(text: &str) -> Breaks {
    Breaks::After(Answer::Raw(text.as_bytes().to_vec()))
}

fn status(coding: &str, body: Vec<u8>) -> Breaks {
    Breaks::After(Answer::Status(200, vec![("content-encoding".into(), coding.into())], body))
}

/// Every stage by the rule that it exercises, and what the reason says.
fn stages() -> Vec<(&'static str, Breaks, &'static str)> {
    let bomb = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![0; 16 << 20]).and_then(|()| gzip.finish()).expect("memory can be written")
    };
    vec![
        ("refused", Breaks::Refused, "refused"),
        ("closed-at-once", Breaks::AtOnce, ""),
        ("reset-in-request", Breaks::InTheRequest, ""),
        ("tls-with-plain-text", Breaks::WithoutTls, ""),
        ("tls-unknown-authority", Breaks::UnknownAuthority, "certificate"),
        ("closed-before-answer", Breaks::After(Answer::Reset), ""),
        ("closed-in-status-line", raw("HTTP/1.1 20"), ""),
        ("closed-in-headers", raw("HTTP/1.1 200 -\r\ncontent-len"), ""),
        ("closed-before-body", raw("HTTP/1.1 200 -\r\ncontent-length: 20\r\n\r\n"), ""),
        ("closed-in-body", raw("HTTP/1.1 200 -\r\ncontent-length: 20\r\n\r\n{\"status\""), ""),
        ("closed-in-chunk", raw("HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"st"), ""),
        ("closed-between-chunks", raw("HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"), ""),
        ("no-http", raw("SSH-2.0-OpenSSH_9.6\r\n"), ""),
        ("broken-coding", status("gzip", b"no gzip".to_vec()), ""),
        ("unknown-coding", status("br", b"no br".to_vec()), ""),
        ("decompression-bomb", status("gzip", bomb), "bigger than the host reads"),
        (
            "answer-too-large",
            Breaks::After(Answer::Status(200, Vec::new(), vec![b'x'; (4 << 20) + 1])),
            "bigger than the host reads",
        ),
    ]
}

/// A place that breaks connections in this way, and what keeps it there.
fn place(breaks: Breaks) -> (SocketAddr, Option<Vendor>) {
    let answer = match breaks {
        Breaks::Refused => return (Vendor::nobody(), None),
        Breaks::After(answer) => {
            let vendor = Vendor::start();
            vendor.otherwise(answer);
            return (vendor.address(), Some(vendor));
        }
        Breaks::UnknownAuthority => {
            let vendor = secure::vendor(&secure::Authority::new(), "127.0.0.1", None);
            return (SocketAddr::from(([127, 0, 0, 1], vendor.port)), None);
        }
        Breaks::AtOnce => |_: TcpStream| (),
        Breaks::InTheRequest => |mut stream: TcpStream| {
            let _ = stream.read(&mut [0; 16]);
        },
        Breaks::WithoutTls => |mut stream: TcpStream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 -\r\ncontent-length: 0\r\n\r\n");
        },
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = listener.local_addr().expect("an address");
    // Ends with the test program.
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
    (address, None)
}

fn load(name: &str, cache: &Path, request_time: Option<Duration>) -> Component {
    let wasm = telemetry_backends::get(name).expect("bundled").wasm;
    let mut options = LoadOptions::default();
    options.cache = Some(cache.to_path_buf());
    options.limits.request_time = request_time.unwrap_or(options.limits.request_time);
    Component::load(Source::Bytes(wasm), &options).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn send(component: &Component, endpoint: &str, settings: &str, url: &str) -> Outcome {
    let grant = GrantSpec {
        endpoint: endpoint.into(),
        url: url.into(),
        allow: vec!["http".into(), "loopback".into()],
        credential: Some(Credential {
            placement: Placement::Query { name: "key".into() },
            secret: Secret::new("0123456789abcdef"),
        }),
        ..GrantSpec::default()
    };
    let setup = Setup::new(settings, Door::open()).grant(Grant::parse(grant).expect("a grant"));
    let mut backend = Backend::start(component, setup).expect("the component starts");
    let time = Instant { rfc3339: "2026-08-01T12:00:00.000000000Z".into(), unix_ms: 1_785_585_600_000.0 };
    let events = (0..3).map(|number| Event {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        kind: "command.invocation".into(),
        name: "build".into(),
        time: time.clone(),
        ..Event::default()
    });
    let batch =
        Batch { origin: Origin { tool: "greet".into(), ..Origin::default() }, events: events.collect() };
    let request_id = "11111111-1111-4111-8111-111111111111".into();
    backend.send(&batch, &SendContext { attempt: 1, request_id, now: time }).expect("the component answers")
}

#[test]
fn wherever_a_connection_breaks_the_batch_is_tried_again_and_the_reason_says_why() {
    let cache = tempfile::tempdir().expect("a temporary directory");
    let rules: BTreeSet<_> = stages().into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(rules.len(), stages().len(), "each rule is exercised once");
    let mut wrong = String::new();
    for (name, endpoint, settings) in BACKENDS {
        let component = load(name, cache.path(), None);
        for (rule, breaks, says) in stages() {
            let secure = matches!(breaks, Breaks::WithoutTls | Breaks::UnknownAuthority);
            let scheme = if secure { "https" } else { "http" };
            let (address, _vendor) = place(breaks);
            match send(&component, endpoint, settings, &format!("{scheme}://{address}")) {
                Outcome::Retry(advice) if !advice.reason.is_empty() && advice.reason.contains(says) => {}
                other => wrong.push_str(&format!("{name} {settings}: {rule}: {other:?}\n")),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_vendor_that_never_answers_is_given_up_and_the_batch_is_tried_again() {
    let cache = tempfile::tempdir().expect("a temporary directory");
    let vendor = Vendor::start();
    vendor.otherwise(Answer::Hang);
    for (name, endpoint, settings) in BACKENDS {
        let component = load(name, cache.path(), Some(Duration::from_millis(300)));
        match send(&component, endpoint, settings, &vendor.url()) {
            Outcome::Retry(advice) => assert_eq!(advice.reason, "no answer came in time", "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
