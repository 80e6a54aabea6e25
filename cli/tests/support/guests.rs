//! Components that tests build.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::ran;

/// Variables of the build that runs the tests, which would change what is built here.
const OUTER: [&str; 7] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_INCREMENTAL",
    "CARGO_BUILD_TARGET",
    "RUSTUP_TOOLCHAIN",
];

/// A cargo of its own, with a target directory that stays from run to run.
pub fn cargo(target: &str) -> Command {
    let mut cargo = Command::new("cargo");
    for variable in OUTER {
        cargo.env_remove(variable);
    }
    // What a new project needs is what this workspace has: a test waits for no registry.
    cargo.env("CARGO_NET_OFFLINE", "true");
    cargo.env("CARGO_TARGET_DIR", PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(target));
    cargo
}

/// The backend with a fault, before it has one.
static WRONG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut build = cargo("guests");
    build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wrong"));
    build.args([
        "build",
        "--locked",
        "--lib",
        "--profile",
        "component",
        "--target",
        "wasm32-unknown-unknown",
    ]);
    build.args(["--config", "target.wasm32-unknown-unknown.linker=\"wasm-component-ld\""]);
    let built = ran(&mut build);
    assert!(built.ok, "{}", built.stderr);
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("guests/wasm32-unknown-unknown/component/telemetry_wrong_backends.wasm");
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
});

/// The backend with this fault.
pub fn wrong(mode: &str) -> Vec<u8> {
    const PLACE: usize = 40;
    let mut wasm = WRONG.clone();
    let honest = b"KIT-MODE:honest";
    let places: Vec<_> = wasm.windows(honest.len()).enumerate().filter(|(_, it)| *it == honest).collect();
    assert_eq!(places.len(), 1, "the mode stands once in the component");
    let at = places[0].0;
    wasm[at..at + PLACE].copy_from_slice(format!("{:<PLACE$}", format!("KIT-MODE:{mode}")).as_bytes());
    wasm
}
