//! What each answer of Datadog's intake means, as its documents and its official client have it.

use telemetry_backend_datadog::Datadog;
use telemetry_backend_sdk::testing::{self, Row, Script, answer, batch, command, outline_erasure, table};
use telemetry_backend_sdk::{Backend, HttpError};

fn backend() -> Datadog {
    testing::configure("{}").expect("no setting is required")
}

#[test]
fn each_answer_has_the_outcome_that_datadog_documents() {
    let page =
        "retry: a web page answered in place of the vendor: a captive portal, or the endpoint's url is wrong";
    let to = |status: u16, to: &str| {
        format!(
            "retry: status {status}: a redirect to {to}; none is followed, so name the final address in the endpoint's url"
        )
    };
    let forbidden = r#"{"errors":[{"status":"403","title":"Forbidden","detail":"API key is invalid"}]}"#;
    let reset = |value: &str| answer(429).with_header("X-RateLimit-Reset", value);
    let rows: &[Row<'_>] = &[
        ("202: 202 with the documented body", Ok(answer(202).with_text("{}")), "delivered"),
        ("2xx-other: 200 of a relay", Ok(answer(200).with_text("ok")), "delivered"),
        (
            "202-body-error: 202 with an error in its body",
            Ok(answer(202).with_text("{\"errors\":[]}")),
            "delivered",
        ),
        ("202-bytes: 202 with bytes", Ok(answer(202).with_bytes(&[0x80])), "delivered"),
        (
            "202-reset-ignored: 202 with a rate limit that is not reached",
            Ok(answer(202).with_header("x-ratelimit-reset", "9")),
            "delivered",
        ),
        ("page: 200 of a captive portal", Ok(answer(200).with_text("<!doctype html>")), page),
        ("page-after-space: 202 with a page", Ok(answer(202).with_text(" <html>")), page),
        (
            "redirect: 301 to the right site",
            Ok(answer(301).with_header("location", "https://eu")),
            &to(301, "https://eu"),
        ),
        ("redirect-without-location: 307 without a location", Ok(answer(307)), &to(307, "no address")),
        (
            "redirect-control: 308 with a location of control characters",
            Ok(answer(308).with_header("location", "a\nb")),
            &to(308, "a b"),
        ),
        ("400: 400 of a body that it cannot read", Ok(answer(400)), "rejected: status 400"),
        (
            "reason: 400 says why",
            Ok(answer(400).with_text("{\"errors\":[\"x\"]}")),
            "rejected: status 400: {\"errors\":[\"x\"]}",
        ),
        ("401: 401 without a key", Ok(answer(401)), "rejected: status 401"),
        (
            "403: 403 of a wrong key",
            Ok(answer(403).with_text(forbidden)),
            &format!("rejected: status 403: {forbidden}"),
        ),
        (
            "403-reset-ignored: 403 with a reset is final",
            Ok(answer(403).with_header("x-ratelimit-reset", "5")),
            "rejected: status 403",
        ),
        ("4xx-other: 404 of a wrong path", Ok(answer(404)), "rejected: status 404"),
        ("408: 408 is tried again", Ok(answer(408)), "retry: status 408"),
        (
            "408-retry-after: 408 that says when",
            Ok(answer(408).with_retry_after_ms(4e3)),
            "retry after 4000 ms: status 408",
        ),
        ("413: 413 cuts the batch", Ok(answer(413)), "too large"),
        (
            "413-reset-ignored: 413 with a reset cuts it too",
            Ok(answer(413).with_header("x-ratelimit-reset", "5")),
            "too large",
        ),
        ("425: 425 is tried again", Ok(answer(425)), "retry: status 425"),
        ("429: 429 that does not say when", Ok(answer(429)), "retry: status 429"),
        ("reset: 429 with its own reset in seconds", Ok(reset("30")), "retry after 30000 ms: status 429"),
        ("reset-zero: 429 with a reset of now", Ok(reset("0")), "retry after 0 ms: status 429"),
        (
            "reset-space: 429 with white space about the reset",
            Ok(reset(" 2 ")),
            "retry after 2000 ms: status 429",
        ),
        ("reset-no-number: 429 with a reset that is no number", Ok(reset("soon")), "retry: status 429"),
        ("reset-negative: 429 with a negative reset", Ok(reset("-1")), "retry: status 429"),
        ("reset-overflow: 429 with an absurd reset", Ok(reset("99999999999999999999")), "retry: status 429"),
        ("reset-empty: 429 with an empty reset", Ok(reset("")), "retry: status 429"),
        (
            "retry-after: 429 with Retry-After",
            Ok(answer(429).with_retry_after_ms(1e3)),
            "retry after 1000 ms: status 429",
        ),
        (
            "reset-later: 429 with both, reset later",
            Ok(reset("3").with_retry_after_ms(1e3)),
            "retry after 3000 ms: status 429",
        ),
        (
            "retry-after-later: 429 with both, Retry-After later",
            Ok(reset("3").with_retry_after_ms(9e3)),
            "retry after 9000 ms: status 429",
        ),
        (
            "foreign-header: 429 with the limit's other headers",
            Ok(answer(429).with_header("x-ratelimit-period", "9")),
            "retry: status 429",
        ),
        ("500: 500 is tried again", Ok(answer(500)), "retry: status 500"),
        ("500-page: 500 with a page", Ok(answer(500).with_text("<html>")), "retry: status 500: <html>"),
        ("503: 503 that does not say when", Ok(answer(503)), "retry: status 503"),
        (
            "503-reset: 503 with a reset",
            Ok(answer(503).with_header("X-Ratelimit-Reset", "1")),
            "retry after 1000 ms: status 503",
        ),
        ("5xx-other: 504 of its load balancer", Ok(answer(504)), "retry: status 504"),
        ("1xx: 101, which is no end", Ok(answer(101)), "retry: status 101"),
        ("denied: no grant", Err(HttpError::Denied("add it".into())), "retry: add it"),
        (
            "invalid: a request that the host refuses",
            Err(HttpError::Invalid("bad path".into())),
            "rejected: bad path",
        ),
        ("unreachable: no name", Err(HttpError::Unreachable("no such host".into())), "retry: no such host"),
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
    let rows = [("413 for one", Ok(answer(413)), "rejected: the event is too large for a request")];
    table(&backend(), &batch(vec![command("a")]), &rows);
}

#[test]
fn erasure_says_what_to_do_instead_and_asks_nobody() {
    let mut vendor = Script::default();
    let erasure = backend().erase(&["a".into()], &testing::context(), &mut vendor);
    assert!(outline_erasure(&erasure).starts_with("unsupported: Datadog's intake cannot erase"));
    assert!(vendor.requests.is_empty());
    assert!(!Datadog::describe().erases);
}
