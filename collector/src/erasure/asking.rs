//! Asking, and what comes of it: the lane is opened, carried on and ended.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::lane::{Due, Lane};
use super::{Ended, How, lane, ways};
use crate::backend::Erasure;
use crate::delivery::Unreadable;
use crate::delivery::backoff::Backoff;
use crate::delivery::{helper, rules};
use crate::diagnostics::Severity;
use crate::event::Timestamp;
use crate::platform::{private, random};
use crate::session::Session;
use crate::{identity, journal};

/// What came of a request to erase.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Progress {
    /// Nothing was ever sent under an id of this machine, so there is nothing to ask for.
    NothingSent,
    /// It is accepted.
    Accepted {
        /// What the vendor gave as proof.
        receipt: String,
    },
    /// It is not possible from here.
    Unsupported {
        /// What the user can do instead.
        instead: String,
    },
    /// The user has to send an e-mail.
    Mail {
        /// To whom.
        to: String,
        /// The prepared message as a link.
        link: String,
        /// Whether a mail program was started with it.
        opened: bool,
    },
    /// It is tried again by a later run.
    Waiting {
        /// Why there is no receipt yet.
        reason: String,
        /// Not before this moment.
        next: Option<String>,
    },
    /// It waits until this is no longer so.
    Paused {
        /// What keeps it, as in `DO_NOT_TRACK is set`.
        reason: String,
    },
    /// Nobody confirmed it in time.
    Unconfirmed {
        /// What the user can do now.
        instead: String,
    },
}

/// Who carries a lane on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum By {
    /// The user, who waits for the answer: at once, and a mail program may open.
    User,
    /// A sender, when it is due.
    Sender,
}

/// Opens the lane for every id that something was sent under, and makes the first attempt.
pub(crate) fn begin(session: &Session) -> std::io::Result<Progress> {
    let directory = session.place.directory();
    let mut ids = identity::sent_under(directory)?;
    if let Ok(Some(waiting)) = lane::read(directory) {
        ids.extend(waiting.ids);
        ids.sort_unstable();
        ids.dedup();
    }
    if ids.is_empty() {
        return Ok(Progress::NothingSent);
    }
    lane::write(directory, &Lane::new(ids, Timestamp::now()))?;
    Ok(carry_on(session, By::User).unwrap_or(Progress::NothingSent))
}

/// Carries the lane on, if there is one and this is the time. None where there is none.
pub(crate) fn carry_on(session: &Session, by: By) -> Option<Progress> {
    let directory = session.place.directory();
    // A look that costs a microsecond, for all who never asked.
    std::fs::symlink_metadata(lane::path(directory)).ok()?;
    let mut lane = match lane::read(directory) {
        Ok(lane) => lane?,
        Err(Unreadable::Damaged) => Lane::new(sent_before(session), Timestamp::now()),
        Err(newer @ Unreadable::Newer { .. }) => {
            return Some(Progress::Paused { reason: format!("the request to erase: {newer}") });
        }
    };
    let waiting = |lane: &Lane, reason: &str| {
        Some(Progress::Waiting { reason: reason.to_owned(), next: lane.next().map(Timestamp::rfc3339) })
    };
    if lane.ids.is_empty() {
        return finish(session, How::Receipt, "there was nothing to erase");
    }
    if let Err(reason) = session.question.may_ask_for_erasure() {
        return Some(Progress::Paused { reason });
    }
    let now = Timestamp::now();
    match lane.due(now, session.config.erasure.give_up, by == By::User) {
        Due::Now => {}
        Due::NotBefore(_) => return waiting(&lane, &lane.reason),
        Due::TooLate => return finish(session, How::Unconfirmed, &unconfirmed(session, &lane)),
    }
    if ways::need_helper(session) {
        return by_helper(session, by, lane);
    }
    // One at a time; who is second leaves it to the first.
    let turn = private::open_stable(&directory.join("erasure.lock")).ok()?;
    let patience = if by == By::User { PATIENCE } else { Duration::ZERO };
    if !within(patience, || turn.try_lock().is_ok()) {
        return waiting(&lane, "another process is asking");
    }
    // Who was first may have had the answer meanwhile.
    lane = lane::read(directory).ok().flatten().filter(|lane| !lane.ids.is_empty()).unwrap_or(lane);
    if std::fs::symlink_metadata(lane::path(directory)).is_err() {
        return ended(directory);
    }
    if let Due::NotBefore(_) = lane.due(now, session.config.erasure.give_up, by == By::User) {
        return waiting(&lane, &lane.reason);
    }
    if !within(patience, || journal::draining(&session.journal_directory()).is_none()) {
        return waiting(&lane, "events are being sent; the request comes after them");
    }
    let asked = ways::ask(session, &mut lane, by, now);
    let answer = match asked {
        ways::Asked::Mail { mail, opened } => {
            let what = format!("write to {} and name {}", mail.to, lane.ids.join(", "));
            let _ = finish(session, How::Mail, &what);
            return Some(Progress::Mail { to: mail.to.clone(), link: mail.link(), opened });
        }
        ways::Asked::Answer(answer) => answer,
    };
    match answer {
        Erasure::Receipt(receipt) => {
            if let Err(error) = identity::erased(directory, &lane.ids) {
                session.logger.log(Severity::Warning, format!("erased ids stay on the list: {error}"));
            }
            finish(session, How::Receipt, &receipt)
        }
        Erasure::Unsupported(instead) => finish(session, How::Unsupported, &with_contact(session, &instead)),
        Erasure::Retry { reason, after } => {
            let base = session.config.delivery.interval.min(rules::INTERVAL);
            let backoff = Backoff { base, max: rules::BACKOFF_MAX };
            lane.failed(&reason, after, now, &backoff, &mut random::share);
            if let Err(error) = lane::write(directory, &lane) {
                session.logger.log(Severity::Warning, format!("the request to erase was not noted: {error}"));
            }
            waiting(&lane, &lane.reason)
        }
    }
}

/// This tool only records, so the program beside it asks: at once where the user waits for the answer, else
/// when a later run starts it.
fn by_helper(session: &Session, by: By, lane: Lane) -> Option<Progress> {
    let directory = session.place.directory();
    let asked = if by == By::User { helper::flush(session) } else { Ok(()) };
    if std::fs::symlink_metadata(lane::path(directory)).is_err() {
        return ended(directory);
    }
    let lane = lane::read(directory).ok().flatten().unwrap_or(lane);
    let reason = match asked {
        Err(why) => why,
        Ok(()) if lane.attempts == 0 => "the program beside this tool has not asked yet".to_owned(),
        Ok(()) => lane.reason.clone(),
    };
    Some(Progress::Waiting { reason, next: lane.next().map(Timestamp::rfc3339) })
}

/// Where the lane stands, or how the last one ended; for `status`. Looks only.
pub(crate) fn state(session: &Session) -> Option<String> {
    let directory = session.place.directory();
    match lane::read(directory) {
        Ok(Some(lane)) => {
            let asked = format!("asked for at {}", lane.since().rfc3339());
            Some(match session.question.may_ask_for_erasure() {
                Err(reason) => format!("{asked}; paused: {reason}"),
                Ok(()) if lane.attempts == 0 => format!("{asked}; not sent yet"),
                Ok(()) => {
                    let next = lane.next().map(|at| format!(", next attempt after {}", at.rfc3339()));
                    format!("{asked}; waiting: {}{}", lane.reason, next.unwrap_or_default())
                }
            })
        }
        Ok(None) => {
            let Ended { how, text, .. } = lane::ended(directory)?;
            let at = lane::ended(directory)?.at().rfc3339();
            Some(match how {
                How::Receipt => format!("accepted at {at}: {text}"),
                How::Unsupported => format!("not possible from here: {text}"),
                How::Mail => format!("by e-mail: {text}"),
                How::Unconfirmed => format!("unconfirmed: {text}"),
            })
        }
        Err(unreadable) => Some(format!("the request to erase: {unreadable}")),
    }
}

/// Whether this comes true in time.
fn within(patience: Duration, mut is_true: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    loop {
        if is_true() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How the lane ended that another process carried on.
fn ended(directory: &std::path::Path) -> Option<Progress> {
    let Ended { how, text, .. } = lane::ended(directory)?;
    Some(progress(how, text))
}

fn progress(how: How, text: String) -> Progress {
    match how {
        How::Receipt => Progress::Accepted { receipt: text },
        How::Unsupported | How::Mail => Progress::Unsupported { instead: text },
        How::Unconfirmed => Progress::Unconfirmed { instead: text },
    }
}

fn finish(session: &Session, how: How, text: &str) -> Option<Progress> {
    let ended = Ended::new(how, text, Timestamp::now());
    if let Err(error) = lane::end(session.place.directory(), &ended) {
        session.logger.log(Severity::Warning, format!("the request to erase was not taken off: {error}"));
    }
    Some(progress(how, text.to_owned()))
}

/// The ids that were sent under, without the one in use.
fn sent_before(session: &Session) -> Vec<String> {
    let directory = session.place.directory();
    let in_use = directory.join("identity").exists().then(|| session.machine_id()).flatten();
    let mut ids = identity::sent_under(directory).unwrap_or_default();
    ids.retain(|id| Some(id) != in_use.as_ref());
    ids
}

fn unconfirmed(session: &Session, lane: &Lane) -> String {
    let days = session.config.erasure.give_up.as_secs() / 86_400;
    let last = if lane.reason.is_empty() { String::new() } else { format!(" (last: {})", lane.reason) };
    with_contact(session, &format!("nobody confirmed it within {days} days{last}"))
}

/// What to do instead, with the author's contact and the ids to name.
fn with_contact(session: &Session, what: &str) -> String {
    let ids = identity::sent_under(session.place.directory()).unwrap_or_default().join(", ");
    match &session.config.consent.support {
        // Where the backend says to write already, what is missing is where to.
        Some(contact) if what.contains("write to") => {
            format!("{what} (the address: {contact}; your machine ids: {ids})")
        }
        Some(contact) => format!("{what}; write to {contact} and name {ids}"),
        None if what.contains("write to") => format!("{what} (your machine ids: {ids})"),
        None => format!("{what}; ask whoever gave you this tool, and name {ids}"),
    }
}

/// The longest that the user's own attempt waits for events that are being sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits, for a moment, until no events are being sent; says whether that is so.
pub(crate) fn nothing_is_being_sent(session: &Session) -> bool {
    within(PATIENCE, || journal::draining(&session.journal_directory()).is_none())
}
