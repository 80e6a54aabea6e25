//! Puts the components of the enabled features into `OUT_DIR`.
//!
//! Where the backends' sources are beside this package (the repository, a git dependency) they are
//! built by a cargo of their own. Where they are not (a published package) the package carries them
//! in `prebuilt`.
//!
//! The hazards of a cargo inside a cargo, and what is done about each:
//! - It would wait for ever for the lock of the outer target directory: it has its own.
//! - `RUSTFLAGS`, wrappers, a default target or profile of the outer build (or of a user's cargo
//!   configuration) would reach it, and clippy or a coverage tool would build another component than
//!   a release does: all are taken away, and the flags are set to exactly ours.
//! - Another toolchain would miss the wasm targets: it is the outer cargo, by its path.
//! - It would change the lock file: it is run with `--locked`.
//! - It would start as many compilers as there are processors, once more: it inherits the jobserver.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

use sha2::{Digest, Sha256};

/// Backends and their targets. The OpenTelemetry crates take their clock from JavaScript on
/// `wasm32-unknown-unknown`, so they are built for WASI; the others then import nothing but the contract.
const BACKENDS: [(&str, &str); 4] = [
    ("http", "wasm32-unknown-unknown"),
    ("datadog", "wasm32-unknown-unknown"),
    ("posthog", "wasm32-unknown-unknown"),
    ("otlp", "wasm32-wasip2"),
];

/// The profile of the workspace that components are built with.
const PROFILE: &str = "component";

fn main() {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    let wanted: Vec<_> = BACKENDS
        .into_iter()
        .filter(|(name, _)| env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase())).is_some())
        .collect();
    watch(&package.join("build.rs"));
    match Sources::beside(&package) {
        Some(sources) => sources.build(&wanted, &out),
        None => copy_prebuilt(&package.join("prebuilt"), &wanted, &out),
    }
    wanted.iter().for_each(|(name, _)| digest(&out, name));
    #[cfg(feature = "precompiled")]
    precompile(&wanted, &out);
}

/// Reckons a component's SHA-256 here, so that no run of a tool has to.
fn digest(out: &Path, name: &str) {
    let component = out.join(name).with_extension("wasm");
    let wasm =
        fs::read(&component).unwrap_or_else(|error| fail(&format!("{}: {error}", component.display())));
    let digest: String = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    let to = out.join(name).with_extension("sha256");
    if let Err(error) = fs::write(&to, digest) {
        fail(&format!("{}: {error}", to.display()));
    }
}

/// Compiles them for the machine that the tool is for, in one piece: they share much of their code.
#[cfg(feature = "precompiled")]
fn precompile(wanted: &[(&str, &str)], out: &Path) {
    let target = variable("TARGET").to_string_lossy().into_owned();
    let files: Vec<_> =
        wanted.iter().map(|(name, _)| (*name, out.join(name).with_extension("wasm"))).collect();
    let components: Vec<_> = files.iter().map(|(name, file)| (*name, file.as_path())).collect();
    let bundle = telemetry_host::precompile_bundle(&components, &target)
        .unwrap_or_else(|error| fail(&format!("compiling the components for {target}: {error}")));
    let to = out.join("bundle.precompiled");
    if let Err(error) = fs::write(&to, bundle) {
        fail(&format!("{}: {error}", to.display()));
    }
}

/// What a published package carries.
fn copy_prebuilt(prebuilt: &Path, wanted: &[(&str, &str)], out: &Path) {
    for (name, _) in wanted {
        let from = prebuilt.join(name).with_extension("wasm");
        watch(&from);
        copy(&from, &out.join(name).with_extension("wasm"), || {
            format!(
                "the component `{name}` is neither prebuilt nor are its sources beside this package. In the \
                 repository: cargo run -p telemetry-backends --example export -- {}",
                prebuilt.display()
            )
        });
    }
}

/// The repository's sources.
struct Sources {
    workspace: PathBuf,
    backends: PathBuf,
}

impl Sources {
    /// The sources, if this package is where the repository has it. A neighbour that is called
    /// `http` by accident is not ours.
    fn beside(package: &Path) -> Option<Self> {
        let backends = package.parent()?;
        let workspace = backends.parent()?;
        let ours = |name: &str| {
            let manifest = fs::read_to_string(backends.join(name).join("Cargo.toml")).unwrap_or_default();
            manifest.contains(&format!("name = \"telemetry-backend-{name}\""))
        };
        let whole = BACKENDS.iter().all(|(name, _)| ours(name)) && ours("sdk");
        whole.then(|| Self { workspace: workspace.into(), backends: backends.into() })
    }

    fn build(&self, wanted: &[(&str, &str)], out: &Path) {
        self.watch(wanted);
        require_targets(wanted);
        let target = target_directory(out);
        for (name, triple) in wanted {
            let mut cargo = self.cargo(name, triple, &target);
            match cargo.status() {
                Ok(status) if status.success() => {}
                Ok(status) => {
                    fail(&format!("building the component `{name}` failed ({status}); cargo says why above"))
                }
                Err(error) => {
                    fail(&format!("building the component `{name}`: {cargo:?} did not start: {error}"))
                }
            }
            let built = target.join(triple).join(PROFILE).join(format!("telemetry_backend_{name}.wasm"));
            copy(&built, &out.join(name).with_extension("wasm"), || {
                "the component's build wrote no file".into()
            });
        }
    }

    fn watch(&self, wanted: &[(&str, &str)]) {
        watch(&self.workspace.join("Cargo.toml"));
        watch(&self.workspace.join("Cargo.lock"));
        for directory in wanted.iter().map(|(name, _)| *name).chain(["sdk"]) {
            let directory = self.backends.join(directory);
            watch(&directory.join("Cargo.toml"));
            watch(&directory.join("src"));
        }
        watch(&self.backends.join("sdk/wit"));
    }

    fn cargo(&self, name: &str, triple: &str, target: &Path) -> Command {
        let mut cargo = Command::new(variable("CARGO"));
        cargo.current_dir(&self.workspace);
        cargo.args(["build", "--locked", "--lib", "--profile", PROFILE, "--target", triple]);
        cargo.args(["--package", &format!("telemetry-backend-{name}")]);
        cargo.arg("--target-dir").arg(target);
        cargo.args(["--config", "target.wasm32-unknown-unknown.linker=\"wasm-component-ld\""]);
        for (key, _) in env::vars_os() {
            if key.to_str().is_some_and(is_outer) {
                cargo.env_remove(key);
            }
        }
        // Set, not only removed: it also keeps the flags of a cargo configuration out.
        cargo.env("CARGO_ENCODED_RUSTFLAGS", self.flags().join("\u{1f}"));
        cargo
    }

    /// No path of this machine in what is shipped, and the same bytes from every machine.
    fn flags(&self) -> Vec<String> {
        let mut flags = vec![format!("--remap-path-prefix={}=cli-telemetry", self.workspace.display())];
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        if let Some(home) = home.or_else(|| env::home_dir().map(|it| it.join(".cargo"))) {
            flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
        }
        flags
    }
}

/// Whether a variable of the environment belongs to the outer build and would change the inner one.
fn is_outer(key: &str) -> bool {
    const EXACT: [&str; 11] = [
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "CLIPPY_ARGS",
        "CARGO_INCREMENTAL",
        "CARGO_TARGET_DIR",
        "TARGET",
        "HOST",
        "OUT_DIR",
    ];
    const PREFIXES: [&str; 8] = [
        "CARGO_ENCODED_",
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
        "CARGO_FEATURE_",
        "CARGO_CFG_",
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
    ];
    EXACT.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// Says which command adds a target that is missing, before cargo says something longer.
fn require_targets(wanted: &[(&str, &str)]) {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let installed = |triple: &str| {
        let output = Command::new(&rustc).args(["--print", "target-libdir", "--target", triple]).output();
        output.is_ok_and(|it| Path::new(String::from_utf8_lossy(&it.stdout).trim()).is_dir())
    };
    let missing: Vec<&str> = wanted.iter().map(|(_, triple)| *triple).filter(|it| !installed(it)).collect();
    if !missing.is_empty() {
        fail(
            "the bundled backends are WebAssembly components and this toolchain cannot build them yet. Run\n\n    \
             rustup target add wasm32-unknown-unknown wasm32-wasip2\n\nand build again",
        );
    }
}

/// A target directory that the inner builds share: below the outer one, but another, so that neither
/// waits for the other's lock, and debug, release and clippy build the components once.
fn target_directory(out: &Path) -> PathBuf {
    // Cargo marks the root of a target directory with this file.
    let root = out.ancestors().find(|it| it.join("CACHEDIR.TAG").is_file());
    root.unwrap_or(out).join("telemetry-components")
}

fn copy(from: &Path, to: &Path, otherwise: impl FnOnce() -> String) {
    if let Err(error) = fs::copy(from, to) {
        fail(&format!("{}: {error}; {}", from.display(), otherwise()));
    }
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| fail(&format!("{name} is not set: cargo sets it for a build script")))
}

fn fail(message: &str) -> ! {
    // `cargo::error` shows the message, and only it, without the build script's other output.
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    exit(1)
}
