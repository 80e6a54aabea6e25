//! What a collector's answer means.
//!
//! The protocol is strict: only 429, 502, 503 and 504 are tried again. 408 and 500 are final. A 200
//! with a partial success is never tried again; the collector says how many records it refused but
//! not which, so that many of the batch are counted as rejected, the last ones. Zero refused
//! with a message is a warning. Real collectors answer an empty body to JSON, or
//! `{"partialSuccess": null}`; both are success.

use crate::settings::Protocol;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use telemetry_backend_sdk::{Exception, HttpError, Meaning, Outcome, Response, Rules, Verdict, log};

const RULES: Rules = Rules::with(&[
    Exception::range(502, 504, Meaning::Retry),
    Exception::range(500, 599, Meaning::Rejected),
    Exception::status(408, Meaning::Rejected),
    Exception::status(425, Meaning::Rejected),
]);

/// What became of a batch of this many events.
pub(crate) fn read(protocol: Protocol, answer: Result<Response, HttpError>, events: usize) -> Outcome {
    let response = match RULES.accept(answer) {
        Ok(response) => response,
        Err(outcome) => return outcome,
    };
    match partial(protocol, &response) {
        Some(partial) => outcome(&partial, events),
        None => Outcome::Delivered,
    }
}

/// What the collector says about its success, in the encoding that its answer is in. Collectors do
/// not always answer in the encoding that they were asked in, so the content type decides where it
/// is one of the two.
fn partial(protocol: Protocol, response: &Response) -> Option<ExportLogsPartialSuccess> {
    let bytes = response.body.as_bytes();
    let protocol = match response.header("content-type") {
        Some(it) if it.contains("json") => Protocol::Json,
        Some(it) if it.contains("protobuf") => Protocol::Protobuf,
        _ => protocol,
    };
    // A success whose body cannot be read is a success: the status says so.
    match protocol {
        Protocol::Protobuf => ExportLogsServiceResponse::decode(bytes).ok()?.partial_success,
        Protocol::Json => response.json::<json::Response>()?.partial_success.map(Into::into),
    }
}

/// The answer in JSON. The messages' own reader takes the count as a number only, though the
/// protocol writes 64 bits as text, so that it would miss what real collectors say.
mod json {
    use super::ExportLogsPartialSuccess;
    use serde::de::{Deserialize, Deserializer, Error, Visitor};
    use std::fmt;

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct Response {
        #[serde(default)]
        pub(super) partial_success: Option<Partial>,
    }

    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    pub(super) struct Partial {
        rejected_log_records: Count,
        error_message: String,
    }

    /// A count as text or as a number.
    #[derive(Default)]
    struct Count(i64);

    impl<'de> Deserialize<'de> for Count {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Reader;

            impl Visitor<'_> for Reader {
                type Value = Count;

                fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                    out.write_str("a count, as text or as a number")
                }

                fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
                    text.parse().map(Count).map_err(|_| E::custom("expected a count"))
                }

                fn visit_u64<E: Error>(self, count: u64) -> Result<Count, E> {
                    Ok(Count(i64::try_from(count).unwrap_or(i64::MAX)))
                }

                fn visit_i64<E: Error>(self, count: i64) -> Result<Count, E> {
                    Ok(Count(count))
                }
            }

            deserializer.deserialize_any(Reader)
        }
    }

    impl From<Partial> for ExportLogsPartialSuccess {
        fn from(partial: Partial) -> Self {
            Self {
                rejected_log_records: partial.rejected_log_records.0,
                error_message: partial.error_message,
            }
        }
    }
}

fn outcome(partial: &ExportLogsPartialSuccess, events: usize) -> Outcome {
    let refused = usize::try_from(partial.rejected_log_records).unwrap_or(0).min(events);
    if refused == 0 {
        if !partial.error_message.is_empty() {
            log::warn(&partial.error_message);
        }
        return Outcome::Delivered;
    }
    let reason = match partial.error_message.as_str() {
        "" => "the collector refused it without saying why".to_owned(),
        message => format!("the collector refused it: {message}"),
    };
    let mut verdicts = vec![Verdict::Delivered; events - refused];
    verdicts.resize(events, Verdict::Rejected(reason));
    Outcome::Partial(verdicts)
}
