//! Components that try to hurt the tool that loads them. Each is contained: a named error or a harmless
//! outcome, within its limits, and the host goes on.

mod answers;
mod files;
mod logs;
mod memory;
mod requests;
#[path = "../support/mod.rs"]
mod support;
mod time;
mod traps;
mod wasi;
#[cfg(feature = "wasi-http")]
mod wasi_http;

use std::time::Duration;

use support::server::Server;
use support::{batch, context, grant, load, load_with, spec};
use telemetry_guests::Guest;
use telemetry_host::types::{Erasure, Outcome, Verdict};
use telemetry_host::{
    Backend, CallError, Component, Credential, Door, Grant, Level, Limits, LoadError, LoadOptions, Placement,
    Recorder, Secret, Setup, Source, StartError, Stream,
};

fn quick(limits: &mut Limits) {
    limits.cpu_time = Duration::from_secs(1);
    limits.call_time = Duration::from_secs(20);
}

fn start(bytes: &[u8]) -> Result<Backend, StartError> {
    start_through(bytes, Door::Record(Recorder::default()))
}

fn start_through(bytes: &[u8], door: Door) -> Result<Backend, StartError> {
    let component = load_with(bytes, quick);
    Backend::start(&component, Setup::new("{}", door).grant(grant("intake", "https://vendor.example", &[])))
}

fn send(bytes: &[u8]) -> Result<Outcome, CallError> {
    start(bytes).unwrap().send(&batch(2), &context())
}

/// The whole text of the error that `send` ends with: a guest that fails for another reason than the one it is
/// here for is seen by it.
fn stopped(bytes: &[u8]) -> String {
    match send(bytes) {
        Err(error) => error.to_string(),
        Ok(outcome) => panic!("{outcome:?}"),
    }
}

/// The same of a guest that does not come as far as `send`.
fn not_started(bytes: &[u8]) -> String {
    match start(bytes) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it started"),
    }
}

/// What `send` traps with, as text.
fn failed(why: &str) -> String {
    format!("the component failed in `send`: {why}")
}

const UNREACHABLE: &str = "wasm trap: wasm `unreachable` instruction executed";
const NO_MORE_COPYING: &str = "too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted";
const NO_MORE_MEMORY: &str = "after it asked for more memory than 134217728 bytes";
const NO_MORE_ELEMENTS: &str = "after it asked for more table elements than 200000";

fn told(bytes: &[u8]) -> String {
    match send(bytes) {
        Ok(Outcome::Retry(advice)) => advice.reason,
        other => panic!("{other:?}"),
    }
}
