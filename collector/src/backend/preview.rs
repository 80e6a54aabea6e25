//! The request that would be sent now, made by the real component behind a door that only writes down.
//!
//! What this promises: nothing is sent, stored, taken up or created; credentials are masked; and for the
//! same events, attempt, request id and time it is byte for byte the request that a receiver gets, since
//! it is the same call. The events are the ones that a sender would take next; where there are none, or
//! nobody decided yet, they are samples of what the tool's schema declares.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

#[cfg(feature = "components")]
use super::Backend;
use super::json::Line;
use super::select::Choice;
use super::{Batch, Origin, SendContext};
use crate::consent::May;
use crate::delivery::limits::BatchLimits;
use crate::delivery::request::request_id;
use crate::delivery::{files, recorded};
use crate::event::{EventId, Timestamp, codec};
use crate::journal;
use crate::schema::Schema;
use crate::session::{self, Session};

/// Where a preview's events come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Of {
    /// They are pending.
    Pending,
    /// They are made up from the schema.
    Samples,
}

/// What would be sent now.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct Preview {
    /// Where its events come from.
    pub of: Of,
    /// Whether anything may be sent now, and who decided, as in `off: you have not decided yet`.
    pub telemetry: String,
    /// Where it would go.
    pub destination: String,
    /// Events in it.
    pub events: u64,
    /// Pending events beyond these; they would follow in requests of their own.
    pub more: u64,
    /// The requests. Empty where the backend is no component.
    pub requests: Vec<Request>,
    /// The events as JSON, one each: what the requests are made of.
    #[serde(serialize_with = "as_json")]
    pub lines: Vec<String>,
}

/// A request as it would leave, with credentials as `***`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Request {
    /// `POST` and so on.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// All headers, names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// The body as on the wire.
    pub body: Vec<u8>,
    /// The body before its content coding.
    pub body_before_coding: Vec<u8>,
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut it = to.serialize_struct("Request", 5)?;
        it.serialize_field("method", &self.method)?;
        it.serialize_field("url", &self.url)?;
        it.serialize_field("headers", &self.headers)?;
        it.serialize_field("body", &std::str::from_utf8(&self.body_before_coding).ok())?;
        it.serialize_field("wire_hex", &hex(&self.body))?;
        it.end()
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What would be sent at this moment. The error says why nothing can be shown.
pub(crate) fn preview(session: &Session, now: Timestamp) -> Result<Preview, String> {
    let destination = session.selected.destination.clone();
    let verdict = session.verdict();
    let may = verdict.may;
    let mut backend = Shown::open(session)?;
    let pending = if may == May::Send { pending(session, backend.limits(), now) } else { None };
    let (of, batch, context) = match pending {
        Some((batch, context)) => (Of::Pending, batch, context),
        None => {
            let batch = samples(session, now);
            let context = SendContext {
                attempt: 1,
                request_id: request_id(batch.events.iter().map(|event| event.id)),
                now,
            };
            (Of::Samples, batch, context)
        }
    };
    let requests = backend.show(&batch, &context)?;
    let lines = lines(&batch);
    let events = batch.events.len() as u64;
    let all = journal::survey(&session.journal_directory()).destinations;
    let waiting = all.get(&destination).copied().unwrap_or(0);
    let more = if of == Of::Pending { waiting.saturating_sub(events) } else { 0 };
    Ok(Preview { of, telemetry: verdict.reason(), destination, events, more, requests, lines })
}

/// The batch that a sender would take, by the same limits.
fn pending(session: &Session, limits: super::Limits, now: Timestamp) -> Option<(Batch, SendContext)> {
    let schedule = files::read_schedule(session.place.directory()).ok()?;
    let described =
        BatchLimits { events: limits.events, bytes: limits.bytes, event_bytes: limits.event_bytes };
    let limits = schedule.limits(described, now);
    let size = |kind, payload: &[u8]| {
        let event = codec::decode(recorded::ANY, payload).filter(|_| recorded::sendable(kind))?;
        let size = super::json::estimate(&event);
        (size <= limits.event_bytes).then(|| usize::try_from(size).unwrap_or(usize::MAX))
    };
    let want = |max_events: usize, max_bytes: usize| journal::Want {
        destination: Some(&session.selected.destination),
        max_events,
        max_bytes,
        size_of: &size,
        after: None,
    };
    let directory = session.journal_directory();
    let tried = schedule.in_flight().iter().min_by_key(|batch| batch.attempts);
    let again = tried.and_then(|tried| {
        let batch = journal::peek(&directory, &want(usize::MAX, usize::MAX), Some(&tried.span))?;
        Some((batch, tried.attempts.saturating_add(1)))
    });
    let (found, attempt) = again.or_else(|| {
        let bytes = usize::try_from(limits.bytes).unwrap_or(usize::MAX);
        Some((journal::peek(&directory, &want(limits.events as usize, bytes), None)?, 1))
    })?;
    let origin = serde_json::from_slice::<Origin>(&found.label.origin).ok()?;
    let request_id = request_id(found.records.iter().map(|record| EventId(record.id)));
    let events = found.records.iter().filter_map(recorded::event).collect();
    Some((Batch { origin, events }, SendContext { attempt, request_id, now }))
}

/// A sample of everything that the tool declares, by nobody in particular unless there is an id already.
fn samples(session: &Session, now: Timestamp) -> Batch {
    let known = session.verdict().may != May::Off && session.place.directory().join("identity").exists();
    let id = if known { session.machine_id() } else { Some("0".repeat(16)) };
    let id = id.filter(|_| session.config.identity.kind != crate::tool::IdentityKind::None);
    let schema = Schema::gather();
    let mut events = schema.samples(session.config.tool.extended, now);
    for event in &mut events {
        let mut attributes = event.attributes.to_vec();
        for own in &session.tool.metadata {
            if !attributes.iter().any(|attribute| attribute.key == own.key) {
                attributes.push(own.clone());
            }
        }
        event.attributes = attributes.into();
    }
    Batch { origin: session::origin(session, id), events }
}

/// What shows a batch: a component behind a recording door, or nothing but the events.
struct Shown {
    #[cfg(feature = "components")]
    component: Option<(super::component::Component, telemetry_host::Recorder)>,
}

#[cfg(feature = "components")]
impl Shown {
    fn open(session: &Session) -> Result<Self, String> {
        use super::component::{Outlet, open};
        let choice = &session.selected.choice;
        if !matches!(choice, Choice::Named(_) | Choice::Path(_)) {
            return Ok(Self { component: None });
        }
        let recorder = telemetry_host::Recorder::default();
        let at_most_once = session.config.delivery.semantics == crate::tool::Semantics::AtMostOnce;
        let cache = session.cache_that_is_there();
        let outlet = Outlet::Record(recorder.clone());
        let component = open(&session.tool, &session.config, choice, cache, outlet, at_most_once)?;
        Ok(Self { component: Some((component, recorder)) })
    }

    fn limits(&self) -> super::Limits {
        self.component.as_ref().map(|(component, _)| component.limits()).unwrap_or_default()
    }

    fn show(&mut self, batch: &Batch, context: &SendContext) -> Result<Vec<Request>, String> {
        let Some((component, recorder)) = &mut self.component else { return Ok(Vec::new()) };
        let outcome = component.send(batch, context);
        let requests: Vec<_> = recorder.take().into_iter().map(Request::from).collect();
        if requests.is_empty() {
            return Err(format!("the backend made no request: {outcome:?}"));
        }
        Ok(requests)
    }
}

#[cfg(not(feature = "components"))]
impl Shown {
    fn open(session: &Session) -> Result<Self, String> {
        match session.selected.choice {
            Choice::Named(_) | Choice::Path(_) => {
                Err("this tool records only: its program `<tool>-telemetry` shows what it would send".into())
            }
            _ => Ok(Self {}),
        }
    }

    fn limits(&self) -> super::Limits {
        super::Limits::default()
    }

    fn show(&mut self, _: &Batch, _: &SendContext) -> Result<Vec<Request>, String> {
        Ok(Vec::new())
    }
}

/// Lines of JSON as the JSON that they are.
fn as_json<S: Serializer>(lines: &[String], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(
        lines
            .iter()
            .map(|line| serde_json::from_slice::<serde_json::Value>(line.as_bytes()).unwrap_or_default()),
    )
}

fn lines(batch: &Batch) -> Vec<String> {
    let line = |event| serde_json::to_string(&Line::new(event, Some(&batch.origin)));
    batch.events.iter().filter_map(|event| line(event).ok()).collect()
}

#[cfg(feature = "components")]
impl From<telemetry_host::Outgoing> for Request {
    fn from(outgoing: telemetry_host::Outgoing) -> Self {
        let telemetry_host::Outgoing { method, url, headers, body, body_before_coding, .. } = outgoing;
        Self { method, url, headers, body, body_before_coding }
    }
}

#[cfg(all(test, feature = "bundled", feature = "compiler"))]
#[path = "preview_tests.rs"]
mod tests;
