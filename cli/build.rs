//! Hands the target's name to `precompile`, which compiles for this machine where told nothing else.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=KIT_TARGET={target}");
}
