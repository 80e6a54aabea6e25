//! The ways to ask, in their order: the author's own, an endpoint, the backend, an event, an e-mail. Where
//! one says that it cannot, the next is taken; where one is to be tried again, the lane waits for it.

use hmac_sha256::Hash;

use super::By;
use super::lane::Lane;
use super::mail::Mail;
use crate::backend::Ask;
use crate::backend::select::Choice;
use crate::backend::{Backend, Batch, Erasure, Outcome, SendContext, Verdict};
use crate::delivery::configured;
use crate::event::{EventId, Timestamp, deletion_request, kind};
use crate::session::Session;

/// A way to ask.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Way {
    Own,
    Endpoint(String),
    Backend,
    Event,
    Mail(String),
}

/// What came of asking.
pub(super) enum Asked {
    Answer(Erasure),
    Mail { mail: Mail, opened: bool },
}

fn ways(session: &Session) -> Vec<Way> {
    let table = &session.config.erasure;
    // The others keep everything on this machine, where `reset` has removed it.
    let is_vendor = !matches!(session.selected.choice, Choice::None | Choice::Stdout | Choice::File);
    let mut ways = Vec::new();
    ways.extend(session.tool.erase.as_ref().map(|_| Way::Own));
    ways.extend(table.endpoint.clone().map(Way::Endpoint));
    let nothing_chosen = ways.is_empty() && !table.event && table.email.is_none();
    if is_vendor && table.backend.unwrap_or(nothing_chosen) {
        ways.push(Way::Backend);
    }
    if is_vendor && table.event {
        ways.push(Way::Event);
    }
    ways.extend(table.email.clone().map(Way::Mail));
    ways
}

/// Whether the first way is one that only a build with components can go.
pub(super) fn need_helper(session: &Session) -> bool {
    match ways(session).first() {
        Some(Way::Endpoint(_)) => !cfg!(feature = "components"),
        Some(Way::Backend | Way::Event) => !configured::can_send(session),
        Some(Way::Own | Way::Mail(_)) | None => false,
    }
}

/// Asks for every id of the lane. Ids that are done with leave it as they go, so that nobody is asked twice.
pub(super) fn ask(session: &Session, lane: &mut Lane, by: By, now: Timestamp) -> Asked {
    let mut refused = Vec::new();
    for way in ways(session) {
        let ids = lane.ids.clone();
        let answer = match &way {
            Way::Own => match &session.tool.erase {
                Some(erase) => erase(&ids),
                None => continue,
            },
            Way::Endpoint(name) => endpoint(session, name, lane),
            Way::Backend => match backend(session) {
                Ok(mut backend) => backend.erase(&ids, &context(&ids, lane, now)),
                Err(why) => Erasure::Retry { reason: why, after: None },
            },
            Way::Event => match backend(session) {
                Ok(mut backend) => event(session, backend.as_mut(), lane, now),
                Err(why) => Erasure::Retry { reason: why, after: None },
            },
            Way::Mail(address) => match mail(session, address, &ids, by) {
                Some(asked) => return asked,
                None => Erasure::Unsupported(format!("an e-mail to {address} cannot be prepared")),
            },
        };
        match answer {
            Erasure::Unsupported(why) => refused.push(why),
            other => return Asked::Answer(other),
        }
    }
    if refused.is_empty() {
        refused.push("this tool names no way to ask".to_owned());
    }
    Asked::Answer(Erasure::Unsupported(refused.join("; ")))
}

fn mail(session: &Session, address: &str, ids: &[String], by: By) -> Option<Asked> {
    let mail = Mail::new(address, session.config.name(), ids)?;
    // A mail program opens before a person, and never out of the background or in a script.
    let seen = by == By::User
        && crate::platform::terminal::can_read()
        && crate::platform::terminal::can_show()
        && crate::platform::ci::current().is_none();
    let opened = seen && mail.open();
    Some(Asked::Mail { mail, opened })
}

fn backend(session: &Session) -> Result<Box<dyn Backend>, String> {
    if !cfg!(feature = "sender") {
        return Err("this tool records only: a program `<tool>-telemetry` beside it sends".into());
    }
    crate::delivery::sender::open_to_erase(session, leave(session))
}

/// Leave for one request: the user asked for it, and nothing forbids it as of now.
fn leave(session: &Session) -> Ask {
    let question = session.question.clone();
    std::sync::Arc::new(move || question.may_ask_for_erasure().map(|()| Box::new(()) as _))
}

fn context(ids: &[String], lane: &Lane, now: Timestamp) -> SendContext {
    let mut hash = Hash::new();
    hash.update(b"telemetry erasure");
    ids.iter().for_each(|id| hash.update(id));
    hash.update(lane.since().rfc3339());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    SendContext { attempt: lane.attempts.saturating_add(1), request_id: uuid(bytes).to_string(), now }
}

fn uuid(bytes: [u8; 16]) -> EventId {
    let half = |at: usize| bytes[at..at + 8].iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    EventId::from_parts(half(0), half(8))
}

/// A `data.deletion_request` event for each id, under the same event id at every attempt.
fn event(session: &Session, backend: &mut dyn Backend, lane: &mut Lane, now: Timestamp) -> Erasure {
    let ids = lane.ids.clone();
    let count = ids.len();
    for id in ids {
        let mut context = context(std::slice::from_ref(&id), lane, now);
        let mut event = deletion_request(&id);
        let hash = Hash::hash(context.request_id.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        event.id = uuid(bytes);
        event.time = lane.since();
        let origin = crate::session::origin(session, Some(id.clone()));
        context.now = now;
        let outcome = backend.send(&Batch { origin, events: vec![event] }, &context);
        let retry = |reason: String, after| Erasure::Retry { reason, after };
        match outcome {
            Outcome::Delivered => {}
            Outcome::Partial(verdicts) => match verdicts.into_iter().next() {
                Some(Verdict::Delivered) => {}
                Some(Verdict::Rejected(why)) => return Erasure::Unsupported(why),
                Some(Verdict::Retry(why)) => return retry(why, None),
                None => return retry("the backend gave no verdict".into(), None),
            },
            Outcome::Retry { reason, after } => return retry(reason, after),
            Outcome::Rejected(why) => return Erasure::Unsupported(why),
            Outcome::TooLarge => return Erasure::Unsupported("the request was too large".into()),
            Outcome::Held(why) | Outcome::Failed(why) => return retry(why, None),
            Outcome::Forbidden => return retry("it may not be sent now".into(), None),
        }
        done(session, lane, &id);
    }
    Erasure::Receipt(format!(
        "the backend took a {} event for {count} machine ids",
        kind::DATA_DELETION_REQUEST
    ))
}

/// This id has its receipt, whatever becomes of the others. What cannot be noted is asked again.
fn done(session: &Session, lane: &mut Lane, id: &str) {
    let directory = session.place.directory();
    let _ = crate::identity::erased(directory, &[id.to_owned()]);
    lane.ids.retain(|left| left != id);
    let _ = super::lane::write(directory, lane);
}

#[cfg(feature = "components")]
fn endpoint(session: &Session, name: &str, lane: &mut Lane) -> Erasure {
    use crate::backend::component;
    use telemetry_host as host;

    let ids = lane.ids.clone();
    let retry = |reason: String, after| Erasure::Retry { reason, after };
    let grant = match component::grant_of(&session.tool, &session.config, name) {
        Ok(grant) => grant,
        Err(why) => return retry(why, None),
    };
    for id in &ids {
        let door = component::door(leave(session));
        let body = serde_json::to_string(&serde_json::json!({ "machine_id": id })).unwrap_or_default();
        match host::post_json(grant.clone(), door, host::Proxies::from_env(), &body) {
            Err(error) => return retry(error.to_string(), None),
            Ok(answer) => match answer.status {
                200..=299 => done(session, lane, id),
                status @ (408 | 425 | 429 | 500..=599) => {
                    let after = answer.header("retry-after");
                    let after =
                        after.and_then(|at| host::parse_retry_after(at, std::time::SystemTime::now()));
                    return retry(format!("the erasure endpoint answered with status {status}"), after);
                }
                status => {
                    return Erasure::Unsupported(format!(
                        "the erasure endpoint refused with status {status}"
                    ));
                }
            },
        }
    }
    Erasure::Receipt(format!("the erasure endpoint accepted {} machine ids", ids.len()))
}

#[cfg(not(feature = "components"))]
fn endpoint(_: &Session, _: &str, _: &mut Lane) -> Erasure {
    Erasure::Retry {
        reason: "this tool records only: a program `<tool>-telemetry` beside it sends".into(),
        after: None,
    }
}
