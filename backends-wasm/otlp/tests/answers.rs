//! What each answer of a collector means, by the protocol's specification and by what real ones do.

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use telemetry_backend_otlp::Otlp;
use telemetry_backend_sdk::testing::{
    self, Row, Script, answer, batch, command, outline, outline_erasure, table,
};
use telemetry_backend_sdk::{Backend, HttpError, Response};

fn backend(protocol: &str) -> Otlp {
    testing::configure(&format!(r#"{{"protocol": "{protocol}"}}"#)).expect("the settings are right")
}

const PAGE: &str =
    "retry: a web page answered in place of the vendor: a captive portal, or the endpoint's url is wrong";

fn redirect(status: u16) -> String {
    format!(
        "retry: status {status}: a redirect to https://b; none is followed, so name the final address in the endpoint's url"
    )
}

/// A 200 with a partial success, in protobuf.
fn partial(refused: i64, message: &str) -> Result<Response, HttpError> {
    let partial = ExportLogsPartialSuccess { rejected_log_records: refused, error_message: message.into() };
    let response = ExportLogsServiceResponse { partial_success: Some(partial) };
    Ok(answer(200)
        .with_header("Content-Type", "application/x-protobuf")
        .with_bytes(&response.encode_to_vec()))
}

#[test]
fn each_answer_of_a_protobuf_collector_has_the_outcome_that_the_protocol_gives_it() {
    let to = |status| Ok(answer(status).with_header("location", "https://b"));
    let json = |body: &str| Ok(answer(200).with_header("content-type", "application/json").with_text(body));
    let rows: &[Row<'_>] = &[
        ("200-empty: an empty message", Ok(answer(200)), "delivered"),
        (
            "200-typed: an empty message with its type",
            Ok(answer(200).with_header("content-type", "application/x-protobuf")),
            "delivered",
        ),
        ("partial-empty: an empty partial success", partial(0, ""), "delivered"),
        ("partial-warning: zero refused with a message is a warning", partial(0, "slow down"), "delivered"),
        (
            "partial-one: one refused with a message",
            partial(1, "no body"),
            "partial: delivered | delivered | rejected: the collector refused it: no body",
        ),
        (
            "partial-without-reason: one refused without a message",
            partial(1, ""),
            "partial: delivered | delivered | rejected: the collector refused it without saying why",
        ),
        (
            "partial-some: two refused",
            partial(2, "x"),
            "partial: delivered | rejected: the collector refused it: x | rejected: the collector refused it: x",
        ),
        (
            "partial-all: all refused",
            partial(3, "x"),
            "partial: rejected: the collector refused it: x | rejected: the collector refused it: x | \
             rejected: the collector refused it: x",
        ),
        (
            "partial-too-many: more refused than were sent",
            partial(99, "x"),
            "partial: rejected: the collector refused it: x | rejected: the collector refused it: x | \
             rejected: the collector refused it: x",
        ),
        ("partial-negative: fewer than none refused", partial(-1, "x"), "delivered"),
        (
            "200-unreadable: a message that cannot be read",
            Ok(answer(200).with_bytes(&[0xff; 9])),
            "delivered",
        ),
        ("200-text: text in place of a message", Ok(answer(200).with_text("ok")), "delivered"),
        ("json-empty: JSON to protobuf", json("{}"), "delivered"),
        (
            "json-partial: a partial success in JSON to protobuf",
            json(r#"{"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "x"}}"#),
            "partial: delivered | delivered | rejected: the collector refused it: x",
        ),
        ("2xx-other: 202 of a gateway", Ok(answer(202)), "delivered"),
        ("page: a page", Ok(answer(200).with_text("<!doctype html>")), PAGE),
        (
            "page-typed: a page with its type",
            Ok(answer(200).with_header("content-type", "text/html").with_text("<html>")),
            PAGE,
        ),
        ("redirect: 301", to(301), &redirect(301)),
        (
            "reason: 400 of a message that it cannot read",
            Ok(answer(400).with_text("bad")),
            "rejected: status 400: bad",
        ),
        (
            "reason-bytes: 400 with a status message in protobuf",
            Ok(answer(400).with_bytes(&[8, 3, 0xff])),
            "rejected: status 400",
        ),
        ("4xx-other: 404 of a base url with the path in it", Ok(answer(404)), "rejected: status 404"),
        ("408: 408 is final", Ok(answer(408)), "rejected: status 408"),
        (
            "408-retry-after-ignored: 408 that says when is final too",
            Ok(answer(408).with_retry_after_ms(5.0)),
            "rejected: status 408",
        ),
        ("413: 413 cuts the batch", Ok(answer(413)), "too large"),
        ("425: 425 is final", Ok(answer(425)), "rejected: status 425"),
        ("429: 429", Ok(answer(429)), "retry: status 429"),
        (
            "429-retry-after: 429 that says when",
            Ok(answer(429).with_retry_after_ms(3e3)),
            "retry after 3000 ms: status 429",
        ),
        ("500: 500 is final", Ok(answer(500)), "rejected: status 500"),
        (
            "500-retry-after-ignored: 500 that says when is final too",
            Ok(answer(500).with_retry_after_ms(5.0)),
            "rejected: status 500",
        ),
        ("5xx-between: 501 is final", Ok(answer(501)), "rejected: status 501"),
        ("502: 502", Ok(answer(502)), "retry: status 502"),
        ("503: 503 that does not say when", Ok(answer(503)), "retry: status 503"),
        (
            "503-retry-after: 503 that says when",
            Ok(answer(503).with_retry_after_ms(1e3)),
            "retry after 1000 ms: status 503",
        ),
        ("504: 504", Ok(answer(504)), "retry: status 504"),
        ("5xx-after: 505 is final", Ok(answer(505)), "rejected: status 505"),
        ("5xx-last: 599 is final", Ok(answer(599)), "rejected: status 599"),
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
    let rules =
        table(&backend("http/protobuf"), &batch(vec![command("a"), command("b"), command("c")]), rows);
    assert!(rules >= 40, "{rules} rules");
}

#[test]
fn each_answer_of_a_json_collector_has_the_outcome_that_the_protocol_gives_it() {
    let ok = |body: &str| Ok(answer(200).with_text(body));
    let one = "partial: delivered | rejected: the collector refused it: x";
    let protobuf = ExportLogsServiceResponse {
        partial_success: Some(ExportLogsPartialSuccess {
            rejected_log_records: 1,
            error_message: "x".into(),
        }),
    };
    let in_protobuf = answer(200)
        .with_header("content-type", "application/x-protobuf")
        .with_bytes(&protobuf.encode_to_vec());
    let rows: &[Row<'_>] = &[
        ("an empty body, as some collectors answer", Ok(answer(200)), "delivered"),
        ("an empty object", ok("{}"), "delivered"),
        ("a partial success that is null", ok(r#"{"partialSuccess":null}"#), "delivered"),
        ("a partial success that is empty", ok(r#"{"partialSuccess":{}}"#), "delivered"),
        ("a count as text", ok(r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"x"}}"#), one),
        ("a count as a number", ok(r#"{"partialSuccess":{"rejectedLogRecords":1,"errorMessage":"x"}}"#), one),
        (
            "a count without a message",
            ok(r#"{"partialSuccess":{"rejectedLogRecords":"1"}}"#),
            "partial: delivered | rejected: the collector refused it without saying why",
        ),
        ("a message without a count", ok(r#"{"partialSuccess":{"errorMessage":"x"}}"#), "delivered"),
        (
            "keys that are not known",
            ok(r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"x","new":[1]},"more":{}}"#),
            one,
        ),
        ("a count that is no number", ok(r#"{"partialSuccess":{"rejectedLogRecords":"x"}}"#), "delivered"),
        ("an array", ok("[]"), "delivered"),
        ("no JSON", ok("ok"), "delivered"),
        ("half of an object", ok("{\"partialSuccess\":"), "delivered"),
        ("protobuf to JSON", Ok(in_protobuf), one),
        ("a page", ok("<html>"), PAGE),
        ("429 that says when", Ok(answer(429).with_retry_after_ms(3e3)), "retry after 3000 ms: status 429"),
        (
            "400",
            Ok(answer(400).with_text("{\"message\":\"m\"}")),
            "rejected: status 400: {\"message\":\"m\"}",
        ),
        ("413 cuts the batch", Ok(answer(413)), "too large"),
    ];
    table(&backend("http/json"), &batch(vec![command("a"), command("b")]), rows);
}

#[test]
fn one_record_that_is_too_large_is_set_aside_and_not_cut() {
    let rows = [("413 for one", Ok(answer(413)), "rejected: the event is too large for a request")];
    table(&backend("http/protobuf"), &batch(vec![command("a")]), &rows);
}

#[test]
fn an_empty_batch_is_delivered_without_a_request() {
    let mut vendor = Script::default();
    let outcome = backend("http/json").send(&batch(vec![]), &testing::context(), &mut vendor);
    assert_eq!(outline(&outcome), "delivered");
    assert!(vendor.requests.is_empty());
}

#[test]
fn erasure_says_what_to_do_instead_and_asks_nobody() {
    let mut vendor = Script::default();
    let erasure = backend("http/json").erase(&["a".into()], &testing::context(), &mut vendor);
    assert!(outline_erasure(&erasure).starts_with("unsupported: OpenTelemetry has no request to erase"));
    assert!(vendor.requests.is_empty());
    assert!(!Otlp::describe().erases);
}
