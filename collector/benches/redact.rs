//! What redaction costs, beside `rtb-redact` in the same run.
//!
//! The promise: three clean strings within 60 ns. It exits with 1 where that is missed.
//!
//! Run with `cargo bench -p cli-telemetry --no-default-features --bench redact`.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Nanoseconds for [`THREE`].
const TARGET: f64 = 60.0;

/// What a command records: a flag, a path, an error.
const THREE: [&str; 3] = ["--release", "src/bin/main.rs", "No such file or directory (os error 2)"];

const CLEAN: &[(&str, &str)] = &[
    ("a word", "build"),
    ("a flag", "--release"),
    ("a flag with a value", "--target=x86_64-unknown-linux-gnu"),
    ("a path", "collector/src/redact/mod.rs"),
    ("an error", "error: failed to open `Cargo.toml`: No such file or directory (os error 2)"),
    ("an address", "https://example.com:8443/a/b?page=2&sort=name"),
    ("a git hash", "8d1c8b69c3fce7bea45c73efd06983e3c419a92f"),
    ("an identifier", "a-rather-long-name-in-kebab-case"),
    (
        "prose",
        "The quick brown fox jumps over the lazy dog while nobody looks at what it costs, again and again.",
    ),
    ("prose in Japanese", "設定ファイルが見つかりません。もう一度お試しください。"),
];

const DIRTY: &[(&str, &str)] = &[
    ("a password in an address", "fetch https://bob:hunter2@example.com/x failed"),
    ("a password assigned", "password=hunter2 rest"),
    ("a header", "Authorization: Bearer abcdef0123456789"),
];

/// The least time of one call, over many rounds: noise only adds.
fn least(rounds: u32, calls: u32, mut call: impl FnMut()) -> f64 {
    let mut least = Duration::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        least = least.min(start.elapsed());
    }
    least.as_secs_f64() * 1e9 / f64::from(calls)
}

/// Prints what these texts cost, and gives it in nanoseconds.
fn row(name: &str, bytes: usize, texts: &[&str]) -> f64 {
    // Short rounds: the least of many fits between what else the machine does.
    let calls = (20_000 / bytes as u32).max(1);
    let ours = least(400, calls, || {
        for text in texts {
            black_box(telemetry::redact::redact(black_box(text)));
        }
    });
    let theirs = least(100, calls / 4 + 1, || {
        for text in texts {
            black_box(rtb_redact::string(black_box(text)));
        }
    });
    println!("{name:<28} {bytes:>6} B {ours:>9.1} ns {theirs:>11.1} ns {:>8.1} x", theirs / ours);
    ours
}

fn main() -> ExitCode {
    println!("{:<28} {:>8} {:>12} {:>14} {:>10}", "", "", "redact", "rtb-redact", "ratio");
    let three = row("three clean strings", THREE.iter().map(|text| text.len()).sum(), &THREE);
    for (name, text) in CLEAN.iter().chain(DIRTY) {
        row(name, text.len(), &[text]);
    }
    let log = "2026-08-01T12:00:00Z INFO compiled collector v0.1.0 (src/lib.rs:12:5) in 1.25s\n".repeat(800);
    row("a clean log", log.len(), &[&log]);

    let met = three <= TARGET;
    println!(
        "\nthree clean strings: {three:.1} ns, target {TARGET:.0} ns: {}",
        if met { "met" } else { "MISSED" }
    );
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
