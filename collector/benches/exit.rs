//! What telemetry adds to a tool that records one event and ends, exit included: whole processes, in turns
//! with the same tool with telemetry off, and the median of the differences.
//!
//! `cargo bench -p cli-telemetry --no-default-features --bench exit -- [runs]`
//!
//! Nothing is asserted. It runs itself again as the tool. Where a sender is started it dials a real address
//! on loopback: one that answers, one that refuses and one that never says anything.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use telemetry::Tool;
use telemetry::backend::{Backend, Batch, Outcome, SendContext};
use telemetry::event::kind;

const HOME: &str = "TELEMETRY_BENCH_HOME";
const FORCE: &str = "TELEMETRY_BENCH_FORCE";
const DELIVERY: &str = "TELEMETRY_BENCH_DELIVERY";
const VENDOR: &str = "TELEMETRY_BENCH_VENDOR";

/// Says what it has to a vendor and waits for the answer.
struct Dials(Option<SocketAddr>);

impl Backend for Dials {
    fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
        let said = || -> std::io::Result<()> {
            let address = self.0.ok_or(std::io::ErrorKind::AddrNotAvailable)?;
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            writeln!(stream, "{}", batch.events.len())?;
            stream.read_exact(&mut [0])
        };
        match said() {
            Ok(()) => Outcome::Delivered,
            Err(error) => Outcome::Retry { reason: error.to_string(), after: None },
        }
    }
}

/// The tool: one event.
fn tool(home: &std::ffi::OsStr) {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let toml = format!(
        "[tool]\nid = \"com.example.bench\"\nforce = {}\nsend_from_tests = true\n[delivery]\n{}\n",
        variable(FORCE),
        variable(DELIVERY)
    );
    let vendor = variable(VENDOR).parse().ok();
    let tool = Tool::from_toml("1.0.0", toml).data_directory(home).debug_build(false);
    let telemetry = telemetry::start(tool.backend("a vendor on loopback", move || Dials(vendor)));
    telemetry.track(kind::FEATURE_USED, "one", &[]);
}

fn run(home: &Path, force: bool, delivery: &str, vendor: SocketAddr) -> f64 {
    let mut command = Command::new(std::env::current_exe().expect("it is running"));
    command.env(HOME, home).env(FORCE, force.to_string()).env(DELIVERY, delivery);
    command.env(VENDOR, vendor.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for variable in ["CI", "DO_NOT_TRACK", "TELEMETRY_ENABLED", "TELEMETRY_LOCAL"] {
        command.env_remove(variable);
    }
    let started = Instant::now();
    let _ = command.status().expect("it can be run again");
    started.elapsed().as_secs_f64() * 1e3
}

/// The median, and the 95 % interval that the order of so many differences gives it.
fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let (count, half) = (values.len() as f64, 0.98 * (values.len() as f64).sqrt());
    let at = |place: f64| values.get(place.max(0.0) as usize).copied().unwrap_or(f64::NAN);
    (at(count / 2.0), at(count / 2.0 - half), at((count / 2.0 + half).min(count - 1.0)))
}

fn compare(what: &str, runs: usize, delivery: &str, vendor: SocketAddr, fresh: bool) {
    let temporary = tempfile::tempdir().expect("a temporary directory can be made");
    let (on, off) = (temporary.path().join("on"), temporary.path().join("off"));
    // The machine's id is made with the yes, not by each run.
    run(&on, true, delivery, vendor);
    let mut differences = Vec::new();
    for round in 0..runs {
        // So that each run is one at which a sender is due, if one ever is.
        let _ = std::fs::remove_file(on.join("starts"));
        let _ = std::fs::remove_file(on.join("schedule"));
        if fresh {
            let _ = std::fs::remove_dir_all(on.join("journal"));
        }
        let with =
            |force| if force { run(&on, true, delivery, vendor) } else { run(&off, false, delivery, vendor) };
        let (first, second) = (with(round % 2 == 0), with(round % 2 == 1));
        differences.push(if round % 2 == 0 { first - second } else { second - first });
    }
    let (middle, low, high) = median(differences);
    println!("  {what:54} {middle:+7.3} ms  ({low:+.3} to {high:+.3})");
}

/// Answers whoever says something.
fn answering() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"k");
        }
    });
    address
}

fn main() {
    if let Some(home) = std::env::var_os(HOME) {
        return tool(&home);
    }
    let runs = std::env::args().skip(1).find_map(|it| it.parse().ok()).unwrap_or(200);
    let healthy = answering();
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        listener.local_addr().expect("it has an address")
    };
    let hanging = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let never_says = hanging.local_addr().expect("it has an address");
    println!("a tool that records one event, against the same with telemetry off, {runs} pairs:");
    compare("no sender is due, new journal", runs, "mode = \"never\"", healthy, true);
    compare("no sender is due, reused journal", runs, "mode = \"never\"", healthy, false);
    for (name, vendor) in [("answers", healthy), ("refuses", refused), ("hangs", never_says)] {
        let what = format!("a sender is started, the vendor {name}, new journal");
        compare(&what, runs, "mode = \"detached\"", vendor, true);
        let what = format!("a sender is started, the vendor {name}, reused journal");
        compare(&what, runs, "mode = \"detached\"", vendor, false);
    }
}
