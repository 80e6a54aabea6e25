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
use telemetry_host::types::{Outcome, Verdict};
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

fn stopped(bytes: &[u8]) -> String {
    match send(bytes) {
        Err(error) => error.to_string(),
        Ok(outcome) => panic!("{outcome:?}"),
    }
}

fn told(bytes: &[u8]) -> String {
    match send(bytes) {
        Ok(Outcome::Retry(advice)) => advice.reason,
        other => panic!("{other:?}"),
    }
}
