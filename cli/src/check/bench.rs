//! The component in the real host, its endpoints granted on the loopback interface, and every request
//! that leaves written down at the host's gate.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use telemetry_host::types::{Batch, Description, Erasure, Outcome, Placement as Asked, Problem};
use telemetry_host::{
    Backend, CallError, Component, Credential, Door, Grant, GrantSpec, LoadOptions, LogLine, Outgoing,
    Placement, Secret, Setup, StartError, Stream,
};

use super::sample;
use super::vendor::{Answer, Vendor};
use crate::component;
use crate::configuration::Configuration;

/// Stands in for the credential that an author would give.
const SECRET: &str = "kit-credential-0f5e1c";

/// What became of one call.
pub(crate) struct Called<T> {
    /// The component's answer, or how it failed.
    pub(crate) result: Result<T, String>,
    /// What left, or was about to.
    pub(crate) requests: Vec<Outgoing>,
    /// A request that the host did not let out, and why.
    pub(crate) refused: Option<String>,
    /// What the component wrote.
    pub(crate) logs: Vec<LogLine>,
}

/// The component, the vendor, and what the component is given.
pub(crate) struct Bench {
    component: Component,
    file: PathBuf,
    options: LoadOptions,
    pub(crate) description: Description,
    /// JSON text.
    pub(crate) settings: String,
    credentials: Vec<(String, Placement)>,
    vendor: Vendor,
    success: Answer,
    /// Set once a call took too long: each further one would too.
    stuck: Cell<bool>,
}

impl Bench {
    pub(crate) fn new(
        component: Component,
        file: &Path,
        options: &LoadOptions,
        description: &Description,
        configuration: Option<&Configuration>,
        success: Answer,
    ) -> Result<Self, String> {
        let vendor =
            Vendor::start().map_err(|error| format!("cannot listen on the loopback interface: {error}"))?;
        let settings = match configuration {
            Some(configuration) => configuration.settings()?,
            None => "{}".to_owned(),
        };
        Ok(Self {
            component,
            file: file.to_owned(),
            options: options.clone(),
            description: description.clone(),
            settings,
            credentials: credentials(description, configuration),
            vendor,
            success,
            stuck: Cell::new(false),
        })
    }

    /// Whether the component hung before, so that there is no sense in calling it again.
    pub(crate) fn stuck(&self) -> bool {
        self.stuck.get()
    }

    /// The same component with less time for a request.
    pub(crate) fn hurried(&self, time: std::time::Duration) -> Result<Component, String> {
        let mut options = self.options.clone();
        options.limits.request_time = time;
        component::load(&self.file, &options)
    }

    /// Configures it with these settings, and sends nothing.
    pub(crate) fn configure(&self, settings: &str) -> Result<(), Refused> {
        let setup = self.setup(settings, &self.vendor.url(), true, &Log::default());
        let setup = setup.map_err(Refused::Host)?;
        match Backend::start(&self.component, setup) {
            Ok(_) => Ok(()),
            Err(StartError::Problems(problems)) => Err(Refused::Problems(problems)),
            Err(error) => {
                if let StartError::Call(error) = &error {
                    self.note_stuck(error);
                }
                Err(Refused::Host(error.to_string()))
            }
        }
    }

    /// Sends a batch to a vendor that answers success.
    pub(crate) fn send(&self, batch: &Batch) -> Called<Outcome> {
        self.send_to(batch, self.success.clone())
    }

    /// Sends a batch to a vendor that answers like this.
    pub(crate) fn send_to(&self, batch: &Batch, answer: Answer) -> Called<Outcome> {
        self.vendor.answers(answer);
        self.with(&self.component, &self.vendor.url(), true, |it| it.send(batch, &sample::context()))
    }

    /// The same through a component loaded with other limits, or to another address.
    pub(crate) fn send_through(
        &self,
        component: &Component,
        url: Option<&str>,
        batch: &Batch,
        answer: Answer,
    ) -> Called<Outcome> {
        self.vendor.answers(answer);
        let ours = self.vendor.url();
        self.with(component, url.unwrap_or(&ours), true, |it| it.send(batch, &sample::context()))
    }

    /// Sends a batch to somebody else on the loopback interface.
    pub(crate) fn send_to_url(&self, url: &str, batch: &Batch) -> Called<Outcome> {
        self.send_through(&self.component, Some(url), batch, self.success.clone())
    }

    pub(crate) fn component(&self) -> &Component {
        &self.component
    }

    /// Sends the same batch twice through one instance.
    pub(crate) fn send_again(&self, batch: &Batch) -> Called<Outcome> {
        self.vendor.answers(self.success.clone());
        self.with(&self.component, &self.vendor.url(), true, |it| {
            it.send(batch, &sample::context())?;
            it.send(batch, &sample::context())
        })
    }

    /// Asks for erasure, with all endpoints granted or only the required ones.
    pub(crate) fn erase(&self, ids: &[String], all: bool, answer: Option<Answer>) -> Called<Erasure> {
        self.vendor.answers(answer.unwrap_or_else(|| self.success.clone()));
        self.with(&self.component, &self.vendor.url(), all, |it| it.erase(ids, &sample::context()))
    }

    /// A fresh backend for each call: what one call breaks, the next does not suffer from.
    fn with<T>(
        &self,
        component: &Component,
        url: &str,
        all: bool,
        call: impl FnOnce(&mut Backend) -> Result<T, CallError>,
    ) -> Called<T> {
        let log = Log::default();
        let failed = |why| Called { result: Err(why), requests: Vec::new(), refused: None, logs: Vec::new() };
        let setup = match self.setup(&self.settings, url, all, &log) {
            Ok(setup) => setup,
            Err(why) => return failed(why),
        };
        let mut backend = match Backend::start(component, setup) {
            Ok(backend) => backend,
            Err(error) => return failed(error.to_string()),
        };
        let result = call(&mut backend);
        let logs = backend.take_logs();
        let result = result.map_err(|error| {
            self.note_stuck(&error);
            format!("{error}{}", last_words(&logs))
        });
        let exchanges = backend.exchanges();
        let invalid = exchanges.last_failure.filter(|why| why.starts_with("not a request"));
        Called { result, requests: log.take(), refused: exchanges.last_denial.or(invalid), logs }
    }

    fn note_stuck(&self, error: &CallError) {
        if matches!(error, CallError::TookTooLong { .. }) {
            self.stuck.set(true);
        }
    }

    fn setup(&self, settings: &str, url: &str, all: bool, log: &Log) -> Result<Setup, String> {
        let seen = log.clone();
        let door = Door::Network(Arc::new(move |outgoing| {
            seen.push(outgoing.clone());
            Ok(Box::new(()))
        }));
        let mut setup = Setup::new(settings, door);
        for endpoint in self.description.endpoints.iter().filter(|it| all || it.required) {
            let placement = self.credentials.iter().find(|(name, _)| *name == endpoint.name);
            let grant = Grant::parse(GrantSpec {
                endpoint: endpoint.name.clone(),
                url: url.to_owned(),
                allow: vec!["http".into(), "loopback".into()],
                credential: placement.map(|(_, placement)| Credential {
                    placement: placement.clone(),
                    secret: Secret::new(SECRET.to_owned()),
                }),
                no_proxy: true,
                ..GrantSpec::default()
            });
            setup = setup.grant(grant.map_err(|error| error.to_string())?);
        }
        Ok(setup)
    }
}

/// Why settings were not taken.
pub(crate) enum Refused {
    /// `configure` said so.
    Problems(Vec<Problem>),
    /// It did not get that far, or failed.
    Host(String),
}

impl Refused {
    /// In a sentence, with what to do where the settings were not the author's own.
    pub(crate) fn sentence(&self, given: bool) -> String {
        match self {
            Self::Host(why) => why.clone(),
            Self::Problems(problems) => {
                let problems: Vec<_> = problems.iter().map(said_of).collect();
                let hint =
                    if given { "" } else { "; give settings that are right with --config telemetry.toml" };
                format!("{}{hint}", problems.join("; "))
            }
        }
    }
}

/// A problem in a line.
pub(crate) fn said_of(problem: &Problem) -> String {
    format!("`{}`: {}", problem.key, problem.message)
}

/// Requests as they passed the gate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Outgoing>>>);

impl Log {
    fn push(&self, outgoing: Outgoing) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(outgoing);
    }

    fn take(&self) -> Vec<Outgoing> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a component wrote before it failed: a panic's message, as a rule.
fn last_words(lines: &[LogLine]) -> String {
    let words: Vec<_> = lines
        .iter()
        .filter(|line| line.stream != Stream::Host && !line.text.trim().is_empty())
        .map(|line| line.text.as_str())
        .collect();
    match words.as_slice() {
        [] => String::new(),
        [last] => format!("; it wrote: {last}"),
        [.., before, last] => format!("; it wrote: {before} {last}"),
    }
}

/// The place of each endpoint's credential: the author's, else the one that the component asks for.
fn credentials(description: &Description, configuration: Option<&Configuration>) -> Vec<(String, Placement)> {
    use telemetry::tool::Placement as Written;
    let place = |endpoint: &telemetry_host::types::Endpoint| {
        let written = configuration.and_then(|it| it.config.endpoints.get(&endpoint.name));
        if let Some(written) = written {
            return Some(match &written.credential.as_ref()?.placement {
                Written::Header { name, prefix } => {
                    Placement::Header { name: name.clone(), prefix: prefix.clone() }
                }
                Written::Basic { user } => Placement::Basic { user: user.clone() },
                Written::Query { name } => Placement::Query { name: name.clone() },
                _ => Placement::Path,
            });
        }
        Some(match &endpoint.credential.as_ref()?.placement {
            Asked::Header(name) => Placement::Header { name: name.clone(), prefix: String::new() },
            Asked::Basic => Placement::Basic { user: "kit".into() },
            Asked::Query(name) => Placement::Query { name: name.clone() },
            Asked::Bearer | Asked::Other(_) => Placement::Bearer,
        })
    };
    description.endpoints.iter().filter_map(|it| Some((it.name.clone(), place(it)?))).collect()
}
