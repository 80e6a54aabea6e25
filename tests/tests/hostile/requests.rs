//! Requests to somewhere else, as somebody else, too big or too many.

use telemetry_tests::{Home, Vendor};

use super::{
    Case, DIVIDED_BY_ZERO, Guest, NO_MORE_COPYING, case, config, contained, crashed, greeting, honest, run,
};

fn at(endpoint: &str) -> Vec<u8> {
    Guest::with(|it| {
        it.endpoint = endpoint.into();
        it.required = false;
    })
}

fn below(path: &str) -> Vec<u8> {
    Guest::with(|it| it.path = path.into())
}

fn with_header(name: &str, value: &str) -> Vec<u8> {
    Guest::with(|it| it.headers = vec![(name.into(), value.into())])
}

#[test]
fn a_component_that_speaks_to_somebody_else() {
    let climbs = "retry: the path must not hold `.` or `..` segments, encoded or not";
    contained([
        case(
            at("https://evil.example"),
            "retry: `https://evil.example` is not an endpoint's name; a request names an endpoint of `describe`, never a URL",
        ),
        case(
            at("evil"),
            "retry: endpoint \"evil\" is not granted: add `[endpoints.evil]` with `url = \"https://…\"` to telemetry.toml",
        ),
        case(
            at("receiver"),
            "retry: endpoint \"receiver\" is granted, but the component's `describe` does not ask for it",
        ),
        case(
            below("//evil.example/"),
            "retry: the path must not begin with `//`, which names another host to some readers",
        ),
        case(
            below("https://evil.example/"),
            "retry: the path must be empty or begin with `/`; a request names an endpoint, never a URL",
        ),
        case(below("/../admin"), climbs),
        case(below("/%252e%252e/admin"), climbs),
        case(below("/?to=evil#"), "retry: the path must not hold the character U+003F"),
    ]);
}

#[test]
fn a_component_that_smuggles() {
    let keyed = "credential = { bearer = true, value = \"s3cret\" }";
    contained([
        case(with_header("Host", "evil.example"), "retry: the header `host` is the host's to set"),
        case(
            with_header("Transfer-Encoding", "chunked"),
            "retry: the header `transfer-encoding` is the host's to set",
        ),
        case(
            with_header("x", "a\r\nHost: evil.example"),
            "retry: `x`: a header's value may hold visible ASCII characters, spaces and tabs only",
        ),
        case(with_header("x: y\r\nz", "a"), "retry: `x: y  z` is not the name of a header"),
        case(below("/a\r\nX: y"), "retry: the path must not hold the character U+000D"),
        Case {
            grant: keyed,
            ..case(
                with_header("Authorization", "Bearer mine"),
                "retry: the header `authorization` is the endpoint's credential; the host adds it",
            )
        },
    ]);
}

#[test]
fn a_component_that_sends_too_much() {
    // A million parameters that are all the same 60,000 bytes.
    let repeated = Guest::with(|it| {
        it.memory = "(memory (export \"memory\") 400)".into();
        it.send = Some(
            "(local $at i32)
             (local.set $at (i32.const 262144))
             (loop $more
               (i32.store (local.get $at) (i32.const 131072))
               (i32.store offset=4 (local.get $at) (i32.const 60000))
               (local.set $at (i32.add (local.get $at) (i32.const 8)))
               (br_if $more (i32.lt_u (local.get $at) (i32.const 20000000))))
             (call $http (i32.const 1024) (i32.const 6) (i32.const 1) (global.get $path) (i32.const 8)
               (i32.const 262144) (i32.const 1000000) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
             (call $answer)"
                .into(),
        );
    });
    let many = Guest::sending(
        "(local $n i32)
         (loop $more
           (call $request)
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $n) (i32.const 1000))))
         (call $answer)",
    );
    let flood = Guest::sending(
        "(local $n i32)
         (memory.fill (i32.const 131072) (i32.const 120) (i32.const 100000))
         (loop $more
           (call $log (i32.const 3) (i32.const 131072) (i32.const 100000))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $n) (i32.const 200))))
         (i32.div_u (i32.const 1) (i32.const 0))",
    );
    contained([
        case(repeated, crashed(NO_MORE_COPYING)),
        Case { leave: 16, ..case(many, "retry: no more than 16 requests in one call") },
        case(flood, crashed(DIVIDED_BY_ZERO)),
    ]);
}

/// The host answers such a request as a vendor would, with 413. A single event cannot be cut.
#[test]
fn a_component_whose_requests_are_too_big_sends_none_and_what_it_gives_up_is_counted() {
    let big = Guest::with(|it| {
        it.memory = "(memory (export \"memory\") 400)".into();
        it.send = Some(
            "(call $http (i32.const 1024) (i32.const 6) (i32.const 1) (global.get $path) (i32.const 8)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 2) (i32.const 131072) (i32.const 17000000)
               (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
             (call $answer)"
                .into(),
        );
    });
    let vendor = Vendor::start();
    let home = Home::new(&config(&case(Vec::new(), ""), &vendor.url()));
    home.author_file("backend.wasm", &big);
    assert_eq!(run(&home, &["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(&home, &["hello", "Ada"]), greeting());
    let status = run(&home, &["telemetry", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(
        (status["set_aside"].as_u64(), status["pending_events"].as_u64()),
        (Some(1), Some(0)),
        "{status:#}"
    );
    let because = status["set_aside_because"].as_str().expect("a reason");
    assert_eq!(
        because,
        "the body of 17000000 bytes is bigger than request_bytes, 16777216 (under [backend.limits]), and was not sent"
    );
    assert!(vendor.requests().is_empty());

    home.author_file("backend.wasm", honest());
    assert_eq!(run(&home, &["hello", "Ada"]), greeting());
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
}
