//! The track 0.1 of the contract: its words from and to the plain types, and its two imports.

use std::time::{Duration, SystemTime};

use crate::bindings::exports::telemetry::backend::exporter as wit;
use crate::bindings::telemetry::backend::{http, log, types as t};
use crate::egress::answer::Answer;
use crate::egress::coding::Coding;
use crate::egress::request::{Asked, Refusal};
use crate::log::{Level, Stream};
use crate::state::State;
use crate::text::reason;
use crate::types as plain;

fn instant(from: plain::Instant) -> t::Instant {
    t::Instant { rfc3339: from.rfc3339, unix_ms: from.unix_ms }
}

fn attributes(from: Vec<plain::Attribute>) -> Vec<t::Attribute> {
    let value = |value| match value {
        plain::Value::Text(text) => t::Value::Text(text),
        plain::Value::Number(number) => t::Value::Number(number),
        plain::Value::Boolean(boolean) => t::Value::Boolean(boolean),
        plain::Value::Other(json) => t::Value::Other(json),
    };
    from.into_iter().map(|a| t::Attribute { key: a.key, value: value(a.value) }).collect()
}

fn event(from: plain::Event) -> t::Event {
    t::Event {
        id: from.id,
        kind: from.kind,
        name: from.name,
        time: instant(from.time),
        duration_ms: from.duration_ms,
        exit_code: from.exit_code,
        ended: from.ended,
        error_kind: from.error_kind,
        error: from.error,
        args: from.args,
        attributes: attributes(from.attributes),
    }
}

/// A batch as this track says it. Nothing is copied.
pub(crate) fn batch(from: plain::Batch) -> t::Batch {
    let origin = from.origin;
    t::Batch {
        origin: t::Origin {
            machine_id: origin.machine_id,
            tool: origin.tool,
            tool_version: origin.tool_version,
            os: origin.os,
            os_version: origin.os_version,
            arch: origin.arch,
            runtime: origin.runtime,
            attributes: attributes(origin.attributes),
        },
        events: from.events.into_iter().map(event).collect(),
    }
}

/// A context as this track says it.
pub(crate) fn context(from: &plain::SendContext) -> t::SendContext {
    let now = instant(from.now.clone());
    t::SendContext { attempt: from.attempt, request_id: from.request_id.clone(), now }
}

fn advice(from: t::RetryAdvice) -> plain::RetryAdvice {
    let after_ms = from.after_ms.filter(|ms| ms.is_finite() && *ms >= 0.0);
    plain::RetryAdvice { reason: reason(&from.reason), after_ms }
}

/// An outcome, checked against the number of events: the error says how the component broke the contract.
pub(crate) fn outcome(from: t::Outcome, events: usize) -> Result<plain::Outcome, String> {
    Ok(match from {
        t::Outcome::Delivered => plain::Outcome::Delivered,
        t::Outcome::Partial(verdicts) if verdicts.len() != events => {
            return Err(format!("`send` gave {} verdicts for {events} events", verdicts.len()));
        }
        t::Outcome::Partial(verdicts) => plain::Outcome::Partial(
            verdicts
                .into_iter()
                .map(|verdict| match verdict {
                    t::Verdict::Delivered => plain::Verdict::Delivered,
                    t::Verdict::Retry(why) => plain::Verdict::Retry(reason(&why)),
                    t::Verdict::Rejected(why) => plain::Verdict::Rejected(reason(&why)),
                    t::Verdict::Other(why) => plain::Verdict::Other(reason(&why)),
                })
                .collect(),
        ),
        t::Outcome::Retry(why) => plain::Outcome::Retry(advice(why)),
        t::Outcome::TooLarge => plain::Outcome::TooLarge,
        t::Outcome::Rejected(why) => plain::Outcome::Rejected(reason(&why)),
        t::Outcome::Other(why) => plain::Outcome::Other(reason(&why)),
    })
}

/// An erasure's answer.
pub(crate) fn erasure(from: t::Erasure) -> plain::Erasure {
    match from {
        t::Erasure::Receipt(text) => plain::Erasure::Receipt(reason(&text)),
        t::Erasure::Unsupported(text) => plain::Erasure::Unsupported(reason(&text)),
        t::Erasure::Retry(why) => plain::Erasure::Retry(advice(why)),
        t::Erasure::Other(text) => plain::Erasure::Other(reason(&text)),
    }
}

/// The problems of `configure`.
pub(crate) fn problems(from: Vec<wit::Problem>) -> Vec<plain::Problem> {
    from.into_iter()
        .take(100)
        .map(|p| plain::Problem { key: reason(&p.key), message: reason(&p.message) })
        .collect()
}

/// A description, tidied; the error says what in it cannot be.
pub(crate) fn description(from: wit::Description) -> Result<plain::Description, String> {
    const MOST: usize = 100;
    if from.settings.len() > MOST || from.endpoints.len() > MOST {
        return Err(format!("`describe` lists more than {MOST} settings or endpoints"));
    }
    if let Some(bad) = from.endpoints.iter().find(|e| !crate::egress::grant::valid_endpoint_name(&e.name)) {
        return Err(format!("`describe` names an endpoint `{}`, which is not a name", reason(&bad.name)));
    }
    let mut names: Vec<&str> = from.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("`describe` names the endpoint `{}` twice", pair[0]));
    }
    Ok(plain::Description {
        name: reason(&from.name),
        version: reason(&from.version),
        summary: reason(&from.summary),
        settings: from
            .settings
            .into_iter()
            .map(|s| plain::Setting {
                key: reason(&s.key),
                summary: reason(&s.summary),
                required: s.required,
                default: s.default,
            })
            .collect(),
        endpoints: from.endpoints.into_iter().map(endpoint).collect(),
        limits: plain::LimitsAsked {
            events: from.limits.events.max(1),
            bytes: from.limits.bytes.max(1),
            event_bytes: from.limits.event_bytes.max(1),
        },
        erases: from.erases,
    })
}

fn endpoint(from: wit::Endpoint) -> plain::Endpoint {
    let credential = from.credential.map(|credential| plain::Credential {
        placement: match credential.placement {
            wit::Placement::Header(name) => plain::Placement::Header(reason(&name)),
            wit::Placement::Bearer => plain::Placement::Bearer,
            wit::Placement::Basic => plain::Placement::Basic,
            wit::Placement::Query(name) => plain::Placement::Query(reason(&name)),
            wit::Placement::Other(text) => plain::Placement::Other(reason(&text)),
        },
        summary: reason(&credential.summary),
        required: credential.required,
    });
    plain::Endpoint {
        name: from.name,
        summary: reason(&from.summary),
        required: from.required,
        credential,
        sites: from
            .sites
            .into_iter()
            .take(100)
            .map(|s| plain::Site { name: reason(&s.name), url: reason(&s.url) })
            .collect(),
    }
}

fn asked(from: http::Request) -> Asked {
    Asked {
        endpoint: from.endpoint,
        method: match from.method {
            http::Method::Get => "GET",
            http::Method::Post => "POST",
            http::Method::Put => "PUT",
            http::Method::Patch => "PATCH",
            http::Method::Delete => "DELETE",
            http::Method::Head => "HEAD",
        },
        path: from.path,
        query: from.query,
        headers: from.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: match from.body {
            http::Body::Empty => Vec::new(),
            http::Body::Text(text) => text.into_bytes(),
            http::Body::Bytes(bytes) => bytes,
        },
        coding: match from.coding {
            http::ContentCoding::Identity => Coding::Identity,
            http::ContentCoding::Gzip => Coding::Gzip,
            http::ContentCoding::Deflate => Coding::Deflate,
            http::ContentCoding::Br => Coding::Br,
            http::ContentCoding::Zstd => Coding::Zstd,
        },
        timeout: from.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
    }
}

fn response(from: Answer) -> http::Response {
    let retry_after_ms = from.retry_after(SystemTime::now()).map(|wait| wait.as_secs_f64() * 1_000.0);
    let body = if from.body.is_empty() {
        http::Body::Empty
    } else {
        String::from_utf8(from.body)
            .map_or_else(|error| http::Body::Bytes(error.into_bytes()), http::Body::Text)
    };
    let headers = from.headers.into_iter().map(|(name, value)| http::Header { name, value }).collect();
    http::Response { status: from.status, headers, body, retry_after_ms }
}

fn error(from: Refusal) -> http::Error {
    match from {
        Refusal::Denied(why) => http::Error::Denied(why),
        // The gate answers it with 413.
        Refusal::Invalid(why) | Refusal::TooLarge(why) => http::Error::Invalid(why),
        Refusal::Unreachable(why) => http::Error::Unreachable(why),
        Refusal::Timeout => http::Error::Timeout,
        Refusal::ResponseTooLarge => http::Error::ResponseTooLarge,
        Refusal::Other(why) => http::Error::Other(why),
    }
}

impl http::Host for State {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        Ok(self.gate.clone().send(asked(request)).await.map(response).map_err(error))
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.log.write(level, Stream::Log, &message);
        Ok(())
    }
}

impl t::Host for State {}

/// A description of nothing, until there is one.
pub(crate) fn nothing() -> plain::Description {
    plain::Description {
        name: String::new(),
        version: String::new(),
        summary: String::new(),
        settings: Vec::new(),
        endpoints: Vec::new(),
        limits: plain::LimitsAsked { events: 1, bytes: 1, event_bytes: 1 },
        erases: false,
    }
}
