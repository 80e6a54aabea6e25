//! What an answer means for the batch: the common rules, and a vendor's exceptions as data.
//!
//! Common rules: 2xx is delivered; 408, 425, 429 and 5xx are to be tried again; 413 cuts the batch;
//! any other 4xx is final. A redirect, and any status below 200 or above 599, is tried again: it says
//! nothing about the events, and the author can mend it.
//!
//! A page for people that answers with 200 is tried again too. A captive portal does that, and so
//! does an address that is nearly right; to count it as delivered would lose the batch unseen.

use crate::{Http, HttpError, Outcome, Request, Response, RetryAdvice, log};

/// What a status means for the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The vendor has it.
    Delivered,
    /// The vendor, or the way to it, is broken for now.
    Retry,
    /// The batch is to be cut in two.
    TooLarge,
    /// The vendor will never take it.
    Rejected,
}

/// Where a vendor's documents differ from the common rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    first: u16,
    last: u16,
    meaning: Meaning,
}

impl Exception {
    /// For one status.
    #[must_use]
    pub const fn status(status: u16, meaning: Meaning) -> Self {
        Self { first: status, last: status, meaning }
    }

    /// For the statuses from `first` to `last`, both included.
    #[must_use]
    pub const fn range(first: u16, last: u16, meaning: Meaning) -> Self {
        Self { first, last, meaning }
    }
}

/// What each answer means.
///
/// ```
/// use telemetry_backend_sdk::{Exception, Meaning, Outcome, Rules, testing};
///
/// // This vendor never wants a request again that made it fail.
/// const ACME: Rules = Rules::with(&[Exception::status(500, Meaning::Rejected)]);
///
/// assert!(matches!(ACME.outcome(Ok(testing::answer(500))), Outcome::Rejected(_)));
/// assert!(matches!(ACME.outcome(Ok(testing::answer(503))), Outcome::Retry(_)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    exceptions: &'static [Exception],
    waits: &'static [&'static str],
}

impl Rules {
    /// The common rules.
    pub const COMMON: Self = Self::with(&[]);

    /// The common rules with exceptions. The first that fits decides.
    #[must_use]
    pub const fn with(exceptions: &'static [Exception]) -> Self {
        Self { exceptions, waits: &[] }
    }

    /// Headers that say, in seconds, when to try again, for vendors that use them beside
    /// `Retry-After`. The latest of all wins.
    #[must_use]
    pub const fn waits(mut self, headers: &'static [&'static str]) -> Self {
        self.waits = headers;
        self
    }

    /// What this status means.
    #[must_use]
    pub fn meaning(&self, status: u16) -> Meaning {
        if let Some(exception) = self.exceptions.iter().find(|it| (it.first..=it.last).contains(&status)) {
            return exception.meaning;
        }
        match status {
            200..=299 => Meaning::Delivered,
            413 => Meaning::TooLarge,
            408 | 425 | 429 => Meaning::Retry,
            400..=499 => Meaning::Rejected,
            _ => Meaning::Retry,
        }
    }

    /// Sends a request, and says what became of the batch, for vendors whose status says it all.
    pub fn send(&self, http: &mut dyn Http, request: &Request) -> Outcome {
        self.outcome(http.send(request))
    }

    /// What became of the batch, for vendors whose status says it all.
    #[must_use]
    pub fn outcome(&self, answer: Result<Response, HttpError>) -> Outcome {
        match self.accept(answer) {
            Ok(_) => Outcome::Delivered,
            Err(outcome) => outcome,
        }
    }

    /// The response of a delivered batch, for vendors that say more in its body.
    ///
    /// # Errors
    /// What became of a batch that was not delivered.
    pub fn accept(&self, answer: Result<Response, HttpError>) -> Result<Response, Outcome> {
        let response = answer.map_err(unanswered)?;
        match self.meaning(response.status) {
            Meaning::Delivered if response.is_web_page() => Err(again(
                "a web page answered in place of the vendor: a captive portal, or the endpoint's url is wrong".into(),
                None,
            )),
            Meaning::Delivered => Ok(response),
            Meaning::TooLarge => {
                // The outcome has no room for a reason, and it may be the host's: a limit of the author's.
                log::warn(&said(&response));
                Err(Outcome::TooLarge)
            }
            Meaning::Rejected => Err(Outcome::Rejected(said(&response))),
            Meaning::Retry => {
                let after = self.after_ms(&response);
                Err(again(said(&response), after))
            }
        }
    }

    /// When the vendor wants to be asked again, in milliseconds from now.
    #[must_use]
    pub fn after_ms(&self, response: &Response) -> Option<f64> {
        let named = self.waits.iter().filter_map(|name| {
            let seconds: u32 = response.header(name)?.trim_ascii().parse().ok()?;
            Some(f64::from(seconds) * 1e3)
        });
        named.chain(response.retry_after_ms).reduce(f64::max)
    }
}

/// The outcome that asks for another attempt.
#[must_use]
pub(crate) fn again(reason: String, after_ms: Option<f64>) -> Outcome {
    Outcome::Retry(RetryAdvice { reason, after_ms })
}

impl Outcome {
    /// The outcome that asks for another attempt, at a time that the host chooses.
    #[must_use]
    pub fn retry(reason: impl Into<String>) -> Self {
        again(reason.into(), None)
    }
}

/// Without an answer the batch is kept, except where the request itself is at fault: the same batch
/// would make the same request again.
fn unanswered(error: HttpError) -> Outcome {
    match error {
        HttpError::Invalid(why) => Outcome::Rejected(why),
        HttpError::Denied(why) | HttpError::Unreachable(why) | HttpError::Other(why) => Outcome::retry(why),
        HttpError::Timeout => Outcome::retry("no answer came in time"),
        HttpError::ResponseTooLarge => Outcome::retry("the answer was bigger than the host reads"),
    }
}

/// How much of an answer's body a reason quotes.
const QUOTED: usize = 200;

/// The status and the beginning of what the vendor said, on one line.
fn said(response: &Response) -> String {
    let status = response.status;
    if (300..400).contains(&status) {
        let to = excerpt(response.header("location").unwrap_or("no address"));
        return format!(
            "status {status}: a redirect to {to}; none is followed, so name the final address in the endpoint's url"
        );
    }
    match excerpt(response.text()) {
        text if text.is_empty() => format!("status {status}"),
        text => format!("status {status}: {text}"),
    }
}

/// The beginning of a text, on one line, without control characters.
#[must_use]
pub(crate) fn excerpt(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|it: char| it == ' ' || it.is_control()).filter(|it| !it.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > QUOTED {
            let end = (0..=QUOTED).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            line.truncate(end);
            line.push_str("...");
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::answer;

    fn reason(outcome: Outcome) -> String {
        match outcome {
            Outcome::Retry(advice) => advice.reason,
            Outcome::Rejected(reason) => reason,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_status_has_one_meaning() {
        for status in 0..=999 {
            let expected = match status {
                200..=299 => Meaning::Delivered,
                413 => Meaning::TooLarge,
                408 | 425 | 429 => Meaning::Retry,
                400..=499 => Meaning::Rejected,
                _ => Meaning::Retry,
            };
            assert_eq!(Rules::COMMON.meaning(status), expected, "{status}");
        }
    }

    #[test]
    fn the_first_exception_that_fits_decides() {
        const RULES: Rules = Rules::with(&[
            Exception::status(503, Meaning::TooLarge),
            Exception::range(500, 599, Meaning::Rejected),
        ]);
        assert_eq!(RULES.meaning(503), Meaning::TooLarge);
        assert_eq!(RULES.meaning(500), Meaning::Rejected);
        assert_eq!(RULES.meaning(599), Meaning::Rejected);
        assert_eq!(RULES.meaning(600), Meaning::Retry);
    }

    #[test]
    fn the_latest_wish_of_the_vendor_is_passed_on() {
        const RULES: Rules = Rules::COMMON.waits(&["x-reset"]);
        let after = |reset: &str, retry_after| {
            let mut response = answer(429).with_header("X-Reset", reset);
            response.retry_after_ms = retry_after;
            RULES.after_ms(&response)
        };
        assert_eq!(after("2", None), Some(2_000.0));
        assert_eq!(after("2", Some(3_000.0)), Some(3_000.0));
        assert_eq!(after("4", Some(3_000.0)), Some(4_000.0));
        for nonsense in ["", "soon", "-1", "NaN", "inf", "1e9", "99999999999"] {
            assert_eq!(after(nonsense, None), None, "{nonsense}");
        }
    }

    #[test]
    fn a_reason_quotes_the_answer_on_one_line_and_not_all_of_it() {
        let long = "x".repeat(5_000);
        assert_eq!(reason(Rules::COMMON.outcome(Ok(answer(500)))), "status 500");
        assert_eq!(
            reason(Rules::COMMON.outcome(Ok(answer(400).with_text(" bad\r\n\tthing\u{1b}[31m ")))),
            "status 400: bad thing [31m"
        );
        let quoted = reason(Rules::COMMON.outcome(Ok(answer(400).with_text(&long))));
        assert!(quoted.len() < 230 && quoted.ends_with("..."), "{quoted}");
        let quoted = excerpt(&"ä".repeat(150));
        assert!(quoted.ends_with("ä..."), "{quoted}");
    }

    #[test]
    fn a_redirect_names_where_it_wanted_to_go() {
        let redirect = answer(307).with_header("location", "https://other.example/");
        let outcome = Rules::COMMON.outcome(Ok(redirect));
        assert!(reason(outcome).contains("a redirect to https://other.example/"));
    }

    #[test]
    fn only_a_request_that_can_never_be_sent_is_rejected_without_an_answer() {
        for (error, rejected) in [
            (HttpError::Denied("line".into()), false),
            (HttpError::Invalid("why".into()), true),
            (HttpError::Unreachable("dns".into()), false),
            (HttpError::Timeout, false),
            (HttpError::ResponseTooLarge, false),
            (HttpError::Other("?".into()), false),
        ] {
            let outcome = Rules::COMMON.outcome(Err(error.clone()));
            assert_eq!(matches!(outcome, Outcome::Rejected(_)), rejected, "{error:?}");
            assert_eq!(matches!(outcome, Outcome::Retry(_)), !rejected, "{error:?}");
        }
    }

    #[test]
    fn a_page_for_people_is_never_a_delivery() {
        for page in ["<!DOCTYPE html><title>Log in", "\u{feff}\n <html lang=en>", "<HTML>"] {
            let outcome = Rules::COMMON.outcome(Ok(answer(200).with_text(page)));
            assert!(matches!(outcome, Outcome::Retry(_)), "{page}");
        }
        for body in ["", "ok", "{}", "<ok/>", "<htm", "ä<html>"] {
            assert_eq!(Rules::COMMON.outcome(Ok(answer(200).with_text(body))), Outcome::Delivered, "{body}");
        }
    }
}
