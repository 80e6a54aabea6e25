//! Requests to somewhere else, as somebody else, too big or too many; and the search for the credential.

use super::*;

#[test]
fn http_is_closed_before_sending() {
    for (in_describe, in_configure) in [("(call $request)", ""), ("", "(call $request)")] {
        let recorder = Recorder::default();
        let guest = Guest::with(|guest| {
            guest.in_describe = in_describe.into();
            guest.in_configure = in_configure.into();
        });
        let backend = start_through(&guest, Door::Record(recorder.clone())).unwrap();
        assert!(recorder.take().is_empty());
        assert_eq!(
            backend.exchanges().last_denial.as_deref(),
            Some("http is closed during `describe` and `configure`")
        );
    }
}

#[test]
fn a_url_is_no_endpoint() {
    for endpoint in ["https://evil.example", "intake@evil.example", "", "INTAKE", "../intake", "intake\0"] {
        let text = told(&Guest::with(|guest| guest.endpoint = endpoint.into()));
        let shown = endpoint.replace('\0', "\u{fffd}");
        let why = "is not an endpoint's name; a request names an endpoint of `describe`, never a URL";
        assert_eq!(text, format!("`{shown}` {why}"));
    }
}

#[test]
fn an_endpoint_that_describe_did_not_ask_for_is_not_reached_even_if_granted() {
    let component = load(&Guest::with(|guest| guest.endpoint = "other".into())).unwrap();
    let setup = Setup::new("{}", Door::Record(Recorder::default()))
        .grant(grant("intake", "https://vendor.example", &[]))
        .grant(grant("other", "https://other.example", &[]));
    let mut backend = Backend::start(&component, setup).unwrap();
    let Ok(Outcome::Retry(advice)) = backend.send(&batch(1), &context()) else { panic!() };
    assert_eq!(
        advice.reason,
        "endpoint \"other\" is granted, but the component's `describe` does not ask for it"
    );
}

#[test]
fn a_path_that_climbs_or_is_a_url_does_not_leave() {
    for (path, why) in [
        ("/../admin", "must not hold `.` or `..` segments, encoded or not"),
        ("/%2e%2e/", "must not hold `.` or `..` segments, encoded or not"),
        ("//evil.example/", "must not begin with `//`, which names another host to some readers"),
        (
            "https://evil.example/",
            "must be empty or begin with `/`; a request names an endpoint, never a URL",
        ),
        ("/a\r\nX: y", "must not hold the character U+000D"),
        ("/?a#b", "must not hold the character U+003F"),
    ] {
        let text = told(&Guest::with(|guest| guest.path = path.into()));
        assert_eq!(text, format!("the path {why}"), "{path}");
    }
}

#[test]
fn smuggled_headers_do_not_leave() {
    for (name, value, why) in [
        ("Host", "evil.example", "the header `host` is the host's to set"),
        ("Transfer-Encoding", "chunked", "the header `transfer-encoding` is the host's to set"),
        ("content_length", "0", "the header `content_length` is the host's to set"),
        (
            "x",
            "a\r\nHost: evil.example",
            "`x`: a header's value may hold visible ASCII characters, spaces and tabs only",
        ),
        ("x: y\r\nz", "a", "`x: y  z` is not the name of a header"),
    ] {
        let text = told(&Guest::with(|guest| guest.headers = vec![(name.into(), value.into())]));
        assert_eq!(text, why);
    }
}

/// A guest whose request has this path and so many headers, each of another name: pointers and lengths of what its
/// code has made before.
fn asking(code: &str, path: &str, headers: &str) -> Vec<u8> {
    Guest::with(|guest| {
        guest.memory = "(memory (export \"memory\") 100)".into();
        guest.send = Some(format!(
            "(local $n i32) (local $digit i32) (local $name i32) (local $header i32)
             {code}
             (call $http (i32.const 1024) (i32.const 6) (i32.const 1) {path}
               (i32.const 0) (i32.const 0) {headers}
               (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
             (call $answer)"
        ));
    })
}

/// So many headers: each number, written with eight letters.
fn asking_with_headers(count: usize) -> Vec<u8> {
    let code = format!(
        "(loop $each
           (local.set $name (i32.add (i32.const 1048576) (i32.mul (local.get $n) (i32.const 8))))
           (local.set $digit (i32.const 0))
           (loop $letter
             (i32.store8 (i32.add (local.get $name) (local.get $digit))
               (i32.add (i32.const 97)
                 (i32.and (i32.shr_u (local.get $n) (i32.mul (local.get $digit) (i32.const 4))) (i32.const 15))))
             (local.set $digit (i32.add (local.get $digit) (i32.const 1)))
             (br_if $letter (i32.lt_u (local.get $digit) (i32.const 8))))
           (local.set $header (i32.add (i32.const 4194304) (i32.mul (local.get $n) (i32.const 16))))
           (i32.store (local.get $header) (local.get $name))
           (i32.store offset=4 (local.get $header) (i32.const 8))
           (i32.store offset=8 (local.get $header) (i32.const 1024))
           (i32.store offset=12 (local.get $header) (i32.const 0))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $each (i32.lt_u (local.get $n) (i32.const {count}))))"
    );
    asking(&code, "(global.get $path) (i32.const 8)", &format!("(i32.const 4194304) (i32.const {count})"))
}

#[test]
fn more_headers_than_a_client_holds_do_not_leave_however_much_room_the_author_gives_them() {
    let server = Server::ok();
    let told = |guest: &[u8]| {
        let component = load_with(guest, |limits| {
            quick(limits);
            limits.head_bytes = 1 << 20;
        });
        let granted = grant("intake", &server.url(), &["http", "loopback"]);
        let mut backend = Backend::start(&component, Setup::new("{}", Door::open()).grant(granted)).unwrap();
        backend.send(&batch(1), &context())
    };
    // 24,576 are the most that there is room for.
    for count in [4_097, 24_570, 24_576, 24_577, 60_000] {
        let Ok(Outcome::Retry(advice)) = told(&asking_with_headers(count)) else { panic!("{count}") };
        assert_eq!(advice.reason, format!("{count} headers are more than 4096"));
    }
    // A URL that is longer than a client takes is a failure too.
    let long = asking(
        "(memory.fill (i32.const 1048576) (i32.const 120) (i32.const 70000))
         (i32.store8 (i32.const 1048576) (i32.const 47))",
        "(i32.const 1048576) (i32.const 70000)",
        "(i32.const 0) (i32.const 0)",
    );
    let Ok(Outcome::Retry(advice)) = told(&long) else { panic!() };
    assert!(advice.reason.starts_with("the request failed"), "{}", advice.reason);
    assert!(server.seen().is_empty());
    assert_eq!(told(&asking_with_headers(4_096)), Ok(Outcome::Delivered));
    assert_eq!(server.seen()[0].header("pppaaaaa"), Some(""), "the last of them");
}

#[test]
fn a_body_that_is_too_big_does_not_leave() {
    let recorder = Recorder::default();
    let guest = Guest::with(|guest| {
        guest.memory = "(memory (export \"memory\") 400)".into();
        guest.send = Some(
            "(call $http (i32.const 1024) (i32.const 6) (i32.const 1) (global.get $path) (i32.const 8)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 2) (i32.const 131072) (i32.const 17000000)
               (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
             (call $answer)"
                .into(),
        );
    });
    let mut backend = start_through(&guest, Door::Record(recorder.clone())).unwrap();
    // The host answers with 413, as a vendor would, and this guest rejects what is not 2xx.
    let Ok(Outcome::Rejected(reason)) = backend.send(&batch(1), &context()) else { panic!() };
    assert_eq!(
        reason,
        "the body of 17000000 bytes is bigger than request_bytes, 16777216 (under [backend.limits]), and was not sent"
    );
    assert!(recorder.take().is_empty());
    let exchanges = backend.exchanges();
    assert_eq!(
        (exchanges.sent, exchanges.answered, exchanges.last_status),
        (0, 0, None),
        "nobody else answered"
    );
}

#[test]
fn a_small_memory_that_reads_as_a_huge_request_is_stopped() {
    // A million query parameters that all point at the same 60,000 bytes.
    let text = stopped(&Guest::with(|guest| {
        guest.memory = "(memory (export \"memory\") 400)".into();
        guest.send = Some(
            "(local $at i32)
             (local.set $at (i32.const 262144))
             (loop $l
               (i32.store (local.get $at) (i32.const 131072))
               (i32.store offset=4 (local.get $at) (i32.const 60000))
               (local.set $at (i32.add (local.get $at) (i32.const 8)))
               (br_if $l (i32.lt_u (local.get $at) (i32.const 20000000))))
             (call $http (i32.const 1024) (i32.const 6) (i32.const 1) (global.get $path) (i32.const 8)
               (i32.const 262144) (i32.const 1000000) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
             (call $answer)"
                .into(),
        );
    }));
    assert_eq!(text, failed(NO_MORE_COPYING));
}

#[test]
fn requests_without_end_are_counted() {
    let recorder = Recorder::default();
    let guest = Guest::sending(
        "(local $n i32)
         (loop $l
           (call $request)
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))
         (call $answer)",
    );
    let mut backend = start_through(&guest, Door::Record(recorder.clone())).unwrap();
    let Ok(Outcome::Retry(advice)) = backend.send(&batch(1), &context()) else { panic!() };
    assert_eq!(advice.reason, "no more than 16 requests in one call");
    assert_eq!(recorder.take().len(), 16);
}

#[test]
fn a_request_beyond_the_last_is_not_even_looked_at() {
    // What the first one is told is overwritten by what is said of the second: a GET with a body of 16 MiB, coded.
    let guest = Guest::with(|guest| {
        guest.memory = "(memory (export \"memory\") 400)".into();
        guest.send = Some(
            "(call $request)
             (call $http (i32.const 1024) (i32.const 6) (i32.const 0) (global.get $path) (i32.const 8)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 2) (i32.const 131072) (i32.const 16777216)
               (i32.const 1) (i32.const 0) (i32.const 0) (global.get $result))
             (call $answer)"
                .into(),
        );
    });
    let component = load_with(&guest, quick);
    for (most, why) in [(1, "no more than one request in one call"), (2, "a GET request has no body")] {
        let recorder = Recorder::default();
        let mut setup = Setup::new("{}", Door::Record(recorder.clone())).grant(grant(
            "intake",
            "https://vendor.example",
            &[],
        ));
        setup.max_requests = Some(most);
        let mut backend = Backend::start(&component, setup).unwrap();
        let Ok(Outcome::Retry(advice)) = backend.send(&batch(1), &context()) else { panic!() };
        assert_eq!(advice.reason, why);
        assert_eq!(recorder.take().len(), 1);
    }
}

#[test]
fn a_component_that_searches_all_its_memory_finds_no_credential() {
    const SECRET: &str = "s3cret-of-the-author";
    let echo = Server::scripted(|stream, request| {
        let body = format!("{:?}", request.headers);
        std::io::Write::write_all(
            stream,
            format!("HTTP/1.1 200 OK\r\nx-echo: {SECRET}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                .as_bytes(),
        )
    });
    // Traps where it finds what it looks for.
    let searching = |needle: &str| {
        let word = u64::from_le_bytes(needle.as_bytes()[..8].try_into().unwrap());
        Guest::sending(&format!(
            "(local $at i32)
             (call $request)
             (loop $l
               (if (i64.eq (i64.load (local.get $at)) (i64.const {word})) (then (unreachable)))
               (local.set $at (i32.add (local.get $at) (i32.const 1)))
               (br_if $l (i32.lt_u (local.get $at) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)))))
             (call $answer)"
        ))
    };
    let search = |needle: &str| {
        let mut spec = spec("intake", &echo.url(), &["http", "loopback"]);
        spec.credential = Some(Credential { placement: Placement::Bearer, secret: Secret::new(SECRET) });
        let component = load(&searching(needle)).unwrap();
        let setup = Setup::new("{}", Door::open()).grant(Grant::parse(spec).unwrap());
        Backend::start(&component, setup).unwrap().send(&batch(1), &context())
    };
    let found = CallError::Trapped { call: "send", reason: UNREACHABLE.into() };
    assert_eq!(search("Bearer *"), Err(found), "the search finds what is there");
    assert_eq!(search(SECRET), Ok(Outcome::Delivered));
    let seen = echo.seen();
    assert!(
        seen.iter().all(|request| request.header("authorization") == Some("Bearer s3cret-of-the-author"))
    );
}
