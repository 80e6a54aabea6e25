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
        ("status 1, as documented", ok("{\"status\": 1}"), "delivered"),
        ("status Ok, as it answers", ok("{\"status\":\"Ok\"}"), "delivered"),
        ("an empty answer", Ok(answer(200)), "delivered"),
        ("an answer that is no JSON", ok("ok"), "delivered"),
        ("an answer of bytes", Ok(answer(200).with_bytes(&[0x80])), "delivered"),
        ("204 of a relay", Ok(answer(204)), "delivered"),
        ("202 of a relay", Ok(answer(202)), "delivered"),
        ("no quota is reached", ok("{\"status\":1,\"quota_limited\":[]}"), "delivered"),
        ("a quota that is null", ok("{\"status\":1,\"quota_limited\":null}"), "delivered"),
        ("the quota of recordings", ok("{\"status\":1,\"quota_limited\":[\"recordings\"]}"), "delivered"),
        ("the quota of events", ok("{\"status\":1,\"quota_limited\":[\"events\"]}"), over),
        ("two quotas", ok("{\"status\":1,\"quota_limited\":[\"recordings\",\"events\"]}"), over),
        ("a quota of another form", ok("{\"status\":1,\"quota_limited\":true}"), "delivered"),
        ("an array", ok("[]"), "delivered"),
        ("a page", ok("<!DOCTYPE html>"), PAGE),
        ("a page of another address of PostHog's", ok("\n<html lang=\"en\">"), PAGE),
        ("301", to(301), &redirect(301)),
        ("302", to(302), &redirect(302)),
        ("307", to(307), &redirect(307)),
        ("308", to(308), &redirect(308)),
        ("400 of a body that it cannot read", Ok(answer(400).with_text("bad")), "rejected: status 400: bad"),
        ("401 of a wrong key", Ok(answer(401)), "rejected: status 401"),
        ("402 of an unpaid account", Ok(answer(402)), "rejected: status 402"),
        ("403", Ok(answer(403)), "rejected: status 403"),
        ("404 of a wrong address", Ok(answer(404)), "rejected: status 404"),
        ("405", Ok(answer(405)), "rejected: status 405"),
        ("408", Ok(answer(408)), "retry: status 408"),
        ("408 that says when", Ok(answer(408).with_retry_after_ms(7.0)), "retry after 7 ms: status 408"),
        ("413 cuts the batch", Ok(answer(413)), "too large"),
        ("415", Ok(answer(415)), "rejected: status 415"),
        ("425, which is not documented", Ok(answer(425)), "rejected: status 425"),
        ("429 that says when", Ok(answer(429).with_retry_after_ms(6e4)), "retry after 60000 ms: status 429"),
        ("429 that says now", Ok(answer(429).with_retry_after_ms(0.0)), "retry after 0 ms: status 429"),
        ("429 that does not say when", Ok(answer(429)), "rejected: status 429"),
        (
            "429 with another vendor's header",
            Ok(answer(429).with_header("x-ratelimit-reset", "9")),
            "rejected: status 429",
        ),
        ("500", Ok(answer(500)), "retry: status 500"),
        ("501, which is 5xx", Ok(answer(501)), "retry: status 501"),
        ("502", Ok(answer(502)), "retry: status 502"),
        ("503 that says when", Ok(answer(503).with_retry_after_ms(5.0)), "retry after 5 ms: status 503"),
        ("504", Ok(answer(504)), "retry: status 504"),
        ("520 of its proxy", Ok(answer(520)), "retry: status 520"),
        ("103, which is no end", Ok(answer(103)), "retry: status 103"),
        ("no grant", Err(HttpError::Denied("add it".into())), "retry: add it"),
        ("a request that the host refuses", Err(HttpError::Invalid("bad".into())), "rejected: bad"),
        ("no connection", Err(HttpError::Unreachable("reset".into())), "retry: reset"),
        ("no answer in time", Err(HttpError::Timeout), "retry: no answer came in time"),
        (
            "an endless answer",
            Err(HttpError::ResponseTooLarge),
            "retry: the answer was bigger than the host reads",
        ),
        ("an error of a later host", Err(HttpError::Other("new".into())), "retry: new"),
    ];
    assert!(rows.len() >= 40);
    table(&backend("batch"), &batch(vec![command("a"), command("b")]), rows);
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
        ("all ok", results(good, good), "delivered"),
        (
            "a warning is a delivery",
            results(good, r#"{"result": "warning", "details": "late"}"#),
            "delivered",
        ),
        (
            "a drop is set aside",
            results(good, r#"{"result": "drop", "details": "bad name"}"#),
            "partial: delivered | rejected: PostHog dropped it: bad name",
        ),
        (
            "a drop without details",
            results(r#"{"result": "drop"}"#, good),
            "partial: rejected: PostHog dropped it: without a reason | delivered",
        ),
        (
            "only retry is sent again",
            results(r#"{"result": "retry", "details": "busy"}"#, good),
            "partial: retry: PostHog asks for it again: busy | delivered",
        ),
        (
            "each has its own",
            results(r#"{"result": "retry"}"#, r#"{"result": "drop"}"#),
            "partial: retry: PostHog asks for it again: without a reason | rejected: PostHog dropped it: without a reason",
        ),
        ("a verdict that is not known", results(good, r#"{"result": "later"}"#), "delivered"),
        ("a verdict that is null", results(good, r#"{"result": null}"#), "delivered"),
        ("a verdict without a result", results(good, "{}"), "delivered"),
        ("an event that is not named", ok(r#"{"results": {}}"#), "delivered"),
        ("a uuid that was not sent", ok(r#"{"results": {"x": {"result": "drop"}}}"#), "delivered"),
        ("more than results", ok(r#"{"results": {}, "request_id": "r", "n": [1.5]}"#), "delivered"),
        ("no results", ok("{}"), "delivered"),
        ("results of another form", ok(r#"{"results": []}"#), "delivered"),
        ("no JSON", ok("ok"), "delivered"),
        ("no body", Ok(answer(200)), "delivered"),
        ("204", Ok(answer(204)), "delivered"),
        ("a page", ok("<html>"), PAGE),
        ("302", Ok(answer(302).with_header("location", "https://b")), &redirect(302)),
        ("308", Ok(answer(308).with_header("location", "https://b")), &redirect(308)),
        ("400", Ok(answer(400).with_text("{\"error\":\"x\"}")), "rejected: status 400: {\"error\":\"x\"}"),
        ("401 of a wrong key", Ok(answer(401)), "rejected: status 401"),
        ("402 over the quota", Ok(answer(402)), "rejected: status 402"),
        ("403", Ok(answer(403)), "rejected: status 403"),
        ("404 of a PostHog that is too old", Ok(answer(404)), "rejected: status 404"),
        ("408", Ok(answer(408)), "retry: status 408"),
        ("413 cuts the batch", Ok(answer(413)), "too large"),
        ("415 of a coding that it does not know", Ok(answer(415)), "rejected: status 415"),
        ("425 is final", Ok(answer(425)), "rejected: status 425"),
        ("429 is final", Ok(answer(429)), "rejected: status 429"),
        (
            "429 is final even where it says when",
            Ok(answer(429).with_retry_after_ms(5.0)),
            "rejected: status 429",
        ),
        ("500", Ok(answer(500)), "retry: status 500"),
        ("500 that says when", Ok(answer(500).with_retry_after_ms(5.0)), "retry after 5 ms: status 500"),
        ("501 is final", Ok(answer(501)), "rejected: status 501"),
        ("502", Ok(answer(502)), "retry: status 502"),
        ("503", Ok(answer(503)), "retry: status 503"),
        ("503 that says when", Ok(answer(503).with_retry_after_ms(8.0)), "retry after 8 ms: status 503"),
        ("504", Ok(answer(504)), "retry: status 504"),
        ("505 is final", Ok(answer(505)), "rejected: status 505"),
        ("599, the last of 5xx", Ok(answer(599)), "rejected: status 599"),
        ("102, which is no end", Ok(answer(102)), "retry: status 102"),
        ("no grant", Err(HttpError::Denied("add it".into())), "retry: add it"),
        ("a request that the host refuses", Err(HttpError::Invalid("bad".into())), "rejected: bad"),
        ("no connection", Err(HttpError::Unreachable("reset".into())), "retry: reset"),
        ("no answer in time", Err(HttpError::Timeout), "retry: no answer came in time"),
        (
            "an endless answer",
            Err(HttpError::ResponseTooLarge),
            "retry: the answer was bigger than the host reads",
        ),
        ("an error of a later host", Err(HttpError::Other("new".into())), "retry: new"),
    ];
    assert!(rows.len() >= 40);
    table(&backend("events"), &batch(vec![command("a"), command("b")]), rows);
}

#[test]
fn one_event_that_is_too_large_is_set_aside_and_not_cut() {
    for api in ["batch", "events"] {
        let rows =
            [("413 for one", Ok(answer(413)), "rejected: status 413: PostHog takes no event of this size")];
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
