//! From a batch to a vendor's request and back, through a real component and a real socket.

mod support;

use support::server::Server;
use support::{batch, context, grant, load, load_with, spec};
use telemetry_guests::Guest;
use telemetry_host::types::Outcome;
use telemetry_host::{
    Backend, CallError, Credential, Denied, Door, Grant, Limits, LoadError, Placement, Recorder, Secret,
    Setup, StartError,
};

fn retry_reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Retry(advice) => advice.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_leaves_through_a_component_as_one_request() {
    let server = Server::ok();
    let component = load(&Guest::default().component()).unwrap();
    assert_eq!(component.describe().unwrap().name, "test");
    let setup = Setup::new("{}", Door::open()).grant(grant("intake", &server.url(), &["http", "loopback"]));
    let mut backend = Backend::start(&component, setup).unwrap();
    assert_eq!(backend.description().version, "1.2.3");
    assert_eq!(backend.send(&batch(3), &context()).unwrap(), Outcome::Delivered);
    assert_eq!(backend.send(&batch(3), &context()).unwrap(), Outcome::Delivered);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].line, "POST /v1/logs HTTP/1.1");
    assert_eq!(seen[0].body, b"[]");
    assert_eq!(server.connections(), 1, "a sender's connection is used again");
    assert_eq!((backend.exchanges().sent, backend.exchanges().last_status), (2, Some(200)));
}

#[test]
fn what_is_previewed_is_what_is_sent_byte_for_byte_credential_apart() {
    let server = Server::ok();
    let guest = Guest::with(|guest| {
        guest.coding = 1;
        guest.body = Some("[1,2,3]".repeat(100));
        guest.query = vec![("a b".into(), "c&d=é".into())];
        guest.headers.push(("X-Note".into(), "as it is".into()));
    });
    let component = load(&guest).unwrap();
    let mut with_key = spec("intake", &format!("{}/base", server.url()), &["http", "loopback"]);
    let placement = Placement::Header { name: "DD-API-KEY".into(), prefix: "key ".into() };
    with_key.credential = Some(Credential { placement, secret: Secret::new("s3cret-value") });
    let grant = Grant::parse(with_key).unwrap();

    let recorder = Recorder::default();
    let setup = Setup::new("{}", Door::Record(recorder.clone())).grant(grant.clone());
    Backend::start(&component, setup).unwrap().send(&batch(1), &context()).unwrap();
    let previewed = recorder.take();
    assert!(server.seen().is_empty(), "a preview performs no I/O");

    let setup = Setup::new("{}", Door::open()).grant(grant);
    Backend::start(&component, setup).unwrap().send(&batch(1), &context()).unwrap();
    let sent = server.seen();
    assert_eq!((previewed.len(), sent.len()), (1, 1));
    let (previewed, sent) = (&previewed[0], &sent[0]);
    assert_eq!(sent.line, "POST /base/v1/logs?a%20b=c%26d%3D%C3%A9 HTTP/1.1");
    assert_eq!(previewed.url, format!("{}/base/v1/logs?a%20b=c%26d%3D%C3%A9", server.url()));
    assert_eq!(previewed.body, sent.body);
    let masked: Vec<(String, String)> =
        sent.headers.iter().map(|(n, v)| (n.to_lowercase(), v.replace("s3cret-value", "***"))).collect();
    assert_eq!(previewed.headers, masked);
    assert_eq!(sent.header("dd-api-key"), Some("key s3cret-value"));
    assert_eq!(previewed.body_before_coding, "[1,2,3]".repeat(100).as_bytes());
}

#[test]
fn an_endpoint_that_was_not_granted_is_denied_with_the_line_to_add() {
    let line = "endpoint \"intake\" is not granted: add `[endpoints.intake]` with `url = \"https://…\"` to telemetry.toml";
    let component = load(&Guest::default().component()).unwrap();
    match Backend::start(&component, Setup::new("{}", Door::open())) {
        Err(StartError::NotGranted(lines)) => assert_eq!(lines, [line]),
        other => panic!("{other:?}"),
    }
    let optional = load(&Guest::with(|guest| guest.required = false)).unwrap();
    let mut backend = Backend::start(&optional, Setup::new("{}", Door::open())).unwrap();
    assert_eq!(retry_reason(backend.send(&batch(1), &context()).unwrap()), line);
    assert_eq!(backend.exchanges().last_denial.as_deref(), Some(line));
}

#[test]
fn a_credential_that_the_vendor_insists_on_is_missed_at_the_start_with_the_line_to_add() {
    let component = load(&Guest::with(|guest| guest.credential = true)).unwrap();
    let start = |credential| {
        let mut spec = spec("intake", "https://vendor.example", &[]);
        spec.credential = credential;
        let setup = Setup::new("{}", Door::Record(Recorder::default())).grant(Grant::parse(spec).unwrap());
        Backend::start(&component, setup)
    };
    match start(None) {
        Err(StartError::NoCredential(lines)) => assert_eq!(
            lines,
            [
                "endpoint \"intake\" has no credential (The key), and its vendor takes no request without one: \
              add `credential = { bearer = true, env = \"…\" }` under [endpoints.intake] in telemetry.toml"
            ]
        ),
        other => panic!("{other:?}"),
    }
    // Where it goes is the author's to say: a relay may want it elsewhere.
    let placement = Placement::Query { name: "key".into() };
    assert!(start(Some(Credential { placement, secret: Secret::new("s3cret") })).is_ok());
}

#[test]
fn loopback_is_denied_with_the_words_to_add() {
    let server = Server::ok();
    let component = load(&Guest::default().component()).unwrap();
    let setup = Setup::new("{}", Door::open()).grant(grant("intake", &server.url(), &["http"]));
    let mut backend = Backend::start(&component, setup).unwrap();
    let reason = retry_reason(backend.send(&batch(1), &context()).unwrap());
    assert_eq!(
        reason,
        "endpoint \"intake\" leads to 127.0.0.1, a loopback address: add `allow = [\"http\", \"loopback\"]` under [endpoints.intake] in telemetry.toml"
    );
    assert!(server.seen().is_empty());
}

#[test]
fn a_component_that_imports_sockets_is_refused_by_name_when_it_is_loaded() {
    let wat = r#"(component
        (import "wasi:sockets/tcp@0.2.0" (instance))
        (import "wasi:io/poll@0.2.3" (instance))
        (import "acme:things/thing" (instance)))"#;
    match load(&wat::parse_str(wat).unwrap()) {
        Err(error @ LoadError::Refused(_)) => {
            let text = error.to_string();
            assert!(text.contains("wasi:sockets/tcp@0.2.0: a backend has no sockets"), "{text}");
            assert!(text.contains("acme:things/thing: unknown to this host"), "{text}");
            assert!(!text.contains("wasi:io"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_component_that_loops_for_ever_is_stopped_and_the_next_call_begins_afresh() {
    // Each instance delivers once, and its second call never ends.
    let guest = Guest::with(|guest| {
        guest.items = "(global $calls (mut i32) (i32.const 0))".into();
        guest.send = Some(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (if (i32.eq (global.get $calls) (i32.const 2)) (then (loop $l (br $l))))
             (call $request) (call $answer)"
                .into(),
        );
    });
    let brief = |limits: &mut Limits| limits.cpu_time = std::time::Duration::from_millis(300);
    let start = |guest: &[u8]| {
        let door = Door::Record(Recorder::default());
        let setup = Setup::new("{}", door).grant(grant("intake", "https://example.com", &[]));
        Backend::start(&load_with(guest, brief), setup).unwrap()
    };
    let stopped = |backend: &mut Backend| match backend.send(&batch(1), &context()) {
        Err(CallError::TookTooLong { call: "send", .. }) => {}
        other => panic!("{other:?}"),
    };
    let mut backend = start(&guest);
    for _ in 0..3 {
        assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
        stopped(&mut backend);
    }
    let mut backend = start(&Guest::sending("(loop $l (br $l)) (unreachable)"));
    for _ in 0..3 {
        stopped(&mut backend);
    }
    match backend.send(&batch(1), &context()) {
        Err(CallError::Broken { failures: 3, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn consent_is_asked_before_each_request_and_held_until_it_ended() {
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::sync::{Arc, Mutex};

    struct Held(Arc<AtomicI32>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let held = Arc::new(AtomicI32::new(0));
    let during = Arc::new(Mutex::new(Vec::new()));
    let (seen_held, seen_during) = (Arc::clone(&held), Arc::clone(&during));
    let server = Server::scripted(move |stream, _| {
        seen_during.lock().unwrap().push(seen_held.load(Ordering::SeqCst));
        std::io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    });
    let asked = Arc::new(AtomicI32::new(0));
    let (count, guard) = (Arc::clone(&asked), Arc::clone(&held));
    let door = Door::Network(Arc::new(move |outgoing| {
        assert_eq!(outgoing.endpoint, "intake");
        if count.fetch_add(1, Ordering::SeqCst) == 1 {
            return Err(Denied { reason: "consent was withdrawn".into() });
        }
        guard.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Held(Arc::clone(&guard))))
    }));
    let component = load(&Guest::default().component()).unwrap();
    let setup = Setup::new("{}", door).grant(grant("intake", &server.url(), &["http", "loopback"]));
    let mut backend = Backend::start(&component, setup).unwrap();
    assert_eq!(backend.send(&batch(1), &context()).unwrap(), Outcome::Delivered);
    assert_eq!(retry_reason(backend.send(&batch(1), &context()).unwrap()), "consent was withdrawn");
    assert_eq!(*during.lock().unwrap(), [1], "held while the server answers, and not asked for twice");
    assert_eq!(held.load(Ordering::SeqCst), 0);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn under_at_most_once_the_second_request_of_a_call_does_not_leave() {
    let server = Server::ok();
    let twice = Guest::sending("(call $request) (call $request) (call $answer)");
    let component = load(&twice).unwrap();
    let mut setup =
        Setup::new("{}", Door::open()).grant(grant("intake", &server.url(), &["http", "loopback"]));
    setup.max_requests = Some(1);
    let mut backend = Backend::start(&component, setup).unwrap();
    assert_eq!(
        retry_reason(backend.send(&batch(1), &context()).unwrap()),
        "no more than one request in one call"
    );
    assert_eq!(server.seen().len(), 1);
}
