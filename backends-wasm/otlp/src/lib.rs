//! Events as OpenTelemetry log records, over OTLP/HTTP, in protobuf or JSON.
//!
//! # Why not the crate `opentelemetry-otlp`
//! Its `LogExporter::export` (0.33) answers `Ok(())` or a text. A status becomes a sentence in
//! `OTelSdkError::InternalFailure`; `Retry-After` is consumed by a retry loop of its own, which
//! sleeps, and sleeping is not for a component; a partial success is logged with `otel_warn!` and
//! answered with `Ok(())`. None of the three reaches the caller, and all of the delivery policy rests
//! on them. A log record's event name must be `&'static str` there, and this one is not known before
//! it is recorded. So the messages are those of `opentelemetry-proto`, which the exporter uses
//! too, and the request is made here.
//!
//! # What is what
//! `records` maps a batch to a request, purely. `answers` reads a collector's answer: only 429,
//! 502, 503 and 504 are tried again, a partial success never is. `settings` checks what the author
//! gave.

mod answers;
mod protobuf;
mod records;
mod settings;

use telemetry_backend_sdk::prelude::*;
use telemetry_backend_sdk::{ContentCoding, Credential, Placement, fit};

pub use settings::Settings;

/// The endpoint that takes log records.
const COLLECTOR: &str = "collector";
/// The most bytes that one request may have before compression. The protocol allows 64 MiB; a collector
/// takes 20 MiB where nobody told it otherwise, and a host sends 16 MiB.
const REQUEST_BYTES: usize = 16 << 20;

/// The backend.
#[derive(Debug)]
pub struct Otlp {
    protocol: settings::Protocol,
    coding: ContentCoding,
    headers: Vec<(String, String)>,
    path: String,
    service: records::Service,
}

impl Backend for Otlp {
    type Settings = Settings;

    fn describe() -> Description {
        let local = "http://localhost:4318";
        Description::new(
            "otlp",
            env!("CARGO_PKG_VERSION"),
            "Sends events as log records to an OpenTelemetry collector.",
        )
        .setting(Setting::with_default(
            "protocol",
            "The encoding: `http/protobuf` or `http/json`.",
            "\"http/protobuf\"",
        ))
        .setting(Setting::with_default("compression", "`gzip` or `none`.", "\"gzip\""))
        .setting(Setting::with_default(
            "headers",
            "More headers, as a table. Not for credentials, which belong under [endpoints.collector].",
            "{}",
        ))
        .setting(Setting::with_default(
            "path",
            "What is appended to the endpoint's url; \"\" where that is the whole address already.",
            "\"/v1/logs\"",
        ))
        .setting(Setting::optional("service_name", "`service.name`; the tool's name where left out."))
        .setting(Setting::optional(
            "service_version",
            "`service.version`; the tool's version where left out.",
        ))
        .endpoint(
            Endpoint::new(COLLECTOR, "The collector's base url; the setting `path` is appended.")
                .site("local", local)
                .credential(Credential::optional(
                    Placement::Header("authorization".into()),
                    "What the collector asks for, often `Basic ...` or `Bearer ...`.",
                )),
        )
        .limits(Limits { events: 5_000, bytes: 4 << 20, event_bytes: 1 << 20 })
    }

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        settings.check()
    }

    fn send(&self, batch: &Batch, _: &SendContext, http: &mut dyn Http) -> Outcome {
        if batch.events.is_empty() {
            return Outcome::Delivered;
        }
        let outcome = match self.request(batch) {
            Some(request) => answers::read(self.protocol, http.send(&request), batch.events.len()),
            None => Outcome::TooLarge,
        };
        fit::cut(outcome, batch.events.len())
    }

    fn erase(&self, _: &[String], _: &SendContext, _: &mut dyn Http) -> Erasure {
        Erasure::Unsupported(
            "OpenTelemetry has no request to erase; write to the tool's support address with your machine id, \
             under which the collector's owner finds the records (app.installation.id)"
                .into(),
        )
    }
}

impl Otlp {
    /// The request for a batch; none if it is too large for one.
    fn request(&self, batch: &Batch) -> Option<Request> {
        let mut request = Request::post(COLLECTOR, &*self.path).coding(self.coding);
        let Batch { origin, events } = batch;
        request = match self.protocol {
            settings::Protocol::Protobuf => {
                request.bytes("application/x-protobuf", protobuf::request(origin, events, &self.service))
            }
            settings::Protocol::Json => request.json(&records::request(origin, events, &self.service)),
        };
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        (request.body.len() <= REQUEST_BYTES).then_some(request)
    }
}

telemetry_backend_sdk::export!(Otlp);
