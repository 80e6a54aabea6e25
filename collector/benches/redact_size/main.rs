//! What redaction adds to a program: a program that redacts its arguments and the same one without, both
//! optimised as a release is and stripped, compared.
//!
//! The promise: 80 KiB of code and tables. It exits with 1 where that is missed.
//!
//! Run with `cargo bench -p cli-telemetry --no-default-features --bench redact_size`; the first run builds
//! the library for a release.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Bytes.
const TARGET: u64 = 80 * 1024;

/// Builds both programs; gives where they are.
fn build() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(manifest).args(["build", "--locked", "--release", "--no-default-features"]);
    cargo.args(["--package", "cli-telemetry", "--config", "profile.release.strip=true"]);
    cargo.args(["--example", "redact_size_with", "--example", "redact_size_without"]);
    // A directory of its own: with other settings the programs would be others.
    let target = target_directory(manifest).join("redact-size");
    cargo.arg("--target-dir").arg(&target);
    assert!(cargo.status().is_ok_and(|status| status.success()), "the two programs do not build");
    target.join("release/examples")
}

/// Where cargo has put this program, without what is inside of it.
fn target_directory(manifest: &Path) -> PathBuf {
    let me = std::env::current_exe().ok();
    let here = me.as_deref().and_then(|me| me.ancestors().nth(3));
    here.map_or_else(|| manifest.join("target"), Path::to_path_buf)
}

fn size(directory: &Path, name: &str) -> u64 {
    let path = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    std::fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).len()
}

fn main() -> ExitCode {
    let directory = build();
    let (with, without) = (size(&directory, "redact_size_with"), size(&directory, "redact_size_without"));
    let added = with.saturating_sub(without);
    let met = added <= TARGET;
    println!("with redaction {with} B, without {without} B");
    println!(
        "redaction: {:.1} KiB, target {} KiB: {}",
        added as f64 / 1024.0,
        TARGET / 1024,
        if met { "met" } else { "MISSED" }
    );
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
