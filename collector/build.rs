//! Notes the compiler's version, which events carry as the runtime.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed =
        Command::new(rustc).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed);
    // `rustc 1.95.0 (59807616e 2026-04-14)`
    let version = printed.split_whitespace().nth(1).unwrap_or("unknown");
    println!("cargo::rustc-env=TELEMETRY_RUSTC_VERSION={version}");
}
