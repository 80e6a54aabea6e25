//! Erasure: what was sent under this machine's ids is asked back, also after the user's no.
//!
//! What this promises, and why:
//!
//! - **Nothing is sent where nothing ever was.** The ids come from the list that a sender writes before
//!   its first request; without one there is no request.
//! - **It survives the no.** The request waits in a *lane*, a small file that holds ids and times and no
//!   event. An undecided run never looks for it; a denied one looks whether it is there, and starts a
//!   sender for it as for events: throttled, and nobody waits.
//! - **It comes after what is under way.** No request is made while a sender is at work, so that nothing
//!   arrives under an id after its erasure.
//! - **It ends.** With a receipt; with a stated "unsupported", which says what to do instead; or, after
//!   the author's time, as unconfirmed, with the author's support contact. The ids leave the list only
//!   with a receipt.
//! - **`DO_NOT_TRACK` pauses it**, and so does whatever lets nothing leave this machine.

mod asking;
mod lane;
pub(crate) mod mail;
mod ways;

pub use asking::Progress;
pub(crate) use asking::{By, carry_on};
pub(crate) use asking::{begin, nothing_is_being_sent, state};
pub(crate) use lane::{Ended, How};

use lane::Due;

use crate::consent::{DecidedBy, Verdict};
use crate::delivery::{Unreadable, start};
use crate::event::Timestamp;
use crate::identity;
use crate::session::Session;

/// At the start of a run that sends nothing: where the user said no, or local only, and a lane is due, a
/// sender. Who never said anything has no lane, and where the environment decided nothing is looked at.
pub(crate) fn at_start(session: &std::sync::Arc<Session>, verdict: &Verdict) {
    if !matches!(verdict.decided_by, DecidedBy::StoredNo | DecidedBy::StoredYes) {
        return;
    }
    if !waits(session) {
        return;
    }
    let directory = session.place.directory();
    if !cfg!(feature = "sender") {
        // The helper reads the lane, and ends where that says to wait.
        return start::for_erasure(session);
    }
    let give_up = session.config.erasure.give_up;
    let due = match lane::read(directory) {
        Ok(Some(lane)) => !matches!(lane.due(Timestamp::now(), give_up, false), Due::NotBefore(_)),
        Err(Unreadable::Damaged) => true,
        Ok(None) | Err(Unreadable::Newer { .. }) => false,
    };
    if due && session.question.may_ask_for_erasure().is_ok() {
        start::for_erasure(session);
    }
}

/// Whether there is a request that still waits.
pub(crate) fn waits(session: &Session) -> bool {
    std::fs::symlink_metadata(lane::path(session.place.directory())).is_ok()
}

/// A number for the throttle, which needs one that differs between machines; no id is made for it.
pub(crate) fn seed(session: &Session) -> u64 {
    if !cfg!(feature = "sender") {
        return identity::local_seed(&session.config.tool.id);
    }
    let lane = lane::read(session.place.directory()).ok().flatten();
    let first = lane.and_then(|lane| lane.ids.first().and_then(|id| u64::from_str_radix(id, 16).ok()));
    first.unwrap_or_else(|| identity::local_seed(&session.config.tool.id))
}
