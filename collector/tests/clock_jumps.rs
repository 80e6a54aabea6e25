//! A whole tool whose clock lies, through an outage and its end: no event is lost, and nobody is flooded.
//!
//! `faketime` moves what the library asks for the time of day. The journal's own stamps are read in another way,
//! which it does not reach; what becomes of them under a clock that lies is tried beside the journal's limits.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[path = "probe/home.rs"]
mod home;
#[path = "probe/needs.rs"]
mod needs;
#[path = "disks/vendor.rs"]
mod vendor;

use home::{Home, program};
use vendor::Vendor;

/// Exit waits for the sender, so that a run is over when its process is; the throttle is as ever.
const DELIVERY: &str = "mode = \"bounded\"\nwait = \"30s\"";
/// Runs of the tool under each clock, one right after the other.
const RUNS: usize = 12;
/// Requests among them. Without a throttle it would be one for each run.
const MOST: usize = 3;

/// A vendor that hangs up on everybody, and how often it did.
struct Away {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Away {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                seen.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        Self { address, calls }
    }

    /// Calls since it was last asked.
    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::SeqCst)
    }
}

/// The tool in this home under this clock, if it is not the true one.
fn tool(home: &Home, way: &str, clock: Option<&str>, vendor: SocketAddr) -> Command {
    let plain = home.command(&program(), way);
    let mut command = match clock {
        None => plain,
        Some(clock) => {
            let mut faked = Command::new("faketime");
            faked.args(["-f", clock]).arg(plain.get_program()).args(plain.get_args()).env_clear();
            for (name, value) in plain.get_envs() {
                faked.env(name, value.unwrap_or_default());
            }
            faked
        }
    };
    command.env("TZ", "UTC").env("PROBE_DELIVERY", DELIVERY).env("PROBE_VENDOR", vendor.to_string());
    command
}

fn run(home: &Home, clock: Option<&str>, vendor: SocketAddr, when: &str) {
    let output = tool(home, "one", clock, vendor).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{when}: {output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "said\n", "{when}");
}

fn starts(home: &Home) -> String {
    std::fs::read_to_string(home.path("starts")).unwrap_or_default()
}

/// The clock jumps in an outage; the runs after the jump have these clocks, in turns.
fn jump(name: &str, clocks: &[&str]) {
    let test = "a clock that jumps";
    if !needs::program("faketime", "--version", test) {
        return;
    }
    let (home, away, vendor) = (Home::new(), Away::open(), Vendor::open());
    let mut recorded = 0;
    let mut runs = |clocks: &[Option<&str>], vendor: SocketAddr, when: &str| {
        for at in 0..RUNS {
            run(&home, clocks[at % clocks.len()], vendor, &format!("{name}, {when}"));
            recorded += 1;
        }
    };
    runs(&[None], away.address, "before the jump");
    let calls = away.calls();
    assert!((1..=MOST).contains(&calls), "{name}: {calls} requests before the jump");
    let before = starts(&home);

    let faked: Vec<Option<&str>> = clocks.iter().copied().map(Some).collect();
    runs(&faked, away.address, "after the jump");
    let calls = away.calls();
    // Each clock may believe that it is long since.
    assert!(calls <= MOST * clocks.len(), "{name}: {calls} requests after the jump");
    let after = starts(&home);
    println!("{name}: {calls} requests after the jump\n  {before}  {after}");

    // The vendor is back; so is the clock.
    runs(&faked, vendor.address, "after the jump, the vendor is back");
    runs(&[None], vendor.address, "the clock is right again");
    // Ten events go in a request.
    let requests = vendor.requests().len();
    assert!(requests <= 4 * RUNS / 10 + MOST * (1 + clocks.len()), "{name}: {requests} requests");

    assert!(tool(&home, "flush", None, vendor.address).status().unwrap().success());
    let ids = vendor.ids();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), recorded, "{name}: lost");
    let output = tool(&home, "status", None, vendor.address).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["pending_events"], 0, "{name}: {status}");
    assert_eq!(status["losses"], serde_json::json!([]), "{name}: {status}");
    assert_ne!(before, starts(&home), "{name}: the tool never saw another time");
}

#[test]
fn a_jump_of_ten_years_ahead_loses_nothing_and_is_no_flood() {
    jump("ten years ahead", &["+10y"]);
}

#[test]
fn a_jump_of_ten_years_back_loses_nothing_and_is_no_flood() {
    jump("ten years back", &["-10y"]);
}

#[test]
fn a_clock_that_is_put_back_by_an_hour_loses_nothing_and_is_no_flood() {
    jump("an hour back", &["-1h"]);
}

#[test]
fn a_clock_that_begins_anew_in_1970_loses_nothing_and_is_no_flood() {
    jump("1970", &["@1970-01-01 00:00:10"]);
}

#[test]
fn a_clock_beyond_what_32_bits_count_loses_nothing_and_is_no_flood() {
    jump("2038", &["@2038-01-19 03:14:07"]);
}

#[test]
fn a_clock_that_jumps_at_each_run_loses_nothing_and_is_no_flood() {
    jump("to and fro", &["+10y", "-1h", "@1970-01-01 00:00:10"]);
}
