//! What loading and running a component costs, natively and in the interpreter.
//!
//! Targets: a cached load in at most 1 ms, an instantiation in at most 0.2 ms.
//! `cargo bench -p telemetry-host --features pulley-compiler --bench component`

mod support;

use std::hint::black_box;

use support::{batch, context, median, ms, recording};
use telemetry_host::{Backend, CompileFor, Component, LoadOptions, Source, precompile};

fn main() {
    println!("one component each: median of its runs");
    for (name, endpoint) in [("http", "receiver"), ("otlp", "collector")] {
        let wasm = telemetry_backends::get(name).expect("bundled").wasm;
        println!("\n{name}: {} KiB", wasm.len() >> 10);
        let cache = tempfile::tempdir().expect("a directory");
        let mut cached = LoadOptions::default();
        cached.cache = Some(cache.path().join("code"));
        let load = |options: &LoadOptions| {
            black_box(Component::load(Source::Bytes(wasm), options).expect("it loads"));
        };
        line("compile and load, cold", median(5, || load(&LoadOptions::default())));
        load(&cached);
        line("load from the cache (target 1 ms)", median(200, || load(&cached)));

        let native = precompiled(wasm, &CompileFor::Native(target()));
        measure("native", native, endpoint);
        #[cfg(feature = "pulley-compiler")]
        measure("pulley", precompiled(wasm, &CompileFor::Pulley), endpoint);
    }
}

fn measure(how: &str, artefact: &'static [u8], endpoint: &str) {
    println!("  {how}: {} KiB precompiled", artefact.len() >> 10);
    let load = || Component::load(Source::Precompiled(artefact), &LoadOptions::default()).expect("it loads");
    line("load", median(200, || drop(black_box(load()))));
    let component = load();
    line("instantiate, alone (target 0.2 ms)", component.time_to_instantiate(200));
    line(
        "start: thread, instance, describe, configure",
        median(200, || drop(Backend::start(&component, recording(endpoint)).expect("it starts"))),
    );
    let mut backend = Backend::start(&component, recording(endpoint)).expect("it starts");
    for events in [1, 1_000] {
        let batch = batch(events);
        let time = median(200, || drop(black_box(backend.send(&batch, &context()).expect("an outcome"))));
        line(&format!("a call with {events} events, copied, no network"), time);
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

fn line(what: &str, time: std::time::Duration) {
    println!("    {what:<46} {:>12}", ms(time));
}
