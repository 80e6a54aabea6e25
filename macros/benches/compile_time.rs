//! What annotated functions cost to compile: a thousand of them, and chains of asynchronous ones.
//!
//! Writes small crates into a directory of its own, builds their dependencies once, then builds only the
//! crates themselves, in turns, so that what else the machine does meets all of them. Exits with 1 where a
//! target is missed:
//!
//! - A thousand functions cost at most 1.1 of what they do with `#[tracing::instrument(skip_all, err(Debug))]`.
//!   That form decides because it does what ours does: it looks at what a function returned and records that
//!   it failed. (Ours also registers each function for the schema.) `skip_all` alone never looks at what was
//!   returned, and the bare attribute records each parameter by `Debug` in its place, which ours does only
//!   on request; both are printed beside it.
//! - A function in a chain of sixty asynchronous ones costs at most 1.5 of one in a chain of ten.
//!
//! `cargo bench -p telemetry-macros --bench compile_time -- [functions] [rounds]`

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// What the attribute may cost of what the other one does.
const MOST: f64 = 1.1;
/// What a function of the longest chain may cost of what one of the shortest does.
const MOST_GROWTH: f64 = 1.5;
const LENGTHS: [usize; 4] = [10, 20, 30, 60];

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|it| it.parse::<usize>().ok());
    let (functions, rounds) = (numbers.next().unwrap_or(1_000), numbers.next().unwrap_or(5));
    let room = Room::new();
    let attributes = [
        "#[telemetry::command]",
        "#[tracing::instrument]",
        "#[tracing::instrument(skip_all)]",
        "#[tracing::instrument(skip_all, err(Debug))]",
    ];
    let empty = room.package("");
    let plain = room.package(&thousand("", functions));
    let annotated = attributes.map(|it| room.package(&thousand(it, functions)));
    let chains = LENGTHS.map(|it| room.package(&chain("#[telemetry::command]", it)));
    let plain_chains = LENGTHS.map(|it| room.package(&chain("", it)));

    let all: Vec<&Package> =
        [&empty, &plain].into_iter().chain(&annotated).chain(&chains).chain(&plain_chains).collect();
    for package in &all {
        package.build();
    }
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); all.len()];
    for _ in 0..rounds {
        for (package, times) in all.iter().zip(&mut times) {
            times.push(package.build());
        }
    }
    let medians: Vec<f64> = times.iter().map(|it| median(it.clone())).collect();
    let least: Vec<f64> = times.iter().map(|it| it.iter().copied().fold(f64::INFINITY, f64::min)).collect();

    println!("{functions} functions, debug build, {rounds} builds in turns, milliseconds:");
    println!("  {:46} {:>7} {:>7}", "", "median", "least");
    let row = |what: &str, at: usize| println!("  {what:46} {:7.0} {:7.0}", medians[at], least[at]);
    row("an empty crate (cargo and rustc starting)", 0);
    row("without an attribute", 1);
    for (at, attribute) in attributes.iter().enumerate() {
        row(attribute, 2 + at);
    }
    println!(
        "ours as a share of theirs: of the medians; of the least; of the least, less an empty crate; of"
    );
    println!("the least, less the same functions without an attribute:");
    for (at, attribute) in attributes.iter().enumerate().skip(1) {
        let (ours, theirs) = (2, 2 + at);
        println!(
            "  {attribute:46} {:7.2} {:7.2} {:7.2} {:7.2}",
            medians[ours] / medians[theirs],
            least[ours] / least[theirs],
            (least[ours] - least[0]) / (least[theirs] - least[0]),
            (least[ours] - least[1]) / (least[theirs] - least[1]),
        );
    }
    // See above why this one decides. A ratio in each round, because what else the machine does meets
    // both builds of one, and the median of those.
    let decides = attributes.len() + 1;
    let ratios = times[2].iter().zip(&times[decides]).map(|(ours, theirs)| ours / theirs).collect();
    let mut met = verdict("the median of the rounds' ratios to the last one", median(ratios), MOST);

    println!("chains of asynchronous functions, milliseconds: annotated, plain, and what is more for each");
    let (first, first_plain) = (2 + attributes.len(), 2 + attributes.len() + LENGTHS.len());
    let mut each = Vec::new();
    for (at, length) in LENGTHS.iter().enumerate() {
        let (ours, plain) = (least[first + at], least[first_plain + at]);
        each.push((ours - least[0]) / *length as f64);
        println!("  {length:3} in a row {ours:7.0} {plain:7.0} {:7.2}", (ours - plain) / *length as f64);
    }
    // What is the same for every chain makes a short one's functions dearer, never a long one's.
    met &= verdict("a function of the longest, to one of the shortest", each[3] / each[0], MOST_GROWTH);
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a figure beside its target; whether it is met.
fn verdict(what: &str, figure: f64, most: f64) -> bool {
    let met = figure <= most;
    println!("  {what}: {figure:.2} (at most {most}: {})", if met { "met" } else { "MISSED" });
    met
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

fn chain(attribute: &str, length: usize) -> String {
    let mut source = format!(
        "{attribute}\npub async fn step_0(n: u32) -> Result<u32, String> {{ std::future::ready(()).await; Ok(n) }}\n"
    );
    for at in 1..length {
        let _ = writeln!(
            source,
            "{attribute}\npub async fn step_{at}(n: u32) -> Result<u32, String> {{ let text = n.to_string(); let n = step_{}(n + 1).await?; drop(text); Ok(n) }}",
            at - 1
        );
    }
    let _ = writeln!(source, "pub fn all() -> impl Future + Send {{ step_{}(1) }}", length - 1);
    source
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
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
    /// Builds the package again, its dependencies being built: milliseconds.
    fn build(&self) -> f64 {
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
        started.elapsed().as_secs_f64() * 1e3
    }
}
