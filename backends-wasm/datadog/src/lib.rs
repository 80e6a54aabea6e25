//! Events as Datadog logs, through the Logs intake (v2).
//!
//! # Keys
//! An API key is a server's secret: whoever has one can send anything to the account. It may be used
//! where only the tool's author runs the tool. A tool that ships to the public uses a *client token*
//! (`pub...`) with one of the browser intakes, which are among the sites below, or a relay of the
//! author's own that adds the key. Both take the same request, so only the grant differs:
//!
//! ```toml
//! [endpoints.intake]
//! url = "https://browser-intake-datadoghq.eu"
//! credential = { query = "dd-api-key", value = "pub..." }
//! ```
//!
//! # Limits
//! Datadog takes 5 MB and 1,000 entries in a request, and truncates an entry of more than 1 MB
//! without saying so: an event that would be is set aside instead. Events of more than 18 hours are
//! given the time of their arrival, so the time is carried in `event_time` too. There is no
//! deduplication; `id` allows a query to do it.

mod entry;

use telemetry_backend_sdk::json::Entries;
use telemetry_backend_sdk::prelude::*;
use telemetry_backend_sdk::{ContentCoding, Credential, Placement, fit};

/// The endpoint that takes logs.
const INTAKE: &str = "intake";
/// The path below every site.
const PATH: &str = "/api/v2/logs";
/// The most entries that one request may have.
const ENTRIES: usize = 1_000;
/// The most bytes that one request may have before compression.
const REQUEST_BYTES: usize = 5_000_000;
/// The most bytes that an entry may have without being truncated.
const ENTRY_BYTES: usize = 1_000_000;

/// Datadog documents 202 as success and 408, 413, 429, 5xx as the common rules have them. Its
/// official client obeys `X-RateLimit-Reset`.
const RULES: Rules = Rules::COMMON.waits(&["x-ratelimit-reset"]);

/// The sites' short names and addresses: for servers, then for what ships to the public.
const SITES: [(&str, &str); 18] = [
    ("us1", "https://http-intake.logs.datadoghq.com"),
    ("us3", "https://http-intake.logs.us3.datadoghq.com"),
    ("us5", "https://http-intake.logs.us5.datadoghq.com"),
    ("eu1", "https://http-intake.logs.datadoghq.eu"),
    ("ap1", "https://http-intake.logs.ap1.datadoghq.com"),
    ("ap2", "https://http-intake.logs.ap2.datadoghq.com"),
    ("uk1", "https://http-intake.logs.uk1.datadoghq.com"),
    ("us1-fed", "https://http-intake.logs.ddog-gov.com"),
    ("us2-fed", "https://http-intake.logs.us2.ddog-gov.com"),
    ("us1-public", "https://browser-intake-datadoghq.com"),
    ("us3-public", "https://browser-intake-us3-datadoghq.com"),
    ("us5-public", "https://browser-intake-us5-datadoghq.com"),
    ("eu1-public", "https://browser-intake-datadoghq.eu"),
    ("ap1-public", "https://browser-intake-ap1-datadoghq.com"),
    ("ap2-public", "https://browser-intake-ap2-datadoghq.com"),
    ("uk1-public", "https://browser-intake-uk1-datadoghq.com"),
    ("us1-fed-public", "https://browser-intake-ddog-gov.com"),
    ("us2-fed-public", "https://browser-intake-us2-ddog-gov.com"),
];

/// The backend.
#[derive(Debug)]
pub struct Datadog {
    coding: ContentCoding,
    source: String,
    service: Option<String>,
    tags: Vec<(String, String)>,
}

/// `[backend.settings]`.
#[derive(Debug, Deserialize)]
pub struct Settings {
    source: String,
    service: Option<String>,
    tags: Entries<String>,
    compression: Compression,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compression {
    None,
    Gzip,
}

impl Backend for Datadog {
    type Settings = Settings;

    fn describe() -> Description {
        let mut intake = Endpoint::new(INTAKE, "Datadog's Logs intake; choose the site of your account.").credential(
            Credential::required(
                Placement::Header("DD-API-KEY".into()),
                "An API key, which is a secret, or for a public tool a client token (pub...) with a -public site.",
            ),
        );
        for (name, url) in SITES {
            intake = intake.site(name, url);
        }
        Description::new("datadog", env!("CARGO_PKG_VERSION"), "Sends events as logs to Datadog.")
            .setting(Setting::with_default(
                "source",
                "`ddsource`, which chooses the pipeline.",
                "\"cli-telemetry\"",
            ))
            .setting(Setting::optional("service", "`service`; the tool's name where left out."))
            .setting(Setting::with_default("tags", "More tags, as a table: env = \"prod\".", "{}"))
            .setting(Setting::with_default("compression", "`gzip` or `none`.", "\"gzip\""))
            .endpoint(intake)
            // Below Datadog's own, for what an entry repeats of its origin.
            .limits(Limits { events: 1_000, bytes: 3_000_000, event_bytes: 900_000 })
    }

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        for (key, value) in [("source", Some(&settings.source)), ("service", settings.service.as_ref())] {
            if value.is_some_and(|it| it.trim().is_empty()) {
                problems.push(Problem::new(key, "is empty: leave it out for the default"));
            }
        }
        for (name, value) in &settings.tags.0 {
            if let Some(message) = entry::tag_problem(name, value) {
                problems.push(Problem::new("tags", message));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            coding: match settings.compression {
                Compression::None => ContentCoding::Identity,
                Compression::Gzip => ContentCoding::Gzip,
            },
            source: settings.source,
            service: settings.service,
            tags: settings.tags.0,
        })
    }

    fn send(&self, batch: &Batch, _: &SendContext, http: &mut dyn Http) -> Outcome {
        let fitted = fit::each(&batch.events, |event| {
            let entry = entry::entry(self, &batch.origin, event);
            match entry.len() {
                ..=ENTRY_BYTES => Ok(entry),
                bytes => Err(format!(
                    "{bytes} bytes as a log; Datadog truncates an entry of more than {ENTRY_BYTES}"
                )),
            }
        });
        if fitted.kept.is_empty() {
            return fitted.outcome(Outcome::Delivered);
        }
        let body = fit::json_array("", &fitted.kept, "");
        if fitted.kept.len() > ENTRIES || body.len() > REQUEST_BYTES {
            return Outcome::TooLarge;
        }
        let request = Request::post(INTAKE, PATH).text("application/json", body).coding(self.coding);
        fitted.outcome(fit::cut(RULES.send(http, &request), batch.events.len()))
    }

    fn erase(&self, _: &[String], _: &SendContext, _: &mut dyn Http) -> Erasure {
        Erasure::Unsupported(
            "Datadog's intake cannot erase; its logs go when their retention ends. Write to the tool's support \
             address with your machine id, which is the logs' hostname"
                .into(),
        )
    }
}

telemetry_backend_sdk::export!(Datadog);
