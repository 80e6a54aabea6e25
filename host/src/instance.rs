//! A live instance and its calls, each within its time, each failure named.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime_wasi::I32Exit;

use crate::component::{Component, Loaded};
use crate::egress::door::{Door, Recorder};
use crate::egress::gate::{Gate, GateSetup};
use crate::egress::proxy::Proxies;
use crate::egress::resolve::SystemLookup;
use crate::engine::TICK;
use crate::error::CallError;
use crate::log::{Level, LogBook, Stream};
use crate::state::{self, OutOfTime, State};
use crate::text::reason;
use crate::track::{Exporter, checked};
use crate::types::{Batch, Description, Erasure, Outcome, Problem, SendContext, Verdict};

/// An instance in its store.
pub(crate) struct Live {
    store: Store<State>,
    exports: Box<dyn Exporter>,
    limit: Duration,
}

impl Live {
    pub(crate) async fn new(loaded: &Loaded, log: &LogBook, gate: &Gate) -> Result<Self, CallError> {
        gate.set_open(false);
        let mut store = state::store(&loaded.engine, &loaded.limits, log, gate);
        state::begin_call(&mut store);
        let limit = loaded.limits.call_time;
        let made = tokio::time::timeout(limit, loaded.pre.instantiate(&mut store)).await;
        let exports = finish("instantiation", limit, made, &mut store)?;
        Ok(Self { store, exports, limit })
    }

    fn begin(&mut self, open: bool) {
        state::begin_call(&mut self.store);
        self.store.data().gate.set_open(open);
    }

    pub(crate) async fn describe(&mut self) -> Result<Description, CallError> {
        self.begin(false);
        let made = tokio::time::timeout(self.limit, self.exports.describe(&mut self.store)).await;
        let description = finish("describe", self.limit, made, &mut self.store)?;
        checked::description(description).map_err(CallError::Contract)
    }

    pub(crate) async fn configure(&mut self, settings: &str) -> Result<Result<(), Vec<Problem>>, CallError> {
        self.begin(false);
        let made = tokio::time::timeout(self.limit, self.exports.configure(&mut self.store, settings)).await;
        Ok(finish("configure", self.limit, made, &mut self.store)?.map_err(checked::problems))
    }

    pub(crate) async fn send(&mut self, batch: Batch, context: SendContext) -> Result<Outcome, CallError> {
        self.begin(true);
        let (before, events) = (self.store.data().gate.answered(), batch.events.len());
        let made = tokio::time::timeout(self.limit, self.exports.send(&mut self.store, batch, context)).await;
        self.store.data().gate.set_open(false);
        let outcome = finish("send", self.limit, made, &mut self.store)?;
        let outcome = checked::outcome(outcome, events).map_err(CallError::Contract)?;
        let asked_nobody = self.store.data().gate.answered() == before;
        if asked_nobody && events > 0 && says_delivered(&outcome) {
            let how = "`send` says that events were delivered, but no request of its was answered";
            return Err(CallError::Contract(how.to_owned()));
        }
        Ok(outcome)
    }

    pub(crate) async fn erase(
        &mut self,
        ids: Vec<String>,
        context: SendContext,
    ) -> Result<Erasure, CallError> {
        self.begin(true);
        let (before, ids_given) = (self.store.data().gate.answered(), ids.len());
        let made = tokio::time::timeout(self.limit, self.exports.erase(&mut self.store, ids, context)).await;
        self.store.data().gate.set_open(false);
        let erasure = finish("erase", self.limit, made, &mut self.store).map(checked::erasure)?;
        let asked_nobody = self.store.data().gate.answered() == before;
        // As of events: who asked nobody has no receipt from anybody. Of no ids there is nothing to ask.
        if asked_nobody && ids_given > 0 && matches!(erasure, Erasure::Receipt(_)) {
            let how = "`erase` says that it has a receipt, but no request of its was answered";
            return Err(CallError::Contract(how.to_owned()));
        }
        Ok(erasure)
    }

    /// Whether the next call may have it. Memory never shrinks: an instance that has grown past half its
    /// allowance is replaced. So is one that left a request behind, or one
    /// that it never sent: they end with the instance.
    pub(crate) fn is_fit(&self, memory_bytes: usize) -> bool {
        let state = self.store.data();
        #[cfg(feature = "wasi-http")]
        if state.gate.has_loose_ends() || state.http.has_unsent() {
            return false;
        }
        state.meter.memory_used() <= memory_bytes / 2
    }
}

/// Whether events would be given up as delivered. There is one way for them to arrive, so without an
/// answer from there they cannot have.
fn says_delivered(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Delivered => true,
        Outcome::Partial(verdicts) => verdicts.contains(&Verdict::Delivered),
        Outcome::Retry(_) | Outcome::TooLarge | Outcome::Rejected(_) | Outcome::Other(_) => false,
    }
}

type Made<T> = Result<wasmtime::Result<T>, tokio::time::error::Elapsed>;

fn finish<T>(
    call: &'static str,
    limit: Duration,
    made: Made<T>,
    store: &mut Store<State>,
) -> Result<T, CallError> {
    let error = match made {
        Ok(Ok(value)) => return Ok(value),
        Err(_) => {
            let reason = format!("took longer than {limit:?}, requests included");
            return Err(CallError::TookTooLong { call, reason });
        }
        Ok(Err(error)) => error,
    };
    if let Some(out) = error.downcast_ref::<OutOfTime>() {
        return Err(CallError::TookTooLong { call, reason: out.to_string() });
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Err(CallError::Exited { call, status: exit.0 });
    }
    if let Some(limit) = store.data_mut().meter.hit.take() {
        return Err(CallError::LimitHit { call, limit });
    }
    // For the component's developer: where it was.
    store.data().log.write(Level::Debug, Stream::Host, &format!("`{call}`: {error:?}"));
    Err(CallError::Trapped { call, reason: reason(&error.root_cause().to_string()) })
}

/// Waits for a thread that runs a component, and advances the engine's epoch meanwhile: whoever waits
/// for a component is who interrupts it, so no further thread is needed.
pub(crate) fn wait<T>(loaded: &Loaded, result: &Receiver<T>, longest: Duration) -> Result<T, CallError> {
    let started = Instant::now();
    loop {
        match result.recv_timeout(TICK) {
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(CallError::Host("its thread ended".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) => loaded.engine.increment_epoch(),
        }
        if started.elapsed() > longest {
            return Err(CallError::Host(format!("its thread has not answered for {longest:?}")));
        }
    }
}

/// A runtime for one thread.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CallError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CallError::Host(format!("no runtime: {error}")))
}

/// The median of so many instantiations.
pub(crate) fn time_to_instantiate(component: &Component, runs: usize) -> Duration {
    let loaded = &component.0;
    let (log, gate) = closed(loaded);
    let mut times = Vec::with_capacity(runs);
    if let Ok(runtime) = runtime() {
        for _ in 0..runs {
            let started = Instant::now();
            let live = runtime.block_on(Live::new(loaded, &log, &gate));
            times.push(started.elapsed());
            drop(live);
        }
    }
    times.sort();
    times.get(runs / 2).copied().unwrap_or_default()
}

/// A log and a gate for a component that is looked at and reaches nothing.
fn closed(loaded: &Loaded) -> (LogBook, Gate) {
    let log = LogBook::new(loaded.limits.log_bytes, loaded.limits.log_line_bytes);
    let gate = Gate::new(GateSetup {
        grants: Vec::new(),
        door: Door::Record(Recorder::default()),
        proxies: Proxies::none(),
        lookup: std::sync::Arc::new(SystemLookup),
        limits: loaded.limits.clone(),
        user_agent: String::new(),
        max_requests: Some(0),
    });
    (log, gate)
}

/// Calls `describe` in an instance that is thrown away, on a thread of its own.
pub(crate) fn describe(component: &Component) -> Result<Description, CallError> {
    let component_there = component.clone();
    let (done, result) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("telemetry-describe".to_owned())
        .spawn(move || {
            let loaded = &component_there.0;
            let described = runtime().and_then(|runtime| {
                let (log, gate) = closed(loaded);
                runtime.block_on(async { Live::new(loaded, &log, &gate).await?.describe().await })
            });
            drop(done.send(described));
        })
        .map_err(|error| CallError::Host(error.to_string()))?;
    let longest = component.0.limits.call_time * 2 + Duration::from_secs(5);
    wait(&component.0, &result, longest)?
}
