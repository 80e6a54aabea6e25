//! What the component makes of a vendor's answers: a mistake here loses events, or sends them for
//! ever.

use telemetry_host::types::{Outcome, Verdict};

use super::bench::Bench;
use super::report::{Report, Said};
use super::sample;
use super::sending::{name, stuck};
use super::vendor::Answer;

/// How many events the batch has that is answered.
const EVENTS: usize = 3;

pub(crate) fn check(report: &mut Report, bench: &Bench) {
    report.group("answers");
    report.check("no-false-success", "what the vendor did not take is never called delivered", |said| {
        for status in [
            301, 302, 307, 308, 400, 401, 403, 404, 405, 408, 410, 413, 422, 425, 429, 500, 501, 502, 503,
            504,
        ] {
            let Some(outcome) = outcome(said, bench, EVENTS, Answer::status(status)) else { continue };
            if claims(&outcome) {
                said.fail(format!(
                    "the vendor answered {status}, and the outcome is {}: the events are lost",
                    name(&outcome)
                ));
            }
        }
    });
    report.check("retry-5xx", "a vendor that is down is tried again", |said| {
        for status in [503, 502, 504] {
            let Some(outcome) = outcome(said, bench, EVENTS, Answer::status(status)) else { continue };
            if !again(&outcome) && !claims(&outcome) {
                let sentence = format!(
                    "the vendor answered {status}, and the outcome is {}: an outage loses every event",
                    name(&outcome)
                );
                if status == 503 { said.fail(sentence) } else { said.warn(sentence) }
            }
        }
    });
    report.check("retry-429", "a vendor that is busy is tried again", |said| {
        let Some(outcome) = outcome(said, bench, EVENTS, Answer::with(429, "retry-after", "7")) else {
            return;
        };
        if !again(&outcome) {
            said.fail(format!(
                "the vendor answered 429 with `Retry-After: 7`, and the outcome is {}: the events are lost",
                name(&outcome)
            ));
        }
        if let Some(outcome) = self::outcome(said, bench, EVENTS, Answer::status(429))
            && !again(&outcome)
        {
            said.note(format!(
                "the vendor answered 429 without saying when, and the outcome is {}",
                name(&outcome)
            ));
        }
    });
    report.check("retry-after", "it passes on when the vendor wants to be asked again", |said| {
        retry_after(said, bench);
    });
    report.check("final-4xx", "what the vendor will never take is not sent for ever", |said| {
        for status in [400, 422] {
            let Some(outcome) = outcome(said, bench, EVENTS, Answer::status(status)) else { continue };
            if again(&outcome) {
                said.fail(format!("the vendor answered {status}, and the outcome is {}: the same batch would be sent again and again", name(&outcome)));
            }
        }
    });
    report.check("too-large", "a batch that is too large is cut, and one event that is too large is set aside", |said| {
        if let Some(outcome) = outcome(said, bench, EVENTS, Answer::status(413)) {
            match outcome {
                Outcome::TooLarge => {}
                other if claims(&other) => said.fail(format!("the vendor answered 413, and the outcome is {}: the events are lost", name(&other))),
                other => said.fail(format!("the vendor answered 413 to {EVENTS} events, and the outcome is {}: say `too-large`, and the host cuts the batch in two", name(&other))),
            }
        }
        if let Some(outcome) = outcome(said, bench, 1, Answer::status(413))
            && !matches!(outcome, Outcome::TooLarge | Outcome::Rejected(_))
            && !matches!(&outcome, Outcome::Partial(verdicts) if matches!(verdicts[..], [Verdict::Rejected(_)]))
        {
            said.fail(format!("the vendor answered 413 to one event, and the outcome is {}", name(&outcome)));
        }
    });
    report.check("captive-portal", "a web page with status 200 is not the vendor", |said| {
        let page = Answer::body(200, "text/html", "<!DOCTYPE html><title>Log in to the Wi-Fi</title>");
        if let Some(outcome) = outcome(said, bench, EVENTS, page)
            && claims(&outcome)
        {
            said.warn(format!("a captive portal's page is taken for success: {}", name(&outcome)));
        }
    });
    report.check("partial", "whatever a success says in its body, each event gets one verdict", |said| {
        for (what, answer) in bodies() {
            let Some(outcome) = outcome(said, bench, EVENTS, answer) else { continue };
            if let Outcome::Partial(_) = &outcome {
                said.note(format!("{what}: {}", name(&outcome)));
            }
        }
    });
}

/// Whether any event is called delivered.
pub(crate) fn claims(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Delivered => true,
        Outcome::Partial(verdicts) => verdicts.contains(&Verdict::Delivered),
        _ => false,
    }
}

/// Whether any event is to be sent again.
pub(crate) fn again(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Retry(_) | Outcome::Other(_) => true,
        Outcome::Partial(verdicts) => {
            verdicts.iter().any(|it| matches!(it, Verdict::Retry(_) | Verdict::Other(_)))
        }
        _ => false,
    }
}

fn outcome(said: &mut Said, bench: &Bench, events: usize, answer: Answer) -> Option<Outcome> {
    if stuck(said, bench) {
        return None;
    }
    let what = described(&answer);
    match bench.send_to(&sample::first(events), answer).result {
        Ok(outcome) => Some(outcome),
        Err(why) => {
            said.fail(format!("{what}: {why}"));
            None
        }
    }
}

fn described(answer: &Answer) -> String {
    match answer {
        Answer::Status(status, _, body) if body.is_empty() => format!("the vendor answered {status}"),
        Answer::Status(status, _, body) => {
            let begin = String::from_utf8_lossy(body.get(..40).unwrap_or(body)).into_owned();
            format!("the vendor answered {status} with {begin:?}")
        }
        other => format!("{other:?}"),
    }
}

fn retry_after(said: &mut Said, bench: &Bench) {
    // PostHog's two interfaces and OTLP answer with other statuses what most answer with 429.
    for status in [429, 503] {
        let Some(outcome) = outcome(said, bench, EVENTS, Answer::with(status, "retry-after", "7")) else {
            return;
        };
        let Outcome::Retry(advice) = outcome else { continue };
        match advice.after_ms {
            Some(ms) if (6_000.0..=60_000.0).contains(&ms) => {}
            Some(ms) => said.fail(format!("the vendor answered {status} and said 7 seconds, and the outcome says {ms} ms")),
            None => said.fail(format!(
                "the vendor answered {status} with `Retry-After: 7`, and the outcome does not say when: the vendor is asked too soon"
            )),
        }
    }
    for value in ["-5", "soon", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", ""] {
        let Some(outcome) = outcome(said, bench, EVENTS, Answer::with(503, "retry-after", value)) else {
            return;
        };
        if claims(&outcome) {
            said.fail(format!("with `Retry-After: {value}` the outcome is {}", name(&outcome)));
        }
    }
}

/// What vendors write into a success, and what no vendor should.
fn bodies() -> Vec<(&'static str, Answer)> {
    let json = |text: &str| Answer::body(200, "application/json", text);
    // OTLP's partial success: one record rejected, with a message.
    let otlp = [0x0a, 0x07, 0x08, 0x01, 0x12, 0x03, b'b', b'a', b'd'];
    vec![
        ("nothing", Answer::status(200)),
        ("202 with nothing", Answer::status(202)),
        ("204", Answer::status(204)),
        ("an empty object", json("{}")),
        ("null", json("null")),
        ("half of an object", json("{\"a\":")),
        (
            "a partial success of OTLP in JSON",
            json("{\"partialSuccess\":{\"rejectedLogRecords\":\"1\",\"errorMessage\":\"bad\"}}"),
        ),
        ("a partial success of OTLP in protobuf", Answer::body(200, "application/x-protobuf", otlp)),
        (
            "verdicts of PostHog",
            json(
                "{\"results\":{\"01890a5d-ac96-8b7c-8000-000000000001\":{\"result\":\"drop\"},\"x\":{\"result\":\"retry\"}}}",
            ),
        ),
        ("a quota of PostHog", json("{\"status\":1,\"quota_limited\":[\"events\"]}")),
        (
            "more verdicts than events",
            json(
                "{\"items\":[{\"status\":200},{\"status\":400},{\"status\":400},{\"status\":429}],\"errors\":true}",
            ),
        ),
        ("bytes that are no text", Answer::body(200, "application/octet-stream", [0xff, 0xfe, 0, 0x80])),
        ("a very long text", Answer::body(200, "text/plain", "x".repeat(1 << 20))),
        ("deep nesting", json(&"[".repeat(10_000))),
    ]
}
