//! Hostile components in a real tool: each runs inside the tool's own process, at its exit, and the tool's
//! output and exit code are what they are without telemetry; the event stays, `status` says why, and it is
//! delivered once an honest component is there.
//!
//! What is contained and how is tested where it happens, in the host's own tests; here it is what a user
//! would see of it.

mod answers;
mod credentials;
mod files;
mod memory;
mod processes;
mod requests;
mod time;
mod traps;
mod wasi;

use std::path::PathBuf;
use std::process::Command;

use telemetry_guests::Guest;
use telemetry_tests::{Home, Ran, Vendor};

/// A hostile component, and what is to be seen of it.
struct Case {
    wasm: Vec<u8>,
    /// What `status` says of it, whole: what became of the attempt (`held` where there was none), and why.
    says: String,
    /// More lines of `[backend.limits]`.
    limits: &'static str,
    /// More lines of `[endpoints.intake]`, the endpoint that guests use.
    grant: &'static str,
    /// The requests that leave in one attempt, all of them to the granted place.
    leave: usize,
}

/// Nothing leaves, under the usual limits.
fn case(wasm: Vec<u8>, says: impl Into<String>) -> Case {
    Case { wasm, says: says.into(), limits: "", grant: "", leave: 0 }
}

/// What is said of a component that traps while it sends.
fn crashed(why: &str) -> String {
    format!("crashed: the component failed in `send`: {why}")
}

/// A limit for those that compute for ever. For the others it is the usual one: on a busy machine what they do
/// takes as long.
const BRIEF: &str = "cpu_time = \"300ms\"";

const UNREACHABLE: &str = "wasm trap: wasm `unreachable` instruction executed";
const NO_MORE_COPYING: &str = "too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted";
/// How a guest says that it has come to its end.
const DIVIDED_BY_ZERO: &str = "wasm trap: integer divide by zero";

/// What `status` says, as [`Case::says`] has it, but for the place in a file.
fn said(status: &str) -> String {
    let status = status.split(" (at offset 0x").next().unwrap_or_default();
    let after = |name: &str| status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim_start()));
    if let Some(why) = after("Held:") {
        return format!("held: {why}");
    }
    let attempt = after("Last attempt:").unwrap_or_else(|| panic!("no attempt: {status}"));
    let (what, rest) = attempt.split_once(" at ").expect("what became of it, at a time");
    let (_, why) = rest.split_once(": ").expect("a time, and why");
    format!("{what}: {why}")
}

/// Guests speak to `intake`, the honest component that comes after them to `receiver`: the same vendor, so
/// that the user's yes covers both.
fn config(case: &Case, url: &str) -> String {
    let Case { limits, grant, .. } = case;
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\npath = \"backend.wasm\"\n[backend.limits]\ncall_time = \"3s\"\n{limits}\n\
         [endpoints.intake]\nurl = \"{url}\"\nallow = [\"http\", \"loopback\"]\n{grant}\n\
         [endpoints.receiver]\nurl = \"{url}\"\nallow = [\"http\", \"loopback\"]\n\n\
         [delivery]\nmode = \"bounded\"\nwait = \"60s\"\ninterval = 0\n"
    )
}

fn honest() -> &'static [u8] {
    telemetry_backends::get("http").expect("bundled").wasm
}

/// The tool, with one cache of compiled code for all of these tests: the honest component is compiled once.
fn greet(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.greet(arguments);
    command.env("XDG_CACHE_HOME", PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hostile-cache"));
    command
}

fn run(home: &Home, arguments: &[&str]) -> Ran {
    greet(home, arguments).output().expect("greet runs").into()
}

fn greeting() -> Ran {
    Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) }
}

fn contained(cases: impl IntoIterator<Item = Case>) {
    cases.into_iter().for_each(|case| contains(&case));
}

fn contains(hostile: &Case) {
    let says = &hostile.says;
    let vendor = Vendor::start();
    let home = Home::new(&config(hostile, &vendor.url()));
    home.author_file("backend.wasm", &hostile.wasm);
    assert_eq!(run(&home, &["telemetry", "enable"]).code, Some(0), "{says}");

    assert_eq!(run(&home, &["hello", "Ada"]), greeting(), "{says}");
    let status = run(&home, &["telemetry", "status"]);
    assert_eq!(said(&status.stdout), *says);
    assert!(status.stdout.contains("1 event, "), "it is still there: {says}: {status:?}");
    assert!(!status.stdout.contains(|c: char| c.is_control() && c != '\n'), "{says}: {status:?}");
    // Every run may send: the one that greeted, and the one that showed the status.
    let left = vendor.requests();
    assert!(left.len() == hostile.leave || left.len() == 2 * hostile.leave, "{says}: {}", left.len());
    assert!(left.iter().all(|request| request.line == "POST /v1/logs HTTP/1.1"), "{left:?}");

    home.configure(&config(&case(Vec::new(), ""), &vendor.url()));
    home.author_file("backend.wasm", honest());
    let flushed = run(&home, &["telemetry", "flush"]);
    assert_eq!(flushed.code, Some(0), "{says}: {flushed:?}");
    let arrived = vendor.requests();
    assert_eq!(arrived[left.len()].json()[0]["name"], "hello", "{says}");
}
