//! Delivery at once, because the user asked.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::CommandError;
use crate::consent::May;
use crate::delivery::sender::{self, Finished, Urgency};
use crate::delivery::{configured, files, helper};
use crate::erasure::Progress;
use crate::event::Timestamp;
use crate::journal;
use crate::session::Session;

/// What a flush did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Flushed {
    /// Events that the backend took.
    pub delivered: u64,
    /// What came of a request to erase that was still waiting, if one was.
    pub erasure: Option<Progress>,
    /// Why events are left, if any are.
    pub left: Option<String>,
}

/// How often it looks whether another sender is done.
const BUSY: Duration = Duration::from_millis(20);

/// Delivers what is pending now, whatever the schedule says, and waits for it.
///
/// # Errors
/// Where telemetry was not started or its configuration cannot be used.
pub fn flush() -> Result<Flushed, CommandError> {
    let session = super::begin()?;
    let verdict = session.verdict();
    // The user's own request outlives the user's no.
    let erasure = crate::erasure::carry_on(&session, crate::erasure::By::User);
    if verdict.may == May::Off {
        return Ok(Flushed {
            delivered: 0,
            erasure,
            left: Some(format!("telemetry is {}", verdict.reason())),
        });
    }
    crate::recorder::seal();
    if cfg!(feature = "sender") && (verdict.may == May::Local || configured::can_send(&session)) {
        return Ok(by_itself(&session, erasure));
    }
    Ok(by_helper(&session, erasure))
}

/// This process sends.
fn by_itself(session: &Session, erasure: Option<Progress>) -> Flushed {
    let deadline = Instant::now() + session.config.delivery.lifetime;
    let mut report = sender::run(session, Urgency::Now, deadline, true);
    // Another run's sender, or this one's own in CI, is at work: what it leaves is for this one.
    while report.finished == Finished::Busy && Instant::now() < deadline {
        std::thread::sleep(BUSY);
        report = sender::run(session, Urgency::Now, deadline, true);
    }
    let left = match report.finished {
        Finished::Empty => None,
        Finished::Busy => Some("another process is sending them".to_owned()),
        Finished::Waiting(moment, reason) => {
            Some(format!("{reason} (next attempt after {})", moment.rfc3339()))
        }
        Finished::Held(why) | Finished::Forbidden(why) => Some(why),
        Finished::OutOfTime => Some("there was no time for all of them: run it again".to_owned()),
    };
    Flushed { delivered: report.delivered, erasure, left }
}

/// The tool only records: its helper sends, and what it left tells how that went.
fn by_helper(session: &Session, erasure: Option<Progress>) -> Flushed {
    let schedule = || files::read_schedule(session.place.directory()).unwrap_or_default();
    let before = schedule().totals().delivered;
    let asked = helper::flush(session);
    let after = schedule();
    let survey = journal::survey(&session.journal_directory());
    let left = match asked {
        Err(why) => Some(why),
        Ok(()) if survey.events + survey.interrupted == 0 => None,
        Ok(()) => {
            let held = after.held(&configured::rules(session)).map(|(why, ..)| why.to_owned());
            Some(held.unwrap_or_else(|| match (after.not_before(), after.last()) {
                (Some(moment), Some((_, _, reason))) if moment > Timestamp::now() => {
                    format!("{reason} (next attempt after {})", moment.rfc3339())
                }
                _ => "the program beside this tool did not send all of them: run it again".to_owned(),
            }))
        }
    };
    Flushed { delivered: after.totals().delivered.saturating_sub(before), erasure, left }
}
