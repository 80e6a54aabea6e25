//! What a store holds: the component's side of the host.

use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::egress::gate::Gate;
use crate::engine::TICK;
use crate::limits::Limits;
use crate::log::LogBook;
use crate::meter::Meter;
use crate::wasi;

/// The data of a store.
pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) meter: Meter,
    pub(crate) log: LogBook,
    pub(crate) gate: Gate,
    #[cfg(feature = "wasi-http")]
    pub(crate) http: crate::wasi_http::Http,
    clock: CpuClock,
}

/// Time in which the component was found running.
struct CpuClock {
    used: Duration,
    most: Duration,
    last: Option<Instant>,
}

impl CpuClock {
    /// Called at ticks while the component runs. A gap longer than two ticks was a request, or a
    /// process that was stopped, and is not the component's.
    fn tick(&mut self) -> bool {
        let now = Instant::now();
        let since = self.last.replace(now).map_or(TICK, |last| now.duration_since(last));
        self.used += since.min(TICK * 2);
        self.used <= self.most
    }
}

/// The error of a call that was stopped for its processor time.
#[derive(Debug, thiserror::Error)]
#[error("used more than {0:?} of processor time")]
pub(crate) struct OutOfTime(Duration);

/// A fresh store with its limits.
pub(crate) fn store(engine: &Engine, limits: &Limits, log: &LogBook, gate: &Gate) -> Store<State> {
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles);
    let state = State {
        wasi: wasi::context(log),
        table,
        meter: Meter::new(limits),
        log: log.clone(),
        gate: gate.clone(),
        #[cfg(feature = "wasi-http")]
        http: crate::wasi_http::Http::new(gate, limits),
        clock: CpuClock { used: Duration::ZERO, most: limits.cpu_time, last: None },
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(limits.host_call_bytes);
    store.set_max_component_handles(limits.handles);
    store.epoch_deadline_callback(|mut context| {
        let clock = &mut context.data_mut().clock;
        // Yield at every tick, so that the deadline of the call is looked at.
        if clock.tick() { Ok(UpdateDeadline::Yield(1)) } else { Err(OutOfTime(clock.most).into()) }
    });
    store
}

/// Gives the next call its whole time.
pub(crate) fn begin_call(store: &mut Store<State>) {
    store.set_epoch_deadline(1);
    let state = store.data_mut();
    state.clock.used = Duration::ZERO;
    state.clock.last = None;
    state.meter.hit = None;
    state.log.begin_call();
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
