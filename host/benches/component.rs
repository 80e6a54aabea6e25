//! What loading and running a component costs, natively and in the interpreter.
//!
//! `cargo bench -p telemetry-host --features pulley-compiler --bench component`
//!
//! Targets: a cached load in at most 1 ms, an instantiation in at most 0.2 ms, either way of running it. Prints
//! each figure beside its target, and exits with 1 where one is missed.

mod support;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use support::{Report, batch, context, median, ms, recording};
use telemetry_host::{Backend, CompileFor, Component, LoadOptions, Source, precompile};

const CACHED_LOAD: Duration = Duration::from_millis(1);
const INSTANTIATION: Duration = Duration::from_micros(200);

fn main() -> ExitCode {
    let mut report = Report::default();
    println!("one component each: median of its runs");
    for (name, endpoint) in [("http", "receiver"), ("otlp", "collector")] {
        let bundled = telemetry_backends::get(name).expect("bundled");
        let (wasm, sha256) = (bundled.wasm, bundled.sha256);
        println!("\n{name}: {} KiB", wasm.len() >> 10);
        let cache = tempfile::tempdir().expect("a directory");
        let mut cached = LoadOptions::default();
        cached.cache = Some(cache.path().join("code"));
        let load = |options: &LoadOptions| {
            black_box(Component::load(Source::Embedded { wasm, sha256 }, options).expect("it loads"));
        };
        report.figure("compile and load, cold", &ms(median(5, || load(&LoadOptions::default()))));
        load(&cached);
        report.at_most("load from the cache", median(200, || load(&cached)), CACHED_LOAD);

        let native = precompiled(wasm, &CompileFor::Native(target()));
        measure(&mut report, "native", native, endpoint);
        #[cfg(feature = "pulley-compiler")]
        measure(&mut report, "pulley", precompiled(wasm, &CompileFor::Pulley), endpoint);
    }
    report.end()
}

fn measure(report: &mut Report, how: &str, artefact: &'static [u8], endpoint: &str) {
    println!("  {how}: {} KiB precompiled", artefact.len() >> 10);
    let load = || Component::load(Source::Precompiled(artefact), &LoadOptions::default()).expect("it loads");
    report.figure("load", &ms(median(200, || drop(black_box(load())))));
    let component = load();
    report.at_most("instantiate, alone", component.time_to_instantiate(200), INSTANTIATION);
    let start = || drop(Backend::start(&component, recording(endpoint)).expect("it starts"));
    report.figure("start: thread, instance, describe, configure", &ms(median(200, start)));
    let mut backend = Backend::start(&component, recording(endpoint)).expect("it starts");
    for events in [1, 1_000] {
        let batch = batch(events);
        let time = median(200, || drop(black_box(backend.send(&batch, &context()).expect("an outcome"))));
        report.figure(&format!("a call with {events} events, copied, no network"), &ms(time));
    }
}

fn precompiled(wasm: &[u8], target: &CompileFor) -> &'static [u8] {
    precompile(Source::Bytes(wasm), &LoadOptions::default(), target).expect("it compiles").leak()
}

/// This machine, as cargo names it.
fn target() -> String {
    let system = if cfg!(target_os = "macos") {
        "apple-darwin"
    } else if cfg!(windows) {
        "pc-windows-msvc"
    } else {
        "unknown-linux-gnu"
    };
    format!("{}-{system}", std::env::consts::ARCH)
}
