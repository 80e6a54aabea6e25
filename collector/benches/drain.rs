//! A backlog of a million events: how fast a sender drains it, and in how much memory, beside how fast it
//! was filled.
//!
//! `cargo bench -p cli-telemetry --no-default-features --features commands,config-file,sender --bench drain -- [events]`
//!
//! The memory stands beside its target; where it is missed the exit code is 1. It runs itself again, so that the
//! memory of the sender is the sender's alone.

mod judge;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use telemetry::Tool;
use telemetry::backend::{Backend, Batch, Outcome, SendContext};
use telemetry::event::{Attribute, kind};

/// MiB above what the idle process has.
const MOST_MEMORY: f64 = 32.0;

const ROLE: &str = "TELEMETRY_BENCH_ROLE";
const HOME: &str = "TELEMETRY_BENCH_HOME";
const TOML: &str = "[tool]\nid = \"com.example.bench\"\nforce = true\nsend_from_tests = true\n\
    [delivery]\nmode = \"never\"\ninterval = \"0s\"\nlifetime = \"1h\"\n\
    [journal]\nmax_events = 100000000\nmax_bytes = 100000000000\n";

/// A vendor that takes everything at once: what is measured is the way to it.
#[derive(Default)]
struct Counts(u64);

impl Backend for Counts {
    fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
        self.0 += black_box(batch.events.len()) as u64;
        Outcome::Delivered
    }
}

fn tool(home: &Path) -> Tool {
    let tool = Tool::from_toml("1.0.0", TOML).data_directory(home).debug_build(false);
    tool.backend("nowhere", Counts::default)
}

/// Kilobytes of this process, by the name that Linux gives them; zero elsewhere.
fn kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn fill(home: &Path, events: u32) {
    let telemetry = telemetry::start(tool(home));
    let attributes = [
        Attribute::new("format", "json"),
        Attribute::new("target", "x86_64-unknown-linux-gnu"),
        Attribute::new("profile", "release"),
    ];
    let started = Instant::now();
    for _ in 0..events {
        telemetry.track(kind::COMMAND_INVOCATION, "project/build", &attributes);
    }
    println!("{}", started.elapsed().as_secs_f64());
}

fn drain(home: &Path) {
    let _telemetry = telemetry::start(tool(home));
    let idle = kilobytes("VmRSS");
    let started = Instant::now();
    let mut delivered = 0;
    loop {
        let flushed = telemetry::commands::flush().expect("there is a session");
        delivered += flushed.delivered;
        if flushed.delivered == 0 {
            break;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{delivered} {seconds} {}", kilobytes("VmHWM").saturating_sub(idle));
}

fn again(role: &str, home: &Path, events: u32) -> Vec<f64> {
    let mut command = Command::new(std::env::current_exe().expect("it is running"));
    command.arg(events.to_string()).env(ROLE, role).env(HOME, home);
    for variable in ["CI", "DO_NOT_TRACK", "TELEMETRY_ENABLED", "TELEMETRY_LOCAL"] {
        command.env_remove(variable);
    }
    let output = command.output().expect("it can be run again");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.split_whitespace().filter_map(|it| it.parse().ok()).collect()
}

fn main() -> ExitCode {
    let events = std::env::args().skip(1).find_map(|it| it.parse::<u32>().ok()).unwrap_or(1_000_000);
    match (std::env::var(ROLE).as_deref(), std::env::var_os(HOME).map(PathBuf::from)) {
        (Ok("fill"), Some(home)) => fill(&home, events),
        (Ok("drain"), Some(home)) => drain(&home),
        _ => {
            let home = tempfile::tempdir().expect("a temporary directory can be made");
            let filled = again("fill", home.path(), events);
            let drained = again("drain", home.path(), events);
            let (&[filling], &[delivered, draining, kilobytes]) = (&*filled, &*drained) else {
                println!("something failed: {filled:?} {drained:?}");
                return ExitCode::FAILURE;
            };
            println!(
                "{events} events recorded in {filling:.2} s, {:.0} a second",
                f64::from(events) / filling
            );
            println!("{delivered} events drained in {draining:.2} s, {:.0} a second", delivered / draining);
            let mut judge = judge::Judge::default();
            judge.at_most("memory above idle", kilobytes / 1024.0, MOST_MEMORY, "MiB");
            // Where the system does not tell a process its memory, nothing was measured.
            judge.must("the system tells a process its memory", kilobytes > 0.0);
            judge.must("every event was drained", delivered == f64::from(events));
            return judge.end();
        }
    }
    ExitCode::SUCCESS
}
