//! What annotated functions cost to compile: a thousand of them, and chains of asynchronous ones.
//!
//! Writes small crates into a directory of its own, builds their dependencies once, then builds only the
//! crates themselves, in turns, so that what else the machine does meets all of them. Prints medians and
//! ratios; nothing is asserted, because a machine's moods are no bug.
//!
//! `cargo bench -p telemetry-macros --bench compile_time -- [functions] [rounds]`

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|it| it.parse::<usize>().ok());
    let (functions, rounds) = (numbers.next().unwrap_or(1_000), numbers.next().unwrap_or(5));
    let room = Room::new();
    let [plain, ours, theirs] = ["", "#[telemetry::command]", "#[tracing::instrument(skip_all, err(Debug))]"]
        .map(|attribute| room.package(&thousand(attribute, functions)));
    let instrumented = room.package(&thousand("#[tracing::instrument(skip_all)]", functions));
    let chains = [10, 20, 30, 60].map(|length| (length, room.package(&chain(length))));

    let all: Vec<&Package> =
        [&plain, &ours, &theirs, &instrumented].into_iter().chain(chains.iter().map(|(_, it)| it)).collect();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); all.len()];
    for package in &all {
        package.build();
    }
    for _ in 0..rounds {
        for (package, times) in all.iter().zip(&mut times) {
            times.push(package.build());
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|it| median(it)).collect();
    let [plain, ours, theirs, instrumented, chains_at @ ..] = &*medians else { return };
    println!("{functions} functions, debug build, median of {rounds} builds in turns, milliseconds:");
    println!("  plain                                   {plain:8.0}");
    println!("  #[telemetry::command]                   {ours:8.0}");
    println!("  #[tracing::instrument(skip_all, err)]   {theirs:8.0}   ours is {:.2} of it", ours / theirs);
    println!(
        "  #[tracing::instrument(skip_all)]        {instrumented:8.0}   ours is {:.2} of it",
        ours / instrumented
    );
    println!("chains of asynchronous functions, each annotated:");
    for ((length, _), time) in chains.iter().zip(chains_at) {
        println!("  {length:3} in a row {time:8.0}   {:.1} a function", time / *length as f64);
    }
}

/// Functions as a tool has them: something is computed, something may fail.
fn thousand(attribute: &str, functions: usize) -> String {
    let mut source = String::new();
    for at in 0..functions {
        let _ = writeln!(
            source,
            "{attribute}\npub fn command_{at}(text: &str, count: u32) -> Result<u32, std::num::ParseIntError> {{
    let number: u32 = text.parse()?;
    if count > {at} {{ return Ok(number); }}
    Ok(number + count)
}}"
        );
    }
    source
}

fn chain(length: usize) -> String {
    let mut source = String::from(
        "#[telemetry::command]\npub async fn step_0(n: u32) -> Result<u32, String> { std::future::ready(()).await; Ok(n) }\n",
    );
    for at in 1..length {
        let _ = writeln!(
            source,
            "#[telemetry::command]\npub async fn step_{at}(n: u32) -> Result<u32, String> {{ let text = n.to_string(); let n = step_{}(n + 1).await?; drop(text); Ok(n) }}",
            at - 1
        );
    }
    let _ = writeln!(source, "pub fn all() -> impl Future {{ step_{}(1) }}", length - 1);
    source
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |it| it.as_secs_f64() * 1e3)
}

/// A directory that goes away.
struct Room(PathBuf, std::cell::Cell<usize>);

struct Package {
    manifest: PathBuf,
    source: PathBuf,
    text: String,
    target: PathBuf,
    turn: std::cell::Cell<usize>,
}

impl Room {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("telemetry-compile-time-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory can be made");
        Self(path, std::cell::Cell::new(0))
    }

    fn package(&self, source: &str) -> Package {
        let number = self.1.replace(self.1.get() + 1);
        let path = self.0.join(format!("package{number}"));
        fs::create_dir_all(path.join("src")).expect("a temporary directory can be made");
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector");
        let manifest = format!(
            "[package]\nname = \"package{number}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             cli-telemetry = {{ path = {library:?}, default-features = false }}\n\
             tracing = {{ version = \"0.1\", default-features = false, features = [\"attributes\", \"std\"] }}\n\n\
             [workspace]\n\n[profile.dev]\nincremental = false\n"
        );
        fs::write(path.join("Cargo.toml"), manifest).expect("a file can be written");
        let _ =
            fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"), path.join("Cargo.lock"));
        Package {
            manifest: path.join("Cargo.toml"),
            source: path.join("src/lib.rs"),
            text: source.to_owned(),
            target: self.0.join("target"),
            turn: std::cell::Cell::new(0),
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Package {
    /// Builds the package again, its dependencies being built.
    fn build(&self) -> Duration {
        let turn = self.turn.replace(self.turn.get() + 1);
        fs::write(&self.source, format!("//! Turn {turn}.\n#![recursion_limit = \"512\"]\n{}", self.text))
            .expect("a file can be written");
        let started = Instant::now();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--manifest-path"])
            .arg(&self.manifest)
            .arg("--target-dir")
            .arg(&self.target)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .status()
            .expect("cargo can be run");
        assert!(built.success(), "{} does not build", self.manifest.display());
        started.elapsed()
    }
}
