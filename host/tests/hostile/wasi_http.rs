//! A guest of `wasi:http` that holds on to what the host keeps for it, leaves requests behind, and drops
//! what it has in odd order.

use std::sync::Mutex;

use super::*;

/// Counts its calls, and traps where one instance is called twice: whoever is told to go on has a fresh one.
const ONCE: &str = "(global $calls (mut i32) (i32.const 0))
    (func $once (if (global.get $calls) (then (unreachable))) (global.set $calls (i32.const 1)))";

/// One honest request, its answer read to the end.
const HONEST: &str = "(local.set $request (call $made))
    (local.set $body (call $body (local.get $request)))
    (local.set $stream (call $stream (local.get $body)))
    (local.set $future (call $sent (local.get $request)))
    (if (i32.eqz (call $put (local.get $stream) (i32.const 2))) (then (unreachable)))
    (call $drop_output (local.get $stream))
    (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 400))
    (local.set $answer (call $answered (local.get $future)))
    (if (i32.lt_s (local.get $answer) (i32.const 0)) (then (unreachable)))
    (call $whole (local.get $answer))";

const LOCALS: &str = "(local $request i32) (local $body i32) (local $stream i32) (local $future i32)
    (local $answer i32) (local $n i32) (local $total i64)";

fn guest(server: &Server, items: &str, code: &str) -> Vec<u8> {
    Guest::over_wasi_http(&server.address.to_string(), items, &format!("{LOCALS} {code}"))
}

fn loopback(server: &Server) -> Grant {
    grant("intake", &server.url(), &["http", "loopback"])
}

fn started(bytes: &[u8], server: &Server, change: impl FnOnce(&mut Limits)) -> Backend {
    let component = load_with(bytes, |limits| {
        quick(limits);
        change(limits);
    });
    Backend::start(&component, Setup::new("{}", Door::open()).grant(loopback(server))).unwrap()
}

#[test]
fn an_honest_guest_is_served() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let bytes = guest(&server, "", &format!("{HONEST} (call $delivered)"));
    let mut backend = started(&bytes, &server, |_| ());
    for _ in 0..2 {
        assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    }
    assert_eq!(server.seen()[0].line, "POST /v1/logs HTTP/1.1");
    assert_eq!(server.seen()[1].body, [0, 0]);
}

#[test]
fn bodies_that_are_filled_and_never_sent_are_bounded_together() {
    let server = Server::ok();
    // As much as the host takes into each of 300 bodies whose requests are kept.
    let hoard = format!(
        "(call $once)
         (drop (memory.grow (i32.const 40)))
         (loop $more
           (local.set $stream (call $stream (call $body (call $made))))
           (loop $fill
             (call $check (local.get $stream) (i32.const 400))
             (if (i32.load8_u (i32.const 400)) (then (unreachable)))
             (if (i32.load (i32.const 408)) (then
               (local.set $total (i64.add (local.get $total) (i64.load (i32.const 408))))
               (call $write (local.get $stream) (i32.const 131072) (i32.load (i32.const 408)) (i32.const 416))
               (br $fill))))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $n) (i32.const 300))))
         (if (i64.eqz (local.get $total)) (then (unreachable)))
         (if (i64.gt_u (local.get $total) (i64.const {most})) (then (unreachable)))
         {HONEST} (call $delivered)",
        most = 48 << 20,
    );
    let mut backend = started(&guest(&server, ONCE, &hoard), &server, |_| ());
    // And not carried from call to call.
    for _ in 0..2 {
        assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    }
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_body_that_never_ends_is_cut_off_and_not_sent() {
    let server = Server::ok();
    let code = "(local.set $request (call $made))
        (local.set $body (call $body (local.get $request)))
        (local.set $stream (call $stream (local.get $body)))
        (local.set $future (call $sent (local.get $request)))
        (loop $more (br_if $more (call $put (local.get $stream) (i32.const 4096))))
        (local.set $answer (call $answered (local.get $future)))
        ;; `HTTP-request-body-size`, the seventeenth of the errors.
        (if (i32.ne (local.get $answer) (i32.const -18)) (then (unreachable)))
        (call $again)";
    let mut backend = started(&guest(&server, "", code), &server, |limits| {
        limits.request_bytes = 100_000;
        limits.response_bytes = 10_000;
    });
    assert!(matches!(backend.send(&batch(1), &context()), Ok(Outcome::Retry(_))));
    assert!(server.seen().is_empty());
}

/// So many requests; what is done with each answer; how many are expected to be answered.
fn requests(each: &str, answered: u32) -> String {
    format!(
        "(loop $more
           (local.set $answer (call $answered (call $sent (call $made))))
           (if (i32.ge_s (local.get $answer) (i32.const 0)) (then
             (local.set $total (i64.add (local.get $total) (i64.const 1)))
             {each}))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $n) (i32.const 10))))
         (if (i64.ne (local.get $total) (i64.const {answered})) (then (unreachable)))
         (call $delivered)"
    )
}

#[test]
fn answers_that_are_kept_unread_are_bounded_together_and_make_room_again() {
    let answer = [b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n".as_slice(), &[b'x'; 9_000]].concat();
    let server = Server::answering(answer);
    let small = |limits: &mut Limits| {
        // Room for one request and four answers: for four of 9,000 bytes, and not for a fifth.
        limits.request_bytes = 1_000;
        limits.response_bytes = 10_000;
    };
    let kept = guest(&server, "", &requests("", 4));
    assert_eq!(started(&kept, &server, small).send(&batch(1), &context()), Ok(Outcome::Delivered));
    let dropped = guest(&server, "", &requests("(call $drop_response (local.get $answer))", 10));
    assert_eq!(started(&dropped, &server, small).send(&batch(1), &context()), Ok(Outcome::Delivered));
}

#[test]
fn a_request_that_is_left_behind_ends_with_its_instance() {
    let (arrived, arrivals) = std::sync::mpsc::channel();
    let (ended, ends) = std::sync::mpsc::channel();
    let (arrived, arrivals, ended) = (Mutex::new(arrived), Mutex::new(arrivals), Mutex::new(ended));
    let server = Server::scripted(move |stream, request| {
        if !request.body.is_empty() {
            // The honest one is answered once the other has arrived.
            arrivals.lock().unwrap().recv().expect("the other one");
            return std::io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
        arrived.lock().unwrap().send(()).expect("the test waits");
        // Never answered. The connection ends when the other side gives it up.
        let _ = std::io::Read::read(stream, &mut [0]);
        ended.lock().unwrap().send(()).expect("the test waits");
        Err(std::io::Error::other("it was given up"))
    });
    let kept = format!("(call $once) (drop (call $sent (call $made))) {HONEST} (call $delivered)");
    let dropped = format!(
        "(local.set $n (call $sent (call $made))) {HONEST} (call $drop_future (local.get $n)) (call $delivered)"
    );
    for (items, code) in [(ONCE, kept), ("", dropped)] {
        let mut backend = started(&guest(&server, items, &code), &server, |_| ());
        for _ in 0..3 {
            assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
            ends.recv_timeout(Duration::from_secs(60)).expect("it ends with the call's instance");
        }
    }
}

#[test]
fn handles_that_are_dropped_in_odd_order_twice_or_after_they_were_given_away_hurt_nobody() {
    let server = Server::ok();
    let made = "(local.set $request (call $made))
        (local.set $body (call $body (local.get $request)))
        (local.set $stream (call $stream (local.get $body)))";
    const CHILDREN: &str = "resource has children";
    const ANOTHER: &str = "handle index 1 used with the wrong type, expected guest-defined resource but found a \
        different guest-defined resource";
    for (what, code, why) in [
        ("a body before its stream", "(call $drop_body (local.get $body))", Some(CHILDREN)),
        (
            "a body ended before its stream",
            "(call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 400))",
            Some(CHILDREN),
        ),
        ("a request before its body", "(call $drop_request (local.get $request))", None),
        (
            "a request twice",
            "(call $drop_request (local.get $request)) (call $drop_request (local.get $request))",
            Some("unknown handle index 1"),
        ),
        (
            "a request that was sent",
            "(drop (call $sent (local.get $request))) (call $drop_request (local.get $request))",
            Some(ANOTHER),
        ),
        (
            "a request sent twice",
            "(drop (call $sent (local.get $request))) (drop (call $sent (local.get $request)))",
            Some(ANOTHER),
        ),
        ("one handle as another", "(call $drop_output (local.get $request))", Some(ANOTHER)),
        (
            "a handle that never was",
            "(call $drop_future (i32.const 77777))",
            Some("unknown handle index 77777"),
        ),
        (
            "a stream that goes on after its request",
            "(call $drop_request (local.get $request)) (drop (call $put (local.get $stream) (i32.const 10)))",
            None,
        ),
        (
            "a future before what waits for it",
            "(local.set $future (call $sent (local.get $request)))
             (drop (call $subscribe (local.get $future)))
             (call $drop_future (local.get $future))",
            Some(CHILDREN),
        ),
    ] {
        let mut backend =
            started(&guest(&server, "", &format!("{made} {code} (call $again)")), &server, |_| ());
        for _ in 0..2 {
            match (backend.send(&batch(1), &context()), why) {
                (Err(CallError::Trapped { call: "send", reason }), Some(why)) => {
                    assert_eq!(reason, why, "{what}");
                }
                (Ok(Outcome::Retry(advice)), None) => assert_eq!(advice.reason, "", "{what}"),
                (other, _) => panic!("{what}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_url_that_was_not_granted_is_not_reached() {
    let (server, other) = (Server::ok(), Server::ok());
    let code = "(local.set $answer (call $answered (call $sent (call $made))))
        ;; `internal-error`, the last of the errors, which has room for the reason.
        (if (i32.ne (local.get $answer) (i32.const -39)) (then (unreachable)))
        (call $again)";
    let bytes = Guest::over_wasi_http(&other.address.to_string(), "", &format!("{LOCALS} {code}"));
    let mut backend = started(&bytes, &server, |_| ());
    assert!(matches!(backend.send(&batch(1), &context()), Ok(Outcome::Retry(_))));
    let denial = backend.exchanges().last_denial.unwrap();
    assert!(denial.starts_with(&format!("no endpoint is granted at {}", other.url())), "{denial}");
    assert!(other.seen().is_empty() && server.seen().is_empty());
}

#[test]
fn the_credential_is_nowhere_in_the_memory_of_a_guest_that_reads_its_echo() {
    const SECRET: &str = "s3cret-of-the-author";
    let echo = Server::scripted(|stream, request| {
        let body = format!("{:?}", request.headers);
        std::io::Write::write_all(
            stream,
            format!("HTTP/1.1 200 OK\r\nx-echo: {SECRET}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                .as_bytes(),
        )
    });
    // Traps where it finds what it looks for, in all of its memory.
    let search = |needle: &str| {
        let word = u64::from_le_bytes(needle.as_bytes()[..8].try_into().unwrap());
        let code = format!(
            "{HONEST}
             (loop $l
               (if (i64.eq (i64.load (local.get $n)) (i64.const {word})) (then (unreachable)))
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br_if $l (i32.lt_u (local.get $n) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)))))
             (call $delivered)"
        );
        let mut spec = spec("intake", &echo.url(), &["http", "loopback"]);
        spec.credential = Some(Credential { placement: Placement::Bearer, secret: Secret::new(SECRET) });
        let component = load_with(&guest(&echo, "", &code), quick);
        let setup = Setup::new("{}", Door::open()).grant(Grant::parse(spec).unwrap());
        Backend::start(&component, setup).unwrap().send(&batch(1), &context())
    };
    let found = CallError::Trapped { call: "send", reason: UNREACHABLE.into() };
    assert_eq!(search("Bearer *"), Err(found), "the search finds what is there");
    assert_eq!(search(SECRET), Ok(Outcome::Delivered));
    assert!(echo.seen().iter().all(|it| it.header("authorization") == Some("Bearer s3cret-of-the-author")));
}

#[test]
fn a_redirect_is_an_answer_and_nobody_follows_it_with_the_credential() {
    let other = Server::ok();
    let to = format!("HTTP/1.1 307 Elsewhere\r\nlocation: {}/in\r\ncontent-length: 0\r\n\r\n", other.url());
    let server = Server::answering(to);
    let mut spec = spec("intake", &server.url(), &["http", "loopback"]);
    spec.credential =
        Some(Credential { placement: Placement::Bearer, secret: Secret::new("s3cret-of-the-author") });
    let component = load_with(&guest(&server, "", &format!("{HONEST} (call $delivered)")), quick);
    // The other place is granted, too, and has no credential.
    let setup = Setup::new("{}", Door::open()).grant(Grant::parse(spec).unwrap()).grant(grant(
        "other",
        &other.url(),
        &["http", "loopback"],
    ));
    let sent = Backend::start(&component, setup).unwrap().send(&batch(1), &context());
    assert_eq!(sent, Ok(Outcome::Delivered));
    assert_eq!(server.seen()[0].header("authorization"), Some("Bearer s3cret-of-the-author"));
    assert!(other.seen().is_empty());
}

#[test]
fn no_more_requests_leave_than_a_call_may_make_one_by_one_or_at_once() {
    let server = Server::ok();
    let few = |most: u32| move |limits: &mut Limits| limits.requests_per_call = most;
    let dropped = guest(&server, "", &requests("(call $drop_response (local.get $answer))", 3));
    assert_eq!(started(&dropped, &server, few(3)).send(&batch(1), &context()), Ok(Outcome::Delivered));
    assert_eq!(server.seen().len(), 3);
    // Of one claim one request may leave, however many are begun before the first is answered.
    let server = Server::ok();
    let code = "(local.set $future (call $sent (call $made)))
        (local.set $n (call $sent (call $made)))
        (local.set $answer (call $answered (local.get $future)))
        (if (i32.lt_s (local.get $answer) (i32.const 0)) (then (unreachable)))
        (if (i32.ge_s (call $answered (local.get $n)) (i32.const 0)) (then (unreachable)))
        (call $delivered)";
    let at_once = guest(&server, "", code);
    assert_eq!(started(&at_once, &server, few(1)).send(&batch(1), &context()), Ok(Outcome::Delivered));
    assert_eq!(server.seen().len(), 1);
}
