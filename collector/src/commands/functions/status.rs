//! What is decided and by whom, what is pending, and why it is not gone.

use serde::Serialize;

use super::CommandError;
use crate::consent::{May, Stored, file};
use crate::delivery::configured::rules;
use crate::delivery::start::Way;
use crate::delivery::{files, helper};
use crate::event::Timestamp;
use crate::journal;
use crate::platform::writable;
use crate::session::{self, Session};
use crate::tool::Config;

/// Everything that `status` shows. Its JSON form has the same names.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// `on`, `local only` or `off`.
    pub telemetry: String,
    /// The stored decision: `granted`, `local only`, `denied` or `undecided`.
    pub decision: String,
    /// When it was stored.
    pub decided_at: Option<String>,
    /// The step that decided, in words, and where nothing may leave although the answer is yes, why.
    pub decided_by: String,
    /// What the user can do about it.
    pub advice: String,
    /// Values that were not understood.
    pub warnings: Vec<String>,
    /// The backend's name.
    pub backend: String,
    /// What consent is given for.
    pub destination: String,
    /// Endpoints whose requests go through a proxy that the environment names, each with that proxy: behind it
    /// names are the proxy's to judge.
    pub proxies: Vec<(String, String)>,
    /// The machine id, where one is in use.
    pub machine_id: Option<String>,
    /// Every machine id that something was sent under and whose erasure has no receipt.
    pub sent_under: Vec<String>,
    /// Whether arguments and error texts are recorded too.
    pub extended: bool,
    /// Shares of machines that record a kind of event, where the author samples.
    pub sampling: Vec<(String, f64)>,
    /// Most events that one run records, where the author set a figure.
    pub ceiling: Option<u64>,
    /// A sender starts not more often than this, in seconds…
    pub interval_seconds: f64,
    /// …stretched by up to this share of it, which spreads a fleet.
    pub jitter: f64,
    /// Events that are pending.
    pub pending_events: u64,
    /// Their bytes on disk.
    pub pending_bytes: u64,
    /// Events delivered so far.
    pub delivered: u64,
    /// When events were last delivered.
    pub last_delivery: Option<String>,
    /// What became of the last attempt.
    pub last_attempt: Option<String>,
    /// The earliest time of the next attempt, where that is known.
    pub next_attempt: Option<String>,
    /// Why nothing can be delivered until somebody acts.
    pub held: Option<String>,
    /// Where a request to erase stands, if there ever was one.
    pub erasure: Option<String>,
    /// Where the user turns with questions.
    pub support: Option<String>,
    /// Events that were lost, by cause.
    pub losses: Vec<(String, u64)>,
    /// Events that were set aside so far: the backend or its vendor never takes them, or they were tried too
    /// often. They are among the losses, by cause.
    pub set_aside: u64,
    /// How many of them are still kept, for the author to look at.
    pub set_aside_kept: u64,
    /// Why the last of them was, as far as it is still there.
    pub set_aside_because: Option<String>,
    /// How a sender is started.
    pub sender: String,
    /// Whether one is running.
    pub sending: bool,
    /// Where everything is kept.
    pub directory: String,
}

/// Looks, and changes nothing.
///
/// # Errors
/// Where telemetry was not started or its configuration cannot be used; the text is what `status` shows
/// then.
pub fn status() -> Result<Status, CommandError> {
    let session = super::begin()?;
    let verdict = session.verdict();
    let survey = journal::survey(&session.journal_directory());
    let rules = rules(&session);
    let schedule = files::read_schedule(session.place.directory());
    let (mut held, mut delivered, mut last_delivery, mut last_attempt, mut next_attempt) =
        (None, 0, None, None, None);
    match &schedule {
        Err(unreadable) => held = Some(format!("the delivery schedule: {unreadable}")),
        Ok(schedule) => {
            held = schedule.held(&rules).map(|(why, ..)| why.to_owned()).or(held);
            delivered = schedule.totals().delivered;
            last_delivery = schedule.last_success().map(Timestamp::rfc3339);
            last_attempt = schedule.last().map(|(at, outcome, reason)| match reason {
                "" => format!("{outcome} at {}", at.rfc3339()),
                reason => format!("{outcome} at {}: {reason}", at.rfc3339()),
            });
            next_attempt = schedule.not_before().filter(|at| *at > Timestamp::now()).map(Timestamp::rfc3339);
        }
    }
    if verdict.may == May::Send {
        held = helper::missing(&session).or(held);
    }
    let stored = file::read(&session.place);
    let config = &session.config;
    Ok(Status {
        telemetry: verdict.may.to_string(),
        decision: stored.decision().to_string(),
        decided_at: match &stored {
            Stored::Record(record) => Some(record.time.rfc3339()),
            Stored::Nothing | Stored::Unreadable(_) => None,
        },
        decided_by: match &verdict.local_because {
            Some(because) => format!("{}; {because}", verdict.decided_by),
            None => verdict.decided_by.to_string(),
        },
        advice: verdict.advice(&crate::commands::command(&session)),
        warnings: verdict
            .warnings
            .iter()
            .map(ToString::to_string)
            .chain(left_alone(&survey))
            .chain(not_written(&session, verdict.may))
            .collect(),
        backend: session.selected.name.clone(),
        destination: session.selected.destination.clone(),
        proxies: proxies(config),
        machine_id: if verdict.may == May::Off { None } else { session.machine_id() },
        sent_under: crate::identity::sent_under(session.place.directory()).unwrap_or_default(),
        extended: session.config.tool.extended,
        sampling: config.delivery.sample.iter().map(|(kind, share)| (kind.clone(), *share)).collect(),
        ceiling: Some(config.delivery.max_events_per_run).filter(|most| *most != u64::MAX),
        interval_seconds: config.delivery.interval.as_secs_f64(),
        jitter: config.delivery.jitter,
        pending_events: survey.events,
        pending_bytes: survey.bytes,
        delivered,
        last_delivery,
        last_attempt,
        next_attempt,
        held,
        erasure: crate::erasure::state(&session),
        support: config.consent.support.clone(),
        losses: survey.losses.iter().map(|(cause, count)| (cause.as_str().to_owned(), *count)).collect(),
        set_aside: survey.quarantined,
        set_aside_kept: survey.set_aside,
        set_aside_because: survey.set_aside_because.clone(),
        sender: sender_in_words(&session, &session::way(&session)),
        sending: survey.draining.is_some(),
        directory: session.place.directory().display().to_string(),
    })
}

/// As this process's environment has it; a sender inherits it.
#[cfg(feature = "components")]
fn proxies(config: &Config) -> Vec<(String, String)> {
    let all = telemetry_host::Proxies::from_env();
    let through = config.endpoints.iter().filter(|(_, endpoint)| endpoint.proxy);
    through.filter_map(|(name, endpoint)| Some((name.clone(), all.shown_for(&endpoint.url)?))).collect()
}

/// A program without components sends nothing itself.
#[cfg(not(feature = "components"))]
fn proxies(_: &Config) -> Vec<(String, String)> {
    Vec::new()
}

/// What of the journal cannot be used, and what becomes of it.
fn left_alone(survey: &journal::Survey) -> impl Iterator<Item = String> {
    let newer = survey.newer;
    let newer = (newer > 0).then(|| {
        format!("{newer} files of the journal are of a newer version and left alone: update the tool")
    });
    let damaged = survey.unreadable;
    let damaged = (damaged > 0).then(|| {
        format!("{damaged} files of the journal cannot be read: the next sender counts what they held")
    });
    survey.problem.clone().into_iter().chain(newer).chain(damaged)
}

/// Why what is recorded now goes to memory only, or would. Nothing is written to find out.
fn not_written(session: &Session, may: May) -> Option<String> {
    if may == May::Off {
        return None;
    }
    // What this very process met counts more than what the system says of the directory.
    let met = crate::recorder::health().and_then(|health| health.fallback).map(|why| why.to_string());
    let why = met.or_else(|| {
        let directory = session.journal_directory();
        let why = writable::problem(&directory)?;
        Some(format!("the journal in {} cannot be written: {why}", directory.display()))
    })?;
    Some(format!("{why}; events are kept in memory until it can, and are lost with their process"))
}

/// How a sender is started.
pub(super) fn sender_in_words(session: &Session, way: &Way) -> String {
    match way {
        _ if helper::missing(session).is_some() => "none".to_owned(),
        Way::Detached => "a process of its own, which nobody waits for".to_owned(),
        Way::Helper(program) => program.display().to_string(),
        Way::Overlapped => "a thread of the next run".to_owned(),
        Way::Bounded(wait) => format!("at exit, for {} ms at most", wait.as_millis()),
        Way::Inline => "at exit, without a network".to_owned(),
        Way::Never => "only `flush`".to_owned(),
    }
}
