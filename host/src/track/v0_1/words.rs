//! The words of this track from and to the host's own. Nothing is judged here: see [`crate::track::checked`].

use super::bindings::exports::telemetry::backend::exporter as wit;
use super::bindings::telemetry::backend::types as t;
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
pub(super) fn batch(from: plain::Batch) -> t::Batch {
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
pub(super) fn context(from: plain::SendContext) -> t::SendContext {
    t::SendContext { attempt: from.attempt, request_id: from.request_id, now: instant(from.now) }
}

fn advice(from: t::RetryAdvice) -> plain::RetryAdvice {
    plain::RetryAdvice { reason: from.reason, after_ms: from.after_ms }
}

fn verdict(from: t::Verdict) -> plain::Verdict {
    match from {
        t::Verdict::Delivered => plain::Verdict::Delivered,
        t::Verdict::Retry(why) => plain::Verdict::Retry(why),
        t::Verdict::Rejected(why) => plain::Verdict::Rejected(why),
        t::Verdict::Other(why) => plain::Verdict::Other(why),
    }
}

/// An outcome.
pub(super) fn outcome(from: t::Outcome) -> plain::Outcome {
    match from {
        t::Outcome::Delivered => plain::Outcome::Delivered,
        t::Outcome::Partial(verdicts) => plain::Outcome::Partial(verdicts.into_iter().map(verdict).collect()),
        t::Outcome::Retry(why) => plain::Outcome::Retry(advice(why)),
        t::Outcome::TooLarge => plain::Outcome::TooLarge,
        t::Outcome::Rejected(why) => plain::Outcome::Rejected(why),
        t::Outcome::Other(why) => plain::Outcome::Other(why),
    }
}

/// An erasure's answer.
pub(super) fn erasure(from: t::Erasure) -> plain::Erasure {
    match from {
        t::Erasure::Receipt(text) => plain::Erasure::Receipt(text),
        t::Erasure::Unsupported(text) => plain::Erasure::Unsupported(text),
        t::Erasure::Retry(why) => plain::Erasure::Retry(advice(why)),
        t::Erasure::Other(text) => plain::Erasure::Other(text),
    }
}

/// The problems of `configure`.
pub(super) fn problems(from: Vec<wit::Problem>) -> Vec<plain::Problem> {
    from.into_iter().map(|p| plain::Problem { key: p.key, message: p.message }).collect()
}

/// A description.
pub(super) fn description(from: wit::Description) -> plain::Description {
    let setting = |s: wit::Setting| plain::Setting {
        key: s.key,
        summary: s.summary,
        required: s.required,
        default: s.default,
    };
    plain::Description {
        name: from.name,
        version: from.version,
        summary: from.summary,
        settings: from.settings.into_iter().map(setting).collect(),
        endpoints: from.endpoints.into_iter().map(endpoint).collect(),
        limits: plain::LimitsAsked {
            events: from.limits.events,
            bytes: from.limits.bytes,
            event_bytes: from.limits.event_bytes,
        },
        erases: from.erases,
    }
}

fn endpoint(from: wit::Endpoint) -> plain::Endpoint {
    let credential = |from: wit::Credential| plain::Credential {
        placement: match from.placement {
            wit::Placement::Header(name) => plain::Placement::Header(name),
            wit::Placement::Bearer => plain::Placement::Bearer,
            wit::Placement::Basic => plain::Placement::Basic,
            wit::Placement::Query(name) => plain::Placement::Query(name),
            wit::Placement::Other(text) => plain::Placement::Other(text),
        },
        summary: from.summary,
        required: from.required,
    };
    plain::Endpoint {
        name: from.name,
        summary: from.summary,
        required: from.required,
        credential: from.credential.map(credential),
        sites: from.sites.into_iter().map(|s| plain::Site { name: s.name, url: s.url }).collect(),
    }
}
