//! Everything that must be right for an event to arrive, one check each.

use std::path::Path;

use serde::Serialize;

use super::CommandError;
use crate::backend::select::Choice;
use crate::consent::{May, Stored, file};
use crate::delivery::start::Way;
use crate::delivery::{Unreadable, configured, files, helper};
use crate::event::Timestamp;
use crate::journal;
use crate::platform::private;
use crate::session::{self, Session};
use crate::tool::{CredentialSource, Mode, shipping};

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// It does not apply here.
    Skip,
    /// It is right.
    Pass,
    /// It works, and somebody should look at it.
    Warn,
    /// Events do not arrive until it is mended.
    Fail,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found, and where it is not right, what to do.
    pub detail: String,
}

/// Every check, in the order of an event's way.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Diagnosis {
    /// Whether no check failed.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Fail)
    }

    fn add(&mut self, name: impl Into<String>, outcome: Outcome, detail: impl Into<String>) {
        self.checks.push(Check { name: name.into(), outcome, detail: detail.into() });
    }
}

/// Names resolve and connect within this, or somebody should look.
#[cfg(feature = "components")]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
/// 2025-01-01: a clock before this is wrong, and so is one after 2100.
const SENSIBLE: std::ops::Range<i64> = 1_735_689_600..4_102_444_800;

/// Checks everything that must be right for an event to arrive. No event is sent, and nothing is dialled
/// unless telemetry is on.
///
/// # Errors
/// Where telemetry was not started; a configuration that cannot be used is a failed check.
pub fn doctor() -> Result<Diagnosis, CommandError> {
    let mut diagnosis = Diagnosis::default();
    let session = match super::begin() {
        Ok(session) => session,
        Err(session::NoSession::NotStarted) => return Err(session::NoSession::NotStarted.into()),
        Err(why) => {
            diagnosis.add("configuration", Outcome::Fail, why.to_string());
            return Ok(diagnosis);
        }
    };
    diagnosis.add("configuration", Outcome::Pass, session.config.tool.id.clone());
    decision(&session, &mut diagnosis);
    directory(&session, &mut diagnosis);
    backend(&session, &mut diagnosis);
    credentials(&session, &mut diagnosis);
    network(&session, &mut diagnosis);
    start(&session, &mut diagnosis);
    clock(&session, &mut diagnosis);
    delivery(&session, &mut diagnosis);
    if let Some(state) = crate::erasure::state(&session) {
        let waits = state.contains("waiting") || state.contains("unconfirmed");
        diagnosis.add("erasure", if waits { Outcome::Warn } else { Outcome::Pass }, state);
    }
    Ok(diagnosis)
}

fn decision(session: &Session, to: &mut Diagnosis) {
    let verdict = session.verdict();
    match file::read(&session.place) {
        Stored::Unreadable(why) => to.add(
            "decision",
            Outcome::Fail,
            format!(
                "{}: {why}; {}",
                session.place.consent().display(),
                verdict.advice(&crate::commands::command(session))
            ),
        ),
        _ if verdict.may == May::Off => to.add("decision", Outcome::Skip, verdict.reason()),
        _ => to.add("decision", Outcome::Pass, verdict.reason()),
    }
    for warning in &verdict.warnings {
        to.add("environment", Outcome::Warn, warning.to_string());
    }
}

fn directory(session: &Session, to: &mut Diagnosis) {
    let directory = session.place.directory();
    if !directory.exists() {
        return to.add("journal", Outcome::Skip, format!("{} is made with a yes", directory.display()));
    }
    if session.verdict().may == May::Off {
        to.add("journal", Outcome::Skip, format!("nothing is written to {}", directory.display()));
    } else {
        try_to_write(directory, to);
    }
    let survey = journal::survey(&session.journal_directory());
    if let Some(problem) = survey.problem {
        to.add("journal", Outcome::Fail, problem);
    }
    if survey.newer > 0 {
        let what = format!("{} segments of a newer version are left alone: update the tool", survey.newer);
        to.add("journal", Outcome::Warn, what);
    }
    if survey.quarantined > 0 {
        let because = survey.set_aside_because.map(|why| format!(": {why}")).unwrap_or_default();
        to.add("set aside", Outcome::Warn, format!("{} events are never sent{because}", survey.quarantined));
    }
    for (cause, count) in survey.losses.iter().filter(|(_, count)| *count > 0) {
        to.add("losses", Outcome::Warn, format!("{count} events: {}", cause.as_str()));
    }
}

/// A file beside the journal, gone again at once: permissions alone do not tell of a full disk.
fn try_to_write(directory: &Path, to: &mut Diagnosis) {
    let probe = directory.join(format!("doctor.{}.tmp", std::process::id()));
    let tried = private::create(&probe, b"doctor").and_then(|_| private::remove(&probe).map(drop));
    match tried {
        Ok(()) => to.add("journal", Outcome::Pass, format!("{} can be written", directory.display())),
        Err(error) => to.add(
            "journal",
            Outcome::Fail,
            format!(
                "{} cannot be written: {error}; events are not recorded until it can",
                directory.display()
            ),
        ),
    }
}

#[cfg(feature = "components")]
fn backend(session: &Session, to: &mut Diagnosis) {
    use crate::backend::component::{Outlet, open};
    let choice = &session.selected.choice;
    let name = &session.selected.name;
    if !matches!(choice, Choice::Named(_) | Choice::Path(_)) {
        let outcome = if *choice == Choice::None { Outcome::Skip } else { Outcome::Pass };
        return to.add("backend", outcome, format!("{name}, which is no component"));
    }
    let outlet = Outlet::Record(telemetry_host::Recorder::default());
    match open(&session.tool, &session.config, choice, session.cache_that_is_there(), outlet, false) {
        Err(why) => to.add("backend", Outcome::Fail, why),
        Ok(component) => {
            to.add("backend", Outcome::Pass, format!("{name} loads and takes its settings"));
            let wanted = component.endpoints();
            let erasure = session.config.erasure.endpoint.as_deref();
            for granted in session.config.endpoints.keys() {
                if Some(granted.as_str()) != erasure && !wanted.iter().any(|it| it == granted) {
                    let what = format!("[endpoints.{granted}] is granted, and {name} does not ask for it");
                    to.add("grants", Outcome::Warn, what);
                }
            }
        }
    }
    match (&session.config.backend.sha256, choice) {
        (Some(pin), _) => to.add("pin", Outcome::Pass, format!("sha256 = \"{pin}\"")),
        (None, Choice::Path(path)) => to.add(
            "pin",
            Outcome::Warn,
            format!(
                "{path} is taken as it is, unless others may write it: `sha256 = \"…\"` under [backend] pins what `sha256sum` says of it"
            ),
        ),
        (None, _) => to.add("pin", Outcome::Skip, "the component is part of the program"),
    }
}

#[cfg(not(feature = "components"))]
fn backend(session: &Session, to: &mut Diagnosis) {
    let name = &session.selected.name;
    to.add(
        "backend",
        Outcome::Skip,
        format!("{name}: this tool records only, and a program beside it sends"),
    );
}

fn credentials(session: &Session, to: &mut Diagnosis) {
    for name in shipping::secret_headers(&session.config.backend.settings) {
        to.add(
            format!("header {name}"),
            Outcome::Warn,
            format!(
                "it looks like a credential and stands in [backend.settings], so whoever has the tool can read it: \
                 take it from `env` or `file`, as the endpoint's `credential = {{ header = \"{name}\", env = \"…\" }}`"
            ),
        );
    }
    for (name, endpoint) in &session.config.endpoints {
        let Some(credential) = &endpoint.credential else { continue };
        let what = format!("credential of {name}");
        match &credential.source {
            CredentialSource::Operator { variable, .. } => {
                to.add(what, Outcome::Pass, format!("{variable} has it"));
            }
            CredentialSource::Literal(_) if !shipping::has_a_secret(endpoint) => {
                to.add(what, Outcome::Pass, "a client token, which is made to be public");
            }
            CredentialSource::Literal(_) => to.add(
                what,
                Outcome::Warn,
                "it stands in the configuration, so whoever has the tool can read it: ship only what may be public, \
                 or take it from `env` or `file`",
            ),
            CredentialSource::Environment(variable) => match std::env::var(variable) {
                Ok(value) if !value.trim().is_empty() => {
                    to.add(what, Outcome::Pass, format!("{variable} is set"));
                }
                _ => to.add(what, Outcome::Fail, format!("the environment variable {variable} is not set: set it")),
            },
            CredentialSource::File(path) => {
                let base = session.tool.base_directory();
                let path = base.map_or_else(|| path.into(), |base| base.join(path));
                match std::fs::metadata(&path) {
                    Ok(about) if about.is_file() => {
                        to.add(what, Outcome::Pass, format!("{} is there", path.display()));
                    }
                    Ok(_) => to.add(what, Outcome::Fail, format!("{} is no file", path.display())),
                    Err(error) => to.add(what, Outcome::Fail, format!("{}: {error}", path.display())),
                }
            }
        }
    }
}

#[cfg(feature = "components")]
fn network(session: &Session, to: &mut Diagnosis) {
    use crate::backend::component::grant_of;
    use crate::backend::select::host;
    let dial = session.verdict().may == May::Send;
    for (name, endpoint) in &session.config.endpoints {
        let site = endpoint.site.as_ref().map(|site| format!(" (site {site})")).unwrap_or_default();
        let what = format!("endpoint {name}{site}");
        let grant = match grant_of(&session.tool, &session.config, name) {
            Ok(grant) => grant,
            // A credential that is missing is its own check; the place can be reached without it.
            Err(why) if why.contains("credential") => {
                to.add(what, Outcome::Skip, format!("{}: its credential is missing", host(endpoint)));
                continue;
            }
            Err(why) => {
                to.add(what, Outcome::Fail, why);
                continue;
            }
        };
        if !dial {
            let why = format!("{}: telemetry sends nothing now, so nothing is dialled", grant.url());
            to.add(what, Outcome::Skip, why);
            continue;
        }
        match telemetry_host::reach(&grant, &telemetry_host::Proxies::from_env(), PATIENCE) {
            Ok(reached) => {
                let proxy = reached.proxy.map(|proxy| format!(" (the proxy {proxy})")).unwrap_or_default();
                to.add(what, Outcome::Pass, format!("{} answers at {}{proxy}", grant.url(), reached.address));
            }
            Err(why) => to.add(what, Outcome::Fail, format!("{}: {why}", grant.url())),
        }
    }
}

#[cfg(not(feature = "components"))]
fn network(session: &Session, to: &mut Diagnosis) {
    for name in session.config.endpoints.keys() {
        to.add(format!("endpoint {name}"), Outcome::Skip, "this tool has no network");
    }
}

fn start(session: &Session, to: &mut Diagnosis) {
    if session.selected.choice == Choice::None {
        return;
    }
    let way = session::way(session);
    let words = super::status::sender_in_words(session, &way);
    if let Some(why) = helper::missing(session) {
        return to.add("sender", Outcome::Fail, why);
    }
    match way {
        Way::Never if session.config.delivery.mode != Mode::Never => {
            let name = session.config.name();
            to.add(
                "sender",
                Outcome::Fail,
                format!("there is no `{name}-telemetry` beside the tool: ship it"),
            );
        }
        Way::Never => to.add("sender", Outcome::Warn, "the author chose that only `flush` sends"),
        _ => to.add("sender", Outcome::Pass, words),
    }
}

fn clock(session: &Session, to: &mut Diagnosis) {
    let now = Timestamp::now();
    let ahead = files::read_starts(session.place.directory())
        .and_then(|starts| starts.last())
        .filter(|last| last.seconds > now.seconds + 24 * 3600);
    if !SENSIBLE.contains(&now.seconds) {
        let what = format!("{} is not now: set the clock, or events carry a wrong time", now.rfc3339());
        to.add("clock", Outcome::Warn, what);
    } else if let Some(last) = ahead {
        to.add(
            "clock",
            Outcome::Warn,
            format!("it was at {} before; it is put right by itself", last.rfc3339()),
        );
    } else {
        to.add("clock", Outcome::Pass, now.rfc3339());
    }
}

fn delivery(session: &Session, to: &mut Diagnosis) {
    let schedule = match files::read_schedule(session.place.directory()) {
        Ok(schedule) => schedule,
        Err(unreadable @ Unreadable::Damaged) => {
            return to.add("last delivery", Outcome::Warn, format!("the delivery schedule: {unreadable}"));
        }
        Err(unreadable) => {
            return to.add("last delivery", Outcome::Fail, format!("the delivery schedule: {unreadable}"));
        }
    };
    if let Some((why, ..)) = schedule.held(&configured::rules(session)) {
        to.add("held", Outcome::Fail, why.to_owned());
    }
    match (schedule.last(), schedule.last_success()) {
        (None, _) => to.add("last delivery", Outcome::Skip, "nothing was sent yet"),
        (Some(_), Some(at)) if schedule.failures() == 0 => {
            to.add("last delivery", Outcome::Pass, at.rfc3339());
        }
        (Some((at, outcome, reason)), _) => {
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            to.add("last delivery", Outcome::Warn, format!("{outcome} at {}{reason}", at.rfc3339()));
        }
    }
}
