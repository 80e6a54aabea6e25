//! What each answer of PostHog means, for each of its APIs.

use telemetry_backend_posthog::PostHog;
use telemetry_backend_sdk::testing::{
    self, Row, Script, answer, batch, command, outline, outline_erasure, table,
};
use telemetry_backend_sdk::{Backend, HttpError, Response};

fn backend(api: &str) -> PostHog {
    testing::configure(&format!(r#"{{"api_key": "phc_test", "api": "{api}"}}"#))
        .expect("the settings are right")
}

const PAGE: &str =
    "retry: a web page answered in place of the vendor: a captive portal, or the endpoint's url is wrong";

fn redirect(status: u16) -> String {
    format!(
        "retry: status {status}: a redirect to https://b; none is followed, so name the final address in the endpoint's url"
    )
}

#[test]
fn each_answer_of_the_batch_api_has_its_outcome() {
    let over = "rejected: PostHog dropped it: the project is over its quota of events";
    let ok = |body: &str| Ok(answer(200).with_text(body));
    let to = |status| Ok(answer(status).with_header("location", "https://b"));
    let rows: &[Row<'_>] = &[
        ("200: status 1, as documented", ok("{\"status\": 1}"), "delivered"),
        ("200-ok: status Ok, as it answers", ok("{\"status\":\"Ok\"}"), "delivered"),
        ("200-empty: an empty answer", Ok(answer(200)), "delivered"),
        ("200-no-json: an answer that is no JSON", ok("ok"), "delivered"),
        ("200-bytes: an answer of bytes", Ok(answer(200).with_bytes(&[0x80])), "delivered"),
        ("2xx-other: 204 of a relay", Ok(answer(204)), "delivered"),
        ("quota-none: no quota is reached", ok("{\"status\":1,\"quota_limited\":[]}"), "delivered"),
        ("quota-null: a quota that is null", ok("{\"status\":1,\"quota_limited\":null}"), "delivered"),
        (
            "quota-other: the quota of recordings",
            ok("{\"status\":1,\"quota_limited\":[\"recordings\"]}"),
            "delivered",
        ),
        ("quota-events: the quota of events", ok("{\"status\":1,\"quota_limited\":[\"events\"]}"), over),
        (
            "quota-among-others: two quotas",
            ok("{\"status\":1,\"quota_limited\":[\"recordings\",\"events\"]}"),
            over,
        ),
        ("quota-form: a quota of another form", ok("{\"status\":1,\"quota_limited\":true}"), "delivered"),
        ("200-array: an array", ok("[]"), "delivered"),
        ("page: a page", ok("<!DOCTYPE html>"), PAGE),
        ("page-after-line: a page of another address of PostHog's", ok("\n<html lang=\"en\">"), PAGE),
        ("redirect: 301", to(301), &redirect(301)),
        (
            "reason: 400 of a body that it cannot read",
            Ok(answer(400).with_text("bad")),
            "rejected: status 400: bad",
        ),
        ("401: 401 of a wrong key", Ok(answer(401)), "rejected: status 401"),
        ("4xx-other: 404 of a wrong address", Ok(answer(404)), "rejected: status 404"),
        ("408: 408", Ok(answer(408)), "retry: status 408"),
        (
            "408-retry-after: 408 that says when",
            Ok(answer(408).with_retry_after_ms(7.0)),
            "retry after 7 ms: status 408",
        ),
        ("413: 413 cuts the batch", Ok(answer(413)), "too large"),
        ("425: 425, which is not documented", Ok(answer(425)), "rejected: status 425"),
        (
            "429-retry-after: 429 that says when",
            Ok(answer(429).with_retry_after_ms(6e4)),
            "retry after 60000 ms: status 429",
        ),
        (
            "429-retry-after-zero: 429 that says now",
            Ok(answer(429).with_retry_after_ms(0.0)),
            "retry after 0 ms: status 429",
        ),
        ("429-bare: 429 that does not say when", Ok(answer(429)), "rejected: status 429"),
        (
            "429-foreign-header: 429 with another vendor's header",
            Ok(answer(429).with_header("x-ratelimit-reset", "9")),
            "rejected: status 429",
        ),
        ("500: 500", Ok(answer(500)), "retry: status 500"),
        ("5xx-other: 501, which is 5xx", Ok(answer(501)), "retry: status 501"),
        (
            "5xx-retry-after: 503 that says when",
            Ok(answer(503).with_retry_after_ms(5.0)),
            "retry after 5 ms: status 503",
        ),
        ("1xx: 103, which is no end", Ok(answer(103)), "retry: status 103"),
        ("denied: no grant", Err(HttpError::Denied("add it".into())), "retry: add it"),
        ("invalid: a request that the host refuses", Err(HttpError::Invalid("bad".into())), "rejected: bad"),
        ("unreachable: no connection", Err(HttpError::Unreachable("reset".into())), "retry: reset"),
        ("timeout: no answer in time", Err(HttpError::Timeout), "retry: no answer came in time"),
        (
            "answer-too-large: an endless answer",
            Err(HttpError::ResponseTooLarge),
            "retry: the answer was bigger than the host reads",
        ),
        ("error-unknown: an error of a later host", Err(HttpError::Other("new".into())), "retry: new"),
        (
            "redirect-without-location: 302 to nowhere",
            Ok(answer(302)),
            &redirect(302).replace("https://b", "no address"),
        ),
        (
            "413-retry-after-ignored: 413 that says when cuts it at once",
            Ok(answer(413).with_retry_after_ms(9.0)),
            "too large",
        ),
        (
            "4xx-retry-after-ignored: 400 that says when is final",
            Ok(answer(400).with_retry_after_ms(9.0)),
            "rejected: status 400",
        ),
        ("4xx-last: 499", Ok(answer(499)), "rejected: status 499"),
        ("5xx-last: 599", Ok(answer(599)), "retry: status 599"),
        ("above-5xx: 600", Ok(answer(600)), "retry: status 600"),
    ];
    let rules = table(&backend("batch"), &batch(vec![command("a"), command("b")]), rows);
    assert!(rules >= 40, "{rules} rules");
}

/// A 200 with these verdicts for the events `a` and `b`.
fn results(a: &str, b: &str) -> Result<Response, HttpError> {
    let (first, second) = (command("a").id, command("b").id);
    Ok(answer(200).with_text(&format!(r#"{{"results": {{"{first}": {a}, "{second}": {b}}}}}"#)))
}

#[test]
fn each_answer_of_the_events_api_has_its_outcome() {
    let ok = |body: &str| Ok(answer(200).with_text(body));
    let good = r#"{"result": "ok"}"#;
    let rows: &[Row<'_>] = &[
        ("ok: all ok", results(good, good), "delivered"),
        (
            "warning: a warning is a delivery",
            results(good, r#"{"result": "warning", "details": "late"}"#),
            "delivered",
        ),
        (
            "drop: a drop is set aside",
            results(good, r#"{"result": "drop", "details": "bad name"}"#),
            "partial: delivered | rejected: PostHog dropped it: bad name",
        ),
        (
            "drop-without-details: a drop without details",
            results(r#"{"result": "drop"}"#, good),
            "partial: rejected: PostHog dropped it: without a reason | delivered",
        ),
        (
            "retry: only retry is sent again",
            results(r#"{"result": "retry", "details": "busy"}"#, good),
            "partial: retry: PostHog asks for it again: busy | delivered",
        ),
        (
            "each-its-own: each has its own",
            results(r#"{"result": "retry"}"#, r#"{"result": "drop"}"#),
            "partial: retry: PostHog asks for it again: without a reason | rejected: PostHog dropped it: without a reason",
        ),
        (
            "verdict-unknown: a verdict that is not known",
            results(good, r#"{"result": "later"}"#),
            "delivered",
        ),
        ("verdict-null: a verdict that is null", results(good, r#"{"result": null}"#), "delivered"),
        ("verdict-missing: a verdict without a result", results(good, "{}"), "delivered"),
        ("event-not-named: an event that is not named", ok(r#"{"results": {}}"#), "delivered"),
        (
            "event-foreign: a uuid that was not sent",
            ok(r#"{"results": {"x": {"result": "drop"}}}"#),
            "delivered",
        ),
        (
            "results-and-more: more than results",
            ok(r#"{"results": {}, "request_id": "r", "n": [1.5]}"#),
            "delivered",
        ),
        ("results-missing: no results", ok("{}"), "delivered"),
        ("results-form: results of another form", ok(r#"{"results": []}"#), "delivered"),
        ("200-no-json: no JSON", ok("ok"), "delivered"),
        ("200-empty: no body", Ok(answer(200)), "delivered"),
        ("2xx-other: 204", Ok(answer(204)), "delivered"),
        ("page: a page", ok("<html>"), PAGE),
        ("redirect: 302", Ok(answer(302).with_header("location", "https://b")), &redirect(302)),
        (
            "reason: 400",
            Ok(answer(400).with_text("{\"error\":\"x\"}")),
            "rejected: status 400: {\"error\":\"x\"}",
        ),
        ("401: 401 of a wrong key", Ok(answer(401)), "rejected: status 401"),
        ("4xx-other: 404 of a PostHog that is too old", Ok(answer(404)), "rejected: status 404"),
        ("408: 408", Ok(answer(408)), "retry: status 408"),
        ("413: 413 cuts the batch", Ok(answer(413)), "too large"),
        ("425: 425 is final", Ok(answer(425)), "rejected: status 425"),
        ("429: 429 is final", Ok(answer(429)), "rejected: status 429"),
        (
            "429-retry-after-ignored: 429 is final even where it says when",
            Ok(answer(429).with_retry_after_ms(5.0)),
            "rejected: status 429",
        ),
        ("500: 500", Ok(answer(500)), "retry: status 500"),
        (
            "500-retry-after: 500 that says when",
            Ok(answer(500).with_retry_after_ms(5.0)),
            "retry after 5 ms: status 500",
        ),
        ("5xx-between: 501 is final", Ok(answer(501)), "rejected: status 501"),
        ("502: 502", Ok(answer(502)), "retry: status 502"),
        ("503: 503", Ok(answer(503)), "retry: status 503"),
        (
            "503-retry-after: 503 that says when",
            Ok(answer(503).with_retry_after_ms(8.0)),
            "retry after 8 ms: status 503",
        ),
        ("504: 504", Ok(answer(504)), "retry: status 504"),
        ("5xx-after: 505 is final", Ok(answer(505)), "rejected: status 505"),
        ("5xx-last: 599, the last of 5xx", Ok(answer(599)), "rejected: status 599"),
        ("1xx: 102, which is no end", Ok(answer(102)), "retry: status 102"),
        ("denied: no grant", Err(HttpError::Denied("add it".into())), "retry: add it"),
        ("invalid: a request that the host refuses", Err(HttpError::Invalid("bad".into())), "rejected: bad"),
        ("unreachable: no connection", Err(HttpError::Unreachable("reset".into())), "retry: reset"),
        ("timeout: no answer in time", Err(HttpError::Timeout), "retry: no answer came in time"),
        (
            "answer-too-large: an endless answer",
            Err(HttpError::ResponseTooLarge),
            "retry: the answer was bigger than the host reads",
        ),
        ("error-unknown: an error of a later host", Err(HttpError::Other("new".into())), "retry: new"),
    ];
    let rules = table(&backend("events"), &batch(vec![command("a"), command("b")]), rows);
    assert!(rules >= 40, "{rules} rules");
}

#[test]
fn one_event_that_is_too_large_is_set_aside_and_not_cut() {
    for api in ["batch", "events"] {
        let rows = [("413 for one", Ok(answer(413)), "rejected: the event is too large for a request")];
        table(&backend(api), &batch(vec![command("a")]), &rows);
    }
}

#[test]
fn a_verdict_goes_to_its_own_event_when_another_was_set_aside() {
    let mut first = command("first");
    first.kind = String::new();
    let body = format!(r#"{{"results": {{"{}": {{"result": "retry"}}}}}}"#, command("b").id);
    let mut vendor = Script::once(answer(200).with_text(&body));
    let batch = batch(vec![first, command("a"), command("b")]);
    let outcome = backend("events").send(&batch, &testing::context(), &mut vendor);
    assert_eq!(
        outline(&outcome),
        "partial: rejected: PostHog takes no event without a kind | delivered | \
         retry: PostHog asks for it again: without a reason"
    );
}

#[test]
fn erasure_says_what_to_do_instead_and_asks_nobody() {
    let mut vendor = Script::default();
    let erasure = backend("batch").erase(&["a".into()], &testing::context(), &mut vendor);
    assert!(outline_erasure(&erasure).starts_with("unsupported: PostHog erases persons"));
    assert!(vendor.requests.is_empty());
    assert!(!PostHog::describe().erases);
}
