//! What PostHog's answers mean. Its two APIs differ.

use serde::Deserialize;
use telemetry_backend_sdk::json::Entries;
use telemetry_backend_sdk::{Exception, HttpError, Meaning, Outcome, Response, Rules, Verdict};

/// `/batch/`: 408 and 5xx as the common rules have them; 425 is not documented, and final.
const BATCH: Rules = Rules::with(&[Exception::status(425, Meaning::Rejected)]);

/// `/batch/`, for a 429 that does not say when: PostHog's clients do not try it again.
const LIMITED: Rules = Rules::with(&[Exception::status(429, Meaning::Rejected)]);

/// `/i/v1/analytics/events`: only these are tried again.
const EVENTS: Rules = Rules::with(&[
    Exception::status(408, Meaning::Retry),
    Exception::status(500, Meaning::Retry),
    Exception::range(502, 504, Meaning::Retry),
    Exception::status(425, Meaning::Rejected),
    Exception::status(429, Meaning::Rejected),
    Exception::range(500, 599, Meaning::Rejected),
]);

/// What `/batch/` says when it took a request.
#[derive(Deserialize)]
struct Taken {
    #[serde(default)]
    quota_limited: Option<Vec<String>>,
}

/// What became of a batch by `/batch/`.
pub(crate) fn batch(answer: Result<Response, HttpError>) -> Outcome {
    let bare_limit = answer.as_ref().is_ok_and(|it| it.status == 429 && BATCH.after_ms(it).is_none());
    let response = match (if bare_limit { LIMITED } else { BATCH }).accept(answer) {
        Ok(response) => response,
        Err(outcome) => return outcome,
    };
    let limited = response.json::<Taken>().and_then(|it| it.quota_limited).unwrap_or_default();
    // Recordings and flags have quotas of their own; only this one is about events.
    if limited.iter().any(|it| it == "events") {
        return Outcome::Rejected("PostHog dropped it: the project is over its quota of events".into());
    }
    Outcome::Delivered
}

/// What `/i/v1/analytics/events` says: a verdict for each uuid.
#[derive(Deserialize)]
struct Results {
    results: Entries<Directive>,
}

#[derive(Deserialize)]
struct Directive {
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    details: Option<String>,
}

/// What became of these events by `/i/v1/analytics/events`.
pub(crate) fn events(answer: Result<Response, HttpError>, ids: &[String]) -> Outcome {
    let response = match EVENTS.accept(answer) {
        Ok(response) => response,
        Err(outcome) => return outcome,
    };
    // PostHog's clients take a success without verdicts for final, so that it is not sent for ever.
    let Some(Results { results }) = response.json() else { return Outcome::Delivered };
    let verdicts: Vec<Verdict> = ids.iter().map(|id| verdict(results.get(id))).collect();
    match verdicts.iter().all(|it| *it == Verdict::Delivered) {
        true => Outcome::Delivered,
        false => Outcome::Partial(verdicts),
    }
}

/// `ok` and `warning` are delivered, and so is an event that the answer does not name.
fn verdict(directive: Option<&Directive>) -> Verdict {
    let Some(directive) = directive else { return Verdict::Delivered };
    let details = || directive.details.clone().unwrap_or_else(|| "without a reason".into());
    match directive.result.as_deref() {
        Some("drop") => Verdict::Rejected(format!("PostHog dropped it: {}", details())),
        Some("retry") => Verdict::Retry(format!("PostHog asks for it again: {}", details())),
        _ => Verdict::Delivered,
    }
}
