//! One process from its first line to its exit.
//!
//! [`start`] reads the configuration, asks consent once, and installs the recorder where the answer is
//! yes. Dropping the [`Telemetry`] that it returns gives the journal's segment up and, where one is due,
//! starts a sender, which nobody waits for. Where this process *is* a sender, [`start`] does not return.

mod calls;
mod ending;
#[cfg(feature = "sender")]
mod helper;
mod origin;
mod periodic;
mod question;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

pub use calls::track;
pub use ending::{before_exec, exit};
#[cfg(feature = "sender")]
pub use helper::helper;
pub(crate) use origin::origin;
pub(crate) use question::Question;

use crate::backend::select::{Choice, Selected, select};
use crate::consent::{self, Gate, May, Place, Verdict};
use crate::delivery::sampling::{Rate, Sampling};
use crate::delivery::start::{self, Leaving};
use crate::diagnostics::{Logger, Severity};
use crate::identity;
use crate::journal::{self, Journal};
use crate::platform::{detach, directory};
use crate::recorder::{self, Recorder};
use crate::tool::{Config, ConfigError, Tool};

/// The destination of what was recorded for the user's own eyes. It is no vendor's, so such events are
/// never sent, whatever the user decides later.
pub(crate) const LOCAL: &str = "local only";

/// What [`start`] made of the process; the subcommand looks here.
static CURRENT: OnceLock<Result<Arc<Session>, NoSession>> = OnceLock::new();

/// Why there is no session.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoSession {
    /// The configuration cannot be used.
    #[error("{0}")]
    Configuration(#[from] ConfigError),
    /// There is no place for state. Telemetry is off then, whoever said yes: no decision can be stored or found
    /// there, and events could only wait in the memory of a process that ends. A tool for users without a home
    /// sets [`Tool::data_directory`](crate::Tool::data_directory).
    #[error("there is no directory for the state of telemetry: {0}")]
    Directory(String),
    /// `start!` was not called.
    #[error("telemetry was not started: write `let _telemetry = telemetry::start!();` first in `main`")]
    NotStarted,
    /// The tool was built with `--cfg telemetry_off`.
    #[error("this program was built without telemetry")]
    BuiltOut,
}

/// The session of this process.
pub(crate) fn current() -> Result<Arc<Session>, NoSession> {
    match CURRENT.get() {
        Some(session) => session.clone(),
        None if cfg!(telemetry_off) => Err(NoSession::BuiltOut),
        None => Err(NoSession::NotStarted),
    }
}

/// Makes this the session of this process, for the subcommand; nothing is recorded in it.
pub(crate) fn become_current(session: Result<Session, NoSession>) {
    let _ = CURRENT.set(session.map(Arc::new));
}

/// Everything that is known of this tool, on this machine, at this moment.
pub(crate) struct Session {
    pub(crate) tool: Tool,
    pub(crate) config: Config,
    pub(crate) selected: Selected,
    /// The tool's own directory; it need not exist.
    pub(crate) place: Place,
    pub(crate) question: Question,
    pub(crate) logger: Logger,
    /// None where the running program cannot be found, and in a tool that only records.
    pub(crate) executable: Option<detach::Executable>,
    /// This is the helper of a tool that only records, and does what the tool's user asked for.
    pub(crate) answers_for_recorder: bool,
}

impl Session {
    /// Reads what was declared. Opens no file but the configuration, where that is one.
    pub(crate) fn new(tool: Tool) -> Result<Self, NoSession> {
        let config = tool.config()?;
        let directory = match tool.chosen_data_directory() {
            Some(chosen) => chosen.to_path_buf(),
            None => directory::state_directory(&config.tool.id)
                .map_err(|why| NoSession::Directory(why.to_string()))?,
        };
        let selected = select(&tool, &config);
        let question = Question::new(&tool, &config, &selected);
        let logger = tool.logger.clone().unwrap_or_default();
        Ok(Self {
            tool,
            config,
            selected,
            place: Place::new(directory),
            question,
            logger,
            executable: if cfg!(feature = "sender") { detach::Executable::current().ok() } else { None },
            answers_for_recorder: false,
        })
    }

    pub(crate) fn journal_directory(&self) -> PathBuf {
        self.place.directory().join("journal")
    }

    pub(crate) fn journal_settings(&self) -> journal::Settings {
        let caps = &self.config.journal;
        let defaults = journal::Settings::default();
        journal::Settings {
            max_bytes: caps.max_bytes,
            max_events: caps.max_events,
            max_age: caps.max_age,
            max_record: caps.max_record as usize,
            map: if caps.map { defaults.map } else { journal::Map::Never },
            ..defaults
        }
    }

    /// What the user's file of local events is called.
    pub(crate) fn local_log(&self) -> PathBuf {
        self.place.directory().join("events.ndjson")
    }

    /// The machine id as of now, after a yes.
    pub(crate) fn machine_id(&self) -> Option<String> {
        origin::machine_id(self)
    }

    /// A number that is the machine's: the same for all its runs, and unlike another machine's. It makes nothing.
    pub(crate) fn seed(&self) -> u64 {
        identity::seed_so_far(self.place.directory(), origin::identity(self), &self.config.tool.id)
    }

    /// Where compiled code is kept, if some is kept already and more may be.
    #[cfg(feature = "components")]
    pub(crate) fn cache_that_is_there(&self) -> Option<PathBuf> {
        let cache = directory::cache_directory(&self.config.tool.id)?;
        (cache.is_dir() && self.verdict().may != May::Off).then_some(cache)
    }

    /// Whether the user's no is why nothing may be recorded: what a no removes is not to come back then.
    pub(crate) fn is_denied(&self) -> bool {
        consent::file::read(&self.place).is_no()
    }

    /// What may be done, with the true step named.
    pub(crate) fn verdict(&self) -> Verdict {
        self.question.resolve(&self.place)
    }

    /// A recorder for this process.
    fn recorder(self: &Arc<Self>, gate: Gate) -> Recorder {
        let session = Arc::clone(self);
        let gate = Arc::new(gate);
        let guard = Arc::clone(&gate);
        let may = gate.first().may;
        let settings = self.journal_settings();
        let journal = move || {
            let destination = if may == May::Local { LOCAL } else { &session.selected.destination };
            let finder = (Arc::clone(&session), Arc::clone(&guard));
            let find = move || {
                let found = origin::find(&finder.0);
                finder.0.forget_if_denied(&finder.1);
                found
            };
            let (directory, destination) = (session.journal_directory(), destination.to_owned());
            let key = origin::key(&session);
            let journal = Journal::found(directory, destination, key, find, settings.clone());
            let guard = Arc::clone(&guard);
            journal.while_allowed(move || guard.look() == may)
        };
        let mut recorder = Recorder::new(journal, self.logger.clone());
        recorder.gate = Some(gate);
        let long = Arc::clone(self);
        let after = self.config.delivery.interval.max(periodic::LONG);
        recorder.long_run = Some((after, Box::new(move || periodic::begin(&long))));
        recorder.extended = self.config.tool.extended;
        recorder.metadata = self.tool.metadata.clone();
        recorder.ceiling = self.config.delivery.max_events_per_run;
        let rates = &self.config.delivery.sample;
        if !rates.is_empty() {
            let kinds = rates.iter().filter_map(|(kind, share)| Some((kind.clone(), Rate::new(*share)?)));
            let seed = identity::seed(self.place.directory(), origin::identity(self), &self.config.tool.id);
            if let Some(gate) = &recorder.gate {
                self.forget_if_denied(gate);
            }
            let sampling = Sampling::new(seed, Rate::ALL, kinds);
            recorder.sample = Some(Box::new(move |kind| sampling.takes(kind)));
        }
        recorder
    }

    /// Makes the journal ready for the next run, so that its first record finds a slot and a salt: at a yes, and when a
    /// sender has taken all there was. A helper's slots would be none of its tool's.
    pub(crate) fn make_ready(self: &Arc<Self>) {
        let gate = self.question.gate(self.place.clone());
        if gate.first().may != May::Off && self.selected.choice != Choice::None && !self.answers_for_recorder
        {
            self.recorder(gate).make_ready();
        }
    }

    /// Takes a salt back that may have been made after the user said no: either the no finds it, or this finds
    /// the no.
    fn forget_if_denied(&self, gate: &Gate) {
        if gate.look() == May::Off && self.is_denied() {
            let _ = identity::forget(self.place.directory());
        }
    }
}

/// Telemetry for as long as this lives: what [`start!`](crate::start!) returns. Keep it until the end of
/// `main`.
#[must_use = "telemetry ends when this is dropped: keep it until the end of `main`"]
pub struct Telemetry {
    session: Option<Arc<Session>>,
    recorder: Option<Arc<Recorder>>,
    may: May,
}

/// Starts telemetry: the first thing in `main`, as a rule by [`start!`](crate::start!).
///
/// It never fails, prints or waits. Whatever is wrong is told to the author's logger and shown by the
/// user's `status`. In the process that sends, this sends and ends the process.
pub fn start(tool: Tool) -> Telemetry {
    let off = |session| Telemetry { session, recorder: None, may: May::Off };
    if cfg!(telemetry_off) {
        return off(None);
    }
    recorder::tool_started(&tool.metadata);
    let logger = tool.logger.clone().unwrap_or_default();
    let session = match Session::new(tool) {
        Ok(session) => Arc::new(session),
        Err(why) => {
            logger.log(Severity::Warning, format!("telemetry is off: {why}"));
            let _ = CURRENT.set(Err(why));
            return off(None);
        }
    };
    if cfg!(feature = "sender") && detach::is_sender(&session.config.tool.id) {
        detach::leave_parent();
        if detach::is_between() {
            let id = &session.config.tool.id;
            let started = session.executable.as_ref().is_some_and(|it| it.start_sender(id).is_ok());
            std::process::exit(i32::from(!started));
        }
        start::as_sender(&session);
        std::process::exit(0);
    }
    // A second session of one process records into the first one's journal.
    let _ = CURRENT.set(Ok(Arc::clone(&session)));
    if session.selected.choice == Choice::None {
        return off(Some(session));
    }
    let gate = session.question.gate(session.place.clone());
    let may = gate.first().may;
    if may != May::Send {
        crate::erasure::at_start(&session, gate.first());
    }
    if may == May::Off {
        return off(Some(session));
    }
    let recorder = Arc::new(session.recorder(gate));
    if recorder::install(Arc::clone(&recorder)) {
        ending::watch();
    }
    if may == May::Send {
        start::at_start(&session);
    }
    Telemetry { session: Some(session), recorder: Some(recorder), may }
}

impl Telemetry {
    /// Whether events are recorded.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.recorder.is_some() && recorder::enabled()
    }

    /// For a tool that runs for long (a server, a watcher, an editor): from now on a thread of ours gives
    /// up what was recorded and starts a sender, whenever one is due by `[delivery] interval`. It needs no
    /// runtime of the tool's, and leaves it no child to wait for.
    ///
    /// Without this call the thread begins by itself with the first event that is recorded after the
    /// tool has run for `interval` (a minute at least). A tool that turns itself into a daemon by `fork`
    /// calls this afterwards, in the process that stays.
    pub fn keep_sending(&self) {
        if let (Some(session), Some(_)) = (&self.session, &self.recorder) {
            periodic::begin(session);
        }
    }

    /// Ends recording and starts a sender where one is due. Dropping does the same.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(session) = self.session.take() else { return };
        if self.recorder.take().is_some() {
            ending::close(&session, self.may, Leaving::Exit);
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.end();
    }
}

/// How a sender would be started now, for `status`.
pub(crate) fn way(session: &Session) -> start::Way {
    start::choose(session)
}
