//! The engine: what WebAssembly a component may be made of, and how it is interrupted.
//!
//! Two properties matter to a tool that links this. No signal handler is installed: traps are checked
//! for, not caught, so the tool's own handlers stay its own (the price is bounds checks in the
//! component's code). And no address space is reserved in gigabytes, so that a tool under `ulimit -v`
//! still works.

use std::time::Duration;

use wasmtime::{Config, Engine, WasmFeatures};

use crate::limits;

/// How often the epoch advances while a component runs: the grain of every limit on its time.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// What a component's code is run by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The processor.
    Native,
    /// An interpreter, where executable memory is refused or one artefact must serve everywhere.
    Pulley,
}

/// An engine for one target, on this machine.
pub(crate) fn engine(target: Target) -> wasmtime::Result<Engine> {
    engine_for(target, None)
}

/// The same, whose code lies in memory that somebody else made.
#[cfg(all(feature = "compiler", target_os = "linux", target_arch = "x86_64"))]
pub(crate) fn engine_with(
    target: Target,
    memory: std::sync::Arc<dyn wasmtime::CustomCodeMemory>,
) -> wasmtime::Result<Engine> {
    let mut config = config(target, None)?;
    config.with_custom_code_memory(Some(memory));
    Engine::new(&config)
}

/// An engine for one target. With a triple it compiles for every processor of that name; without one,
/// for this one.
pub(crate) fn engine_for(target: Target, triple: Option<&str>) -> wasmtime::Result<Engine> {
    Engine::new(&config(target, triple)?)
}

fn config(target: Target, triple: Option<&str>) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    match (target, triple) {
        (Target::Pulley, _) => {
            config.target(pulley_triple())?;
        }
        (Target::Native, Some(triple)) => {
            config.target(triple)?;
        }
        (Target::Native, None) => {}
    }
    config.epoch_interruption(true);
    config.signals_based_traps(false);
    config.memory_reservation(16 << 20);
    config.memory_reservation_for_growth(16 << 20);
    config.memory_guard_size(0);
    config.guard_before_linear_memory(false);
    config.memory_init_cow(false);
    config.max_wasm_stack(limits::WASM_STACK_BYTES);
    config.async_stack_size(limits::WASM_STACK_BYTES + (1 << 20));
    config.wasm_memory64(false);
    config.wasm_relaxed_simd(false);
    config.wasm_features(
        WasmFeatures::THREADS | WasmFeatures::WIDE_ARITHMETIC | WasmFeatures::CUSTOM_PAGE_SIZES,
        false,
    );
    #[cfg(feature = "compiler")]
    {
        config.cranelift_opt_level(wasmtime::OptLevel::Speed);
        config.generate_address_map(false);
        if !is_for_windows(triple) {
            config.native_unwind_info(false);
        }
    }
    Ok(config)
}

/// Whether the code is for Windows, whose rules for code want its unwinding described. Elsewhere only
/// debuggers want it: a host function's panic does not unwind through a component.
#[cfg(feature = "compiler")]
fn is_for_windows(triple: Option<&str>) -> bool {
    triple.map_or(cfg!(windows), |triple| triple.contains("windows"))
}

fn pulley_triple() -> &'static str {
    match (cfg!(target_pointer_width = "64"), cfg!(target_endian = "little")) {
        (true, true) => "pulley64",
        (true, false) => "pulley64be",
        (false, true) => "pulley32",
        (false, false) => "pulley32be",
    }
}
