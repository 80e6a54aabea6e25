//! A configured component, ready to be sent through: a plain blocking object.
//!
//! It lives on a thread of its own with a runtime of its own, so that it works in a tool with an
//! asynchronous runtime and in one without, and ends with this object. Calls are serial. A call that
//! fails takes the instance with it and the next one begins with a fresh one; after several failures in
//! a row the component is left alone.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::asks::{self, Granted};
use crate::component::Component;
use crate::egress::door::Door;
use crate::egress::gate::{Exchanges, Gate, GateSetup};
use crate::egress::grant::Grant;
use crate::egress::proxy::Proxies;
use crate::egress::resolve::{Lookup, SystemLookup};
use crate::error::{CallError, StartError};
use crate::instance::{self, Live};
use crate::log::{LogBook, LogLine};
use crate::track::checked;
use crate::types::{Batch, Description, Erasure, Outcome, SendContext};

/// Everything that a component is given.
#[derive(Clone)]
pub struct Setup {
    /// The author's settings: a JSON object.
    pub settings: String,
    /// What it may reach.
    pub grants: Vec<Grant>,
    /// Where its requests go.
    pub door: Door,
    /// The proxies that requests go through.
    pub proxies: Proxies,
    /// The most requests in one call; one for at-most-once. The limits hold in any case.
    pub max_requests: Option<u32>,
    /// The `user-agent` of requests whose component sets none.
    pub user_agent: String,
    /// Where names are looked up.
    pub lookup: Arc<dyn Lookup>,
}

impl Setup {
    /// No grants, no proxies, the system's resolver.
    pub fn new(settings: impl Into<String>, door: Door) -> Self {
        Self {
            settings: settings.into(),
            grants: Vec::new(),
            door,
            proxies: Proxies::none(),
            max_requests: None,
            user_agent: concat!("cli-telemetry/", env!("CARGO_PKG_VERSION")).to_owned(),
            lookup: Arc::new(SystemLookup),
        }
    }

    /// Adds a grant.
    #[must_use]
    pub fn grant(mut self, grant: Grant) -> Self {
        self.grants.push(grant);
        self
    }
}

enum Command {
    Send(Batch, SendContext, SyncSender<Result<Outcome, CallError>>),
    Erase(Vec<String>, SendContext, SyncSender<Result<Erasure, CallError>>),
}

/// A running backend.
pub struct Backend {
    component: Component,
    description: Description,
    log: LogBook,
    gate: Gate,
    commands: Option<UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend").field("name", &self.description.name).finish_non_exhaustive()
    }
}

impl Backend {
    /// Instantiates the component, asks what it wants, compares that with the grants, configures it.
    pub fn start(component: &Component, setup: Setup) -> Result<Self, StartError> {
        let mut names: Vec<&str> = setup.grants.iter().map(Grant::endpoint).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(StartError::GrantedTwice(twice[0].to_owned()));
        }
        let limits = component.0.limits.clone();
        let granted =
            setup.grants.iter().map(|grant| (grant.endpoint.clone(), grant.credential.is_some())).collect();
        let log = LogBook::new(limits.log_bytes, limits.log_line_bytes);
        let gate = Gate::new(GateSetup {
            grants: setup.grants,
            door: setup.door,
            proxies: setup.proxies,
            lookup: setup.lookup,
            limits: limits.clone(),
            user_agent: setup.user_agent,
            max_requests: setup.max_requests,
        });
        let (commands, inbox) = unbounded_channel();
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        let worker = Worker {
            component: component.clone(),
            log: log.clone(),
            gate: gate.clone(),
            settings: setup.settings,
            live: None,
            failures: 0,
            last: String::new(),
        };
        let thread = std::thread::Builder::new()
            .name("telemetry-backend".to_owned())
            .spawn(move || worker.run(&granted, inbox, &ready))
            .map_err(|error| CallError::Host(error.to_string()))?;
        let mut backend = Self {
            component: component.clone(),
            description: checked::nothing(),
            log,
            gate,
            commands: Some(commands),
            thread: Some(thread),
        };
        // Instantiation, `describe` and `configure`.
        backend.description = backend.wait(&started, limits.call_time * 3).map_err(StartError::Call)??;
        Ok(backend)
    }

    /// What the component said of itself when it was started.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Delivers one batch. On an error nothing is known of the batch: it is to be sent again.
    pub fn send(&mut self, batch: &Batch, context: &SendContext) -> Result<Outcome, CallError> {
        self.send_owned(batch.clone(), context)
    }

    /// The same for a batch that is not needed any more, which saves a copy of it.
    pub fn send_owned(&mut self, batch: Batch, context: &SendContext) -> Result<Outcome, CallError> {
        let context = context.clone();
        self.call(|reply| Command::Send(batch, context, reply))
    }

    /// Asks for the erasure of everything under these machine ids.
    pub fn erase(&mut self, ids: &[String], context: &SendContext) -> Result<Erasure, CallError> {
        let (ids, context) = (ids.to_vec(), context.clone());
        self.call(|reply| Command::Erase(ids, context, reply))
    }

    /// Takes what the component wrote since the last time.
    pub fn take_logs(&mut self) -> Vec<LogLine> {
        self.log.take()
    }

    /// What was sent so far, and with what result.
    pub fn exchanges(&self) -> Exchanges {
        self.gate.exchanges()
    }

    fn call<T>(
        &mut self,
        command: impl FnOnce(SyncSender<Result<T, CallError>>) -> Command,
    ) -> Result<T, CallError> {
        let (reply, result) = std::sync::mpsc::sync_channel(1);
        let sent = self.commands.as_ref().is_some_and(|commands| commands.send(command(reply)).is_ok());
        if !sent {
            return Err(CallError::Host("its thread ended".to_owned()));
        }
        // A fresh instance, its configuration, and the call itself.
        self.wait(&result, self.component.0.limits.call_time * 3)?
    }

    fn wait<T>(&mut self, result: &std::sync::mpsc::Receiver<T>, longest: Duration) -> Result<T, CallError> {
        const GRACE: Duration = Duration::from_secs(5);
        let waited = instance::wait(&self.component.0, result, longest + GRACE);
        if waited.is_err() {
            // Not to be waited for any more, by nobody.
            self.commands = None;
            self.thread = None;
        }
        waited
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // It is between calls, so it ends at once. A panic in it has nothing to say here.
            drop(thread.join());
        }
    }
}

struct Worker {
    component: Component,
    log: LogBook,
    gate: Gate,
    settings: String,
    live: Option<Live>,
    failures: u32,
    last: String,
}

impl Worker {
    fn run(
        mut self,
        granted: &Granted,
        mut inbox: UnboundedReceiver<Command>,
        ready: &SyncSender<Result<Description, StartError>>,
    ) {
        let runtime = match instance::runtime() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error.into()))),
        };
        runtime.block_on(async {
            let started = self.start(granted).await;
            let running = started.is_ok();
            drop(ready.send(started));
            if !running {
                return;
            }
            // Waiting inside the runtime keeps idle connections tended: one that the server closed is
            // noticed before the next request.
            while let Some(command) = inbox.recv().await {
                match command {
                    Command::Send(batch, context, reply) => {
                        let result = self.send(batch, context).await;
                        drop(reply.send(result));
                    }
                    Command::Erase(ids, context, reply) => {
                        let result = self.erase(ids, context).await;
                        drop(reply.send(result));
                    }
                }
            }
            self.live = None;
        });
        // A name lookup may hang in the system's resolver; it is not waited for.
        runtime.shutdown_background();
    }

    async fn start(&mut self, granted: &Granted) -> Result<Description, StartError> {
        let mut live = Live::new(&self.component.0, &self.log, &self.gate).await?;
        let description = live.describe().await?;
        asks::compare(&description, granted)?;
        self.gate.narrow(description.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect());
        live.configure(&self.settings).await?.map_err(StartError::Problems)?;
        self.live = Some(live);
        Ok(description)
    }

    /// The live instance, or a fresh one in its place.
    async fn live(&mut self) -> Result<Live, CallError> {
        let failures = self.component.0.limits.failures;
        if failures > 0 && self.failures >= failures {
            return Err(CallError::Broken { failures: self.failures, last: self.last.clone() });
        }
        if let Some(live) = self.live.take() {
            return Ok(live);
        }
        let mut live = Live::new(&self.component.0, &self.log, &self.gate).await?;
        live.configure(&self.settings).await?.map_err(CallError::Settings)?;
        Ok(live)
    }

    /// Keeps the instance after a success, and counts after a failure.
    fn after<T>(&mut self, live: Option<Live>, result: Result<T, CallError>) -> Result<T, CallError> {
        match &result {
            Ok(_) => {
                self.failures = 0;
                self.live = live.filter(|live| live.is_fit(self.component.0.limits.memory_bytes));
            }
            Err(CallError::Broken { .. }) => {}
            Err(error) => {
                self.failures += 1;
                self.last = error.to_string();
            }
        }
        result
    }

    async fn send(&mut self, batch: Batch, context: SendContext) -> Result<Outcome, CallError> {
        match self.live().await {
            Err(error) => self.after(None, Err(error)),
            Ok(mut live) => {
                let result = live.send(batch, context).await;
                self.after(Some(live), result)
            }
        }
    }

    async fn erase(&mut self, ids: Vec<String>, context: SendContext) -> Result<Erasure, CallError> {
        match self.live().await {
            Err(error) => self.after(None, Err(error)),
            Ok(mut live) => {
                let result = live.erase(ids, context).await;
                self.after(Some(live), result)
            }
        }
    }
}
