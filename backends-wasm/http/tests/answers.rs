//! What each answer of a receiver means: WIRE.md's common rules, one row for each that can go wrong.

use telemetry_backend_http::HttpJson;
use telemetry_backend_sdk::testing::{self, Script, answer, batch, command, outline_erasure, table};
use telemetry_backend_sdk::{Backend, HttpError};

fn backend() -> HttpJson {
    testing::configure("{}").expect("no setting is required")
}

#[test]
fn each_answer_has_the_outcome_that_the_rules_give_it() {
    let location = |status| answer(status).with_header("location", "https://b.example/in");
    let redirect = |status: u16, to: &str| {
        format!(
            "retry: status {status}: a redirect to {to}; none is followed, so name the final address in the endpoint's url"
        )
    };
    let page =
        "retry: a web page answered in place of the vendor: a captive portal, or the endpoint's url is wrong";
    let long = "x".repeat(10_000);
    let long_expected = format!("rejected: status 400: {}...", "x".repeat(200));
    let rows: &[testing::Row<'_>] = &[
        ("2xx: 200 without a body", Ok(answer(200)), "delivered"),
        ("2xx-body-ignored: 200 with a JSON body", Ok(answer(200).with_text("{\"ok\":true}")), "delivered"),
        (
            "2xx-body-error: 200 whose body says error is still 200",
            Ok(answer(200).with_text("{\"error\":\"x\"}")),
            "delivered",
        ),
        ("page-not-xml: 200 with XML is no page", Ok(answer(200).with_text("<ok/>")), "delivered"),
        ("2xx-bytes: 200 with bytes", Ok(answer(200).with_bytes(&[0xff, 0xfe])), "delivered"),
        ("2xx-last: 299, the last of 2xx", Ok(answer(299)), "delivered"),
        (
            "2xx-retry-after-ignored: 200 with Retry-After is delivered",
            Ok(answer(200).with_retry_after_ms(9.0)),
            "delivered",
        ),
        (
            "page: 200 with a page for people",
            Ok(answer(200).with_text("<!DOCTYPE html><title>Wi-Fi</title>")),
            page,
        ),
        (
            "page-after-space: 200 with a page behind white space",
            Ok(answer(200).with_text("\r\n  <HTML lang=\"en\">")),
            page,
        ),
        (
            "page-after-mark: 200 with a page behind a byte order mark",
            Ok(answer(200).with_text("\u{feff}<html>")),
            page,
        ),
        ("below-2xx: 199, before 2xx", Ok(answer(199)), "retry: status 199"),
        (
            "redirect-without-location: 300 choices without a location",
            Ok(answer(300)),
            &redirect(300, "no address"),
        ),
        ("redirect: 301 moved", Ok(location(301)), &redirect(301, "https://b.example/in")),
        ("3xx-last: 399, the last of 3xx", Ok(answer(399)), &redirect(399, "no address")),
        (
            "reason: 400 with a reason",
            Ok(answer(400).with_text("no such field")),
            "rejected: status 400: no such field",
        ),
        ("reason-length: 400 with a long body", Ok(answer(400).with_text(&long)), &long_expected),
        (
            "reason-control: 400 with control characters",
            Ok(answer(400).with_text("a\u{1b}[2Jb\u{7f}c")),
            "rejected: status 400: a [2Jb c",
        ),
        ("reason-bytes: 400 with bytes", Ok(answer(400).with_bytes(&[0xff])), "rejected: status 400"),
        (
            "4xx-retry-after-ignored: 400 with Retry-After is final",
            Ok(answer(400).with_retry_after_ms(9.0)),
            "rejected: status 400",
        ),
        ("4xx: 404 at the wrong path", Ok(answer(404)), "rejected: status 404"),
        ("408: 408 request timeout", Ok(answer(408)), "retry: status 408"),
        ("413: 413 cuts the batch", Ok(answer(413)), "too large"),
        (
            "413-retry-after-ignored: 413 with Retry-After cuts it too",
            Ok(answer(413).with_retry_after_ms(9.0)),
            "too large",
        ),
        ("425: 425 too early", Ok(answer(425)), "retry: status 425"),
        ("429: 429 that does not say when", Ok(answer(429)), "retry: status 429"),
        (
            "retry-after: 429 that says when",
            Ok(answer(429).with_retry_after_ms(2_500.0)),
            "retry after 2500 ms: status 429",
        ),
        (
            "retry-after-zero: 429 that says now",
            Ok(answer(429).with_retry_after_ms(0.0)),
            "retry after 0 ms: status 429",
        ),
        (
            "retry-after-year: 429 that says in a year",
            Ok(answer(429).with_retry_after_ms(3.2e10)),
            "retry after 32000000000 ms: status 429",
        ),
        (
            "foreign-header: 429 with another vendor's header",
            Ok(answer(429).with_header("x-ratelimit-reset", "7")),
            "retry: status 429",
        ),
        ("4xx-last: 499, the last of 4xx", Ok(answer(499)), "rejected: status 499"),
        (
            "5xx-page: 500 with a page is still 500",
            Ok(answer(500).with_text("<html>oops")),
            "retry: status 500: <html>oops",
        ),
        ("5xx: 501 not implemented", Ok(answer(501)), "retry: status 501"),
        (
            "5xx-retry-after: 503 that says when",
            Ok(answer(503).with_retry_after_ms(1e3)),
            "retry after 1000 ms: status 503",
        ),
        ("5xx-last: 599, the last of 5xx", Ok(answer(599)), "retry: status 599"),
        ("above-5xx: 600 and more", Ok(answer(600)), "retry: status 600"),
        (
            "denied: no grant",
            Err(HttpError::Denied("add [endpoints.receiver]".into())),
            "retry: add [endpoints.receiver]",
        ),
        ("invalid: a request that the host refuses", Err(HttpError::Invalid("bad".into())), "rejected: bad"),
        ("unreachable: no connection", Err(HttpError::Unreachable("refused".into())), "retry: refused"),
        ("timeout: no answer in time", Err(HttpError::Timeout), "retry: no answer came in time"),
        (
            "answer-too-large: an endless answer",
            Err(HttpError::ResponseTooLarge),
            "retry: the answer was bigger than the host reads",
        ),
        ("error-unknown: an error of a later host", Err(HttpError::Other("new".into())), "retry: new"),
    ];
    let rules = table(&backend(), &batch(vec![command("a"), command("b")]), rows);
    assert!(rules >= 40, "{rules} rules");
}

#[test]
fn one_event_that_is_too_large_is_set_aside_and_not_cut() {
    let rows = [("413 for one event", Ok(answer(413)), "rejected: the event is too large for a request")];
    table(&backend(), &batch(vec![command("a")]), &rows);
}

#[test]
fn an_empty_batch_is_delivered_without_a_request() {
    let mut vendor = Script::default();
    let outcome = backend().send(&batch(vec![]), &testing::context(), &mut vendor);
    assert_eq!(testing::outline(&outcome), "delivered");
    assert!(vendor.requests.is_empty());
}

#[test]
fn erasure_asks_for_each_machine_id_and_says_what_came_of_it() {
    let ids = ["a".to_owned(), "b".to_owned()];
    let refused = "write to the tool's support address with your machine id";
    for (answers, requests, expected) in [
        (vec![Ok(answer(202)), Ok(answer(204))], 2, "receipt: the receiver accepted the erasure of 2 machine ids".into()),
        (
            vec![Ok(answer(200)), Ok(answer(503).with_retry_after_ms(5.0))],
            2,
            "retry after 5 ms: status 503".to_owned(),
        ),
        (vec![Ok(answer(404))], 1, format!("unsupported: the receiver refused (status 404); {refused}")),
        (vec![Ok(answer(413))], 1, format!("unsupported: the receiver refused (the request was too large); {refused}")),
        (
            vec![Err(HttpError::Denied("no [endpoints.erasure]".into()))],
            1,
            "unsupported: this tool names no place that erases; write to its support address with your machine id \
             (no [endpoints.erasure])"
                .into(),
        ),
        (vec![Err(HttpError::Timeout)], 1, "retry: no answer came in time".into()),
    ] {
        let mut vendor = Script::new(answers);
        let erasure = backend().erase(&ids, &testing::context(), &mut vendor);
        assert_eq!(outline_erasure(&erasure), expected);
        assert_eq!(vendor.requests.len(), requests, "{expected}");
    }
}
