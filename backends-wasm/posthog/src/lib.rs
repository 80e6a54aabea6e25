//! Events to PostHog, by either of its APIs.
//!
//! `api = "batch"` (the default) is `POST /batch/`, which every PostHog has. `api = "events"` is
//! `POST /i/v1/analytics/events`, which answers with a verdict for each event. The project's key
//! (`phc_...`) is public by design: it can only write. So it is a setting, not a credential.
//!
//! Events are anonymous: no person profile is made and no place is looked up. PostHog drops
//! duplicates by day, event, distinct id and uuid, all of which were frozen when the event was
//! recorded.
//!
//! PostHog takes 20 MB and discards an event of more than 1 MB without saying so; its own clients stop
//! at 5 MiB and 900 KiB, and so does this.

mod answers;
mod event;

use std::collections::BTreeMap;
use telemetry_backend_sdk::json::Object;
use telemetry_backend_sdk::prelude::*;
use telemetry_backend_sdk::{ContentCoding, fit};

/// The endpoint that takes events.
const API: &str = "api";
/// The most bytes of an event.
const EVENT_BYTES: usize = 900 << 10;
/// The most bytes of a request before compression.
const REQUEST_BYTES: usize = 5 << 20;
/// What PostHog is told that it talks to.
const SDK: &str = concat!("cli-telemetry/", env!("CARGO_PKG_VERSION"));

/// The backend.
#[derive(Debug)]
pub struct PostHog {
    api_key: String,
    api: Api,
    coding: ContentCoding,
}

/// `[backend.settings]`.
#[derive(Debug, Deserialize)]
pub struct Settings {
    api_key: String,
    api: Api,
    compression: Compression,
}

/// Which of PostHog's APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Api {
    Batch,
    Events,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compression {
    None,
    Gzip,
}

impl Backend for PostHog {
    type Settings = Settings;

    fn describe() -> Description {
        Description::new(
            "posthog",
            env!("CARGO_PKG_VERSION"),
            "Sends events to PostHog, without person profiles.",
        )
        .setting(Setting::required(
            "api_key",
            "The project's key (phc_...). It can only write, so it may ship.",
        ))
        .setting(Setting::with_default(
            "api",
            "`batch`, or `events` for a PostHog that has /i/v1/analytics/events.",
            "\"batch\"",
        ))
        .setting(Setting::with_default("compression", "`gzip` or `none`.", "\"gzip\""))
        .endpoint(
            Endpoint::new(API, "PostHog's ingestion host, or the url of your own installation.")
                .site("us", "https://us.i.posthog.com")
                .site("eu", "https://eu.i.posthog.com"),
        )
        // Below PostHog's own, for what an event repeats of its origin.
        .limits(Limits { events: 1_000, bytes: 3 << 20, event_bytes: 800 << 10 })
    }

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        if let Some(message) = key_problem(&settings.api_key) {
            return Err(vec![Problem::new("api_key", message)]);
        }
        Ok(Self {
            api_key: settings.api_key,
            api: settings.api,
            coding: match settings.compression {
                Compression::None => ContentCoding::Identity,
                Compression::Gzip => ContentCoding::Gzip,
            },
        })
    }

    fn send(&self, batch: &Batch, context: &SendContext, http: &mut dyn Http) -> Outcome {
        let fitted = fit::each(&batch.events, |it| {
            if let Some(reason) = event::problem(it) {
                return Err(reason);
            }
            let json = match self.api {
                Api::Batch => event::batch(&batch.origin, it),
                Api::Events => event::v1(&batch.origin, it),
            };
            match json.len() {
                ..=EVENT_BYTES => Ok((it.id.clone(), json)),
                bytes => Err(format!("{bytes} bytes as an event; PostHog's clients stop at {EVENT_BYTES}")),
            }
        });
        if fitted.kept.is_empty() {
            return fitted.outcome(Outcome::Delivered);
        }
        let (ids, mut events): (Vec<String>, Vec<String>) = fitted.kept.iter().cloned().unzip();
        let request = match self.api {
            Api::Batch => self.batch(&events, context),
            Api::Events => {
                once(&ids, &mut events);
                self.events(&events, created_at(batch), context)
            }
        };
        if request.body.len() > REQUEST_BYTES {
            return Outcome::TooLarge;
        }
        let answer = http.send(&request);
        let outcome = match self.api {
            Api::Batch => answers::batch(answer),
            Api::Events => answers::events(answer, &ids),
        };
        fitted.outcome(fit::cut(outcome, batch.events.len()))
    }

    fn erase(&self, _: &[String], _: &SendContext, _: &mut dyn Http) -> Erasure {
        Erasure::Unsupported(
            "PostHog erases persons, and these events have none; a key that may delete is no key to ship. Write to \
             the tool's support address with your machine id, which is the events' distinct_id"
                .into(),
        )
    }
}

impl PostHog {
    fn batch(&self, events: &[String], context: &SendContext) -> Request {
        let mut body = Object::new();
        body.text("api_key", &self.api_key)
            .boolean("historical_migration", false)
            .text("sent_at", &context.now.rfc3339)
            .raw("batch", &fit::json_array("", events, ""));
        Request::post(API, "/batch/").text("application/json", body.finish()).coding(self.coding)
    }

    fn events(&self, events: &[String], created_at: &str, context: &SendContext) -> Request {
        let mut body = Object::new();
        body.text("created_at", created_at).raw("batch", &fit::json_array("", events, ""));
        Request::post(API, "/i/v1/analytics/events")
            .header("authorization", format!("Bearer {}", self.api_key))
            .header("user-agent", SDK)
            .header("posthog-sdk-info", SDK)
            .header("posthog-attempt", context.attempt.to_string())
            .header("posthog-request-id", &*context.request_id)
            .header("posthog-request-timestamp", &*context.now.rfc3339)
            .text("application/json", body.finish())
            .coding(self.coding)
    }
}

/// Leaves one event of each id, the last, which knows more where they differ: this API refuses a request in
/// which a uuid is twice. Every event still has the verdict of its id.
fn once(ids: &[String], events: &mut Vec<String>) {
    let mut last = BTreeMap::new();
    for (at, id) in ids.iter().enumerate() {
        last.insert(id, at);
    }
    let mut ids = ids.iter().enumerate();
    events.retain(|_| ids.next().is_some_and(|(at, id)| last.get(id) == Some(&at)));
}

/// When the batch was made: with its last event, so that it is the same on every attempt, as PostHog's
/// clients have it.
fn created_at(batch: &Batch) -> &str {
    let last = batch.events.iter().max_by(|a, b| a.time.unix_ms.total_cmp(&b.time.unix_ms));
    last.map_or("", |it| &it.time.rfc3339)
}

/// Why this is not a project's key.
fn key_problem(key: &str) -> Option<&'static str> {
    if key.starts_with("phx_") || key.starts_with("phs_") {
        return Some("is a secret key, which must not ship: use the project's key, which begins with phc_");
    }
    let word = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b'-';
    if key.is_empty() || key.len() > 200 || !key.bytes().all(word) {
        return Some("is no project key: it is one word and begins with phc_");
    }
    None
}

telemetry_backend_sdk::export!(PostHog);
