//! Events as plain JSON, to a receiver of the author's own.
//!
//! The body is an array of objects with the field names of the Go library that this project follows,
//! so that a receiver written for it keeps working: `wire.rs` says which. 2xx is success; 408, 425,
//! 429 and 5xx are tried again; other 4xx are final; 413 cuts the batch. A request has 1 MiB at most; an
//! event that is bigger by itself is set aside.
//!
//! Erasure goes to a second endpoint, `erasure`, where the author grants one: one request for each
//! machine id, `{"machine_id": "..."}`, again as the Go library has it.

mod wire;

use telemetry_backend_sdk::json::Object;
use telemetry_backend_sdk::prelude::*;
use telemetry_backend_sdk::{ContentCoding, Credential, HttpError, Placement, fit};

/// The endpoint that takes events.
const RECEIVER: &str = "receiver";
/// The most bytes of a request before compression: what receivers and the proxies before them take
/// without being told to. Each event repeats its origin, which the host's estimate does not count.
const REQUEST_BYTES: usize = 1 << 20;
/// The endpoint that takes requests to erase.
const ERASURE: &str = "erasure";

/// The backend.
#[derive(Debug)]
pub struct HttpJson {
    coding: ContentCoding,
}

/// `[backend.settings]`.
#[derive(Debug, Deserialize)]
pub struct Settings {
    compression: Compression,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compression {
    None,
    Gzip,
}

impl Backend for HttpJson {
    type Settings = Settings;

    fn describe() -> Description {
        Description::new(
            "http",
            env!("CARGO_PKG_VERSION"),
            "Sends events as a JSON array to a receiver of your own.",
        )
        .setting(Setting::with_default(
            "compression",
            "`none`, or `gzip` for a receiver that understands `content-encoding`.",
            "\"none\"",
        ))
        .endpoint(
            Endpoint::new(RECEIVER, "Takes a POST of a JSON array of events at exactly this url.")
                .credential(Credential::optional(
                    Placement::Bearer,
                    "Whatever your receiver asks for; any placement will do.",
                )),
        )
        .endpoint(
            Endpoint::new(ERASURE, "Takes a POST of {\"machine_id\": \"...\"} for a user who wants erasure.")
                .optional()
                .credential(Credential::optional(Placement::Bearer, "Whatever your receiver asks for.")),
        )
        .limits(Limits { events: 1_000, bytes: 1 << 20, event_bytes: 1 << 20 })
        .erases()
    }

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        let coding = match settings.compression {
            Compression::None => ContentCoding::Identity,
            Compression::Gzip => ContentCoding::Gzip,
        };
        Ok(Self { coding })
    }

    fn send(&self, batch: &Batch, _: &SendContext, http: &mut dyn Http) -> Outcome {
        if batch.events.is_empty() {
            return Outcome::Delivered;
        }
        let fitted = fit::each(&batch.events, |event| {
            let event = wire::event(&batch.origin, event);
            match event.len() + "[]".len() {
                ..=REQUEST_BYTES => Ok(event),
                bytes => Err(format!("{bytes} bytes as JSON; a request has {REQUEST_BYTES} at most")),
            }
        });
        if fitted.kept.is_empty() {
            return fitted.outcome(Outcome::Delivered);
        }
        let body = fit::json_array("", &fitted.kept, "");
        if body.len() > REQUEST_BYTES {
            return Outcome::TooLarge;
        }
        let request = Request::post(RECEIVER, "").text("application/json", body).coding(self.coding);
        fitted.outcome(fit::cut(Rules::COMMON.send(http, &request), batch.events.len()))
    }

    fn erase(&self, machine_ids: &[String], _: &SendContext, http: &mut dyn Http) -> Erasure {
        for id in machine_ids {
            let mut body = Object::new();
            body.text("machine_id", id);
            let request = Request::post(ERASURE, "").text("application/json", body.finish());
            let answer = http.send(&request);
            if let Err(HttpError::Denied(why)) = answer {
                return Erasure::Unsupported(format!(
                    "this tool names no place that erases; write to its support address with your machine id ({why})"
                ));
            }
            match Rules::COMMON.outcome(answer) {
                Outcome::Delivered => {}
                Outcome::Retry(advice) => return Erasure::Retry(advice),
                Outcome::Rejected(why) => return refused(&why),
                _ => return refused("the request was too large"),
            }
        }
        Erasure::Receipt(format!("the receiver accepted the erasure of {} machine ids", machine_ids.len()))
    }
}

fn refused(why: &str) -> Erasure {
    Erasure::Unsupported(format!(
        "the receiver refused ({why}); write to the tool's support address with your machine id"
    ))
}

telemetry_backend_sdk::export!(HttpJson);
