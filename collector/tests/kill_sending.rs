//! A sender that is killed at any of its system calls: at least once loses nothing, at most once repeats
//! nothing, and a claim is on disk before its request.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

#[path = "probe/home.rs"]
mod home;
#[path = "probe/needs.rs"]
mod needs;

use home::{Home, program};
use needs::strace;

/// How events are delivered, and how many of them the vendor takes in one request.
#[derive(Clone, Copy)]
struct Way {
    delivery: &'static str,
    most: usize,
}

const AT_LEAST_ONCE: Way = Way { delivery: "mode = \"never\"\ninterval = \"0s\"", most: usize::MAX };
const AT_MOST_ONCE: Way =
    Way { delivery: "mode = \"never\"\ninterval = \"0s\"\nsemantics = \"at-most-once\"", most: usize::MAX };

fn with(mut command: Command, home: &Home, way: Way) -> Command {
    command.env("PROBE_DELIVERY", way.delivery).env("PROBE_MOST", way.most.to_string());
    command.env("PROBE_VENDOR", home.path("vendor"));
    command
}

/// Five events, recorded and not sent.
fn recorded(way: Way) -> Home {
    let home = Home::new();
    assert!(with(home.command(&program(), "five"), &home, way).status().unwrap().success());
    home
}

/// The sender as a process of its own, under strace with these arguments if there are any.
fn sender(home: &Home, way: Way, strace: &[&str]) -> Command {
    let plain = home.command(&program(), "__telemetry_sender");
    let mut command = with(plain, home, way);
    command.env("TELEMETRY_SENDER", "com.example.probe");
    if strace.is_empty() {
        return command;
    }
    let mut traced = Command::new("strace");
    traced.arg("-qq").args(strace).arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        traced.env(name, value.unwrap_or_default());
    }
    traced.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    traced
}

/// The ids that the vendor got, in order.
fn arrived(home: &Home) -> Vec<String> {
    let text = std::fs::read_to_string(home.path("vendor")).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("five ")).map(str::to_owned).collect()
}

/// Events that `status` says are lost.
fn lost(home: &Home, way: Way) -> u64 {
    let status = with(home.command(&program(), "status"), home, way).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    status["losses"].as_array().unwrap().iter().map(|loss| loss[1].as_u64().unwrap()).sum()
}

/// The lines of a sender's trace.
fn trace(home: &Home, way: Way) -> Vec<String> {
    let log = home.path("trace");
    let path = log.to_str().unwrap();
    assert!(sender(home, way, &["-f", "-s", "256", "-o", path]).status().unwrap().success());
    let text = std::fs::read_to_string(&log).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Each system call of a sender from its first one at home: its name, and how many of that name there were up to
/// it. strace counts each name by itself, whatever else it traces.
fn calls_at_home(way: Way) -> Vec<(String, usize)> {
    let home = recorded(way);
    let log = home.path("trace");
    assert!(sender(&home, way, &["-o", log.to_str().unwrap()]).status().unwrap().success());
    let text = std::fs::read_to_string(&log).unwrap();
    let mark = home.0.path().to_str().unwrap();
    let first = text.lines().skip(1).position(|line| line.contains(mark)).unwrap() + 1;
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut calls = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((name, _)) = line.split_once('(') else { continue };
        if name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            let count = counts.entry(name).or_default();
            *count += 1;
            if at >= first {
                calls.push((name.to_owned(), *count));
            }
        }
    }
    calls
}

/// Kills a sender at each system call from its first one at home, and lets three others go on: what arrived in the
/// end, for each. Says how often it was killed.
fn killed_everywhere(way: Way, check: impl Fn(&str, &Home, &[String]) + Sync) -> usize {
    let points = calls_at_home(way);
    let killed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for part in points.chunks(points.len().div_ceil(4)) {
            let (check, killed) = (&check, &killed);
            scope.spawn(move || {
                for (call, when) in part {
                    let home = recorded(way);
                    let inject = format!("inject={call}:signal=SIGKILL:when={when}");
                    let status = sender(&home, way, &["-o", "/dev/null", "-e", &inject]).status().unwrap();
                    // strace ends as its tracee did.
                    killed.fetch_add(usize::from(status.signal() == Some(9)), Ordering::Relaxed);
                    for _ in 0..3 {
                        assert!(sender(&home, way, &[]).status().unwrap().success());
                    }
                    check(&format!("{call} {when}"), &home, &arrived(&home));
                }
            });
        }
    });
    let killed = killed.into_inner();
    println!("killed at {killed} of {} points of sending", points.len());
    killed
}

#[test]
fn at_least_once_a_sender_killed_at_any_system_call_loses_nothing() {
    if !strace("at_least_once_a_sender_killed_at_any_system_call_loses_nothing") {
        return;
    }
    let killed = killed_everywhere(AT_LEAST_ONCE, |point, _, arrived| {
        let distinct: BTreeSet<_> = arrived.iter().collect();
        assert_eq!(distinct.len(), 5, "killed at {point}: {arrived:?}");
    });
    assert!(killed >= 200, "{killed}");
}

#[test]
fn a_sender_killed_while_it_cuts_a_batch_in_two_loses_nothing_and_does_not_begin_again_with_the_whole() {
    if !strace(
        "a_sender_killed_while_it_cuts_a_batch_in_two_loses_nothing_and_does_not_begin_again_with_the_whole",
    ) {
        return;
    }
    let killed = killed_everywhere(Way { most: 2, ..AT_LEAST_ONCE }, |point, home, arrived| {
        let distinct: BTreeSet<_> = arrived.iter().collect();
        assert_eq!(distinct.len(), 5, "killed at {point}: {arrived:?}");
        let told = std::fs::read_to_string(home.path("vendor")).unwrap();
        let refused: Vec<&str> = told.lines().filter(|line| line.starts_with("refused")).collect();
        // Where it was killed before the cut was on disk it is refused once more.
        let once_more =
            [vec!["refused 5", "refused 5", "refused 3"], vec!["refused 5", "refused 3", "refused 3"]];
        assert!(
            refused == ["refused 5", "refused 3"] || once_more.contains(&refused),
            "killed at {point}: {told}"
        );
    });
    assert!(killed >= 200, "{killed}");
}

#[test]
fn at_most_once_a_sender_killed_at_any_system_call_repeats_nothing_and_what_is_gone_is_counted() {
    if !strace("at_most_once_a_sender_killed_at_any_system_call_repeats_nothing_and_what_is_gone_is_counted")
    {
        return;
    }
    let complete = AtomicUsize::new(0);
    let killed = killed_everywhere(AT_MOST_ONCE, |point, home, arrived| {
        let lost = lost(home, AT_MOST_ONCE);
        let distinct: BTreeSet<_> = arrived.iter().collect();
        assert_eq!(distinct.len(), arrived.len(), "killed at {point}: {arrived:?}");
        // Rather too many than too few: one that was killed behind its request cannot say so.
        assert!(
            arrived.len() as u64 + lost >= 5,
            "killed at {point}: {arrived:?} arrived, {lost} are counted"
        );
        complete.fetch_add(usize::from(arrived.len() == 5), Ordering::Relaxed);
    });
    let complete = complete.into_inner();
    assert!(killed >= 200, "{killed}");
    assert!(complete * 2 > killed, "only a kill between claim and request may lose: {complete} of {killed}");
}

#[test]
fn at_most_once_the_claim_is_on_disk_before_the_request() {
    if !strace("at_most_once_the_claim_is_on_disk_before_the_request") {
        return;
    }
    let home = recorded(AT_MOST_ONCE);
    let lines = trace(&home, AT_MOST_ONCE);
    let after = |from: usize, what: &str, is: &dyn Fn(&str) -> bool| -> usize {
        let found = lines.iter().skip(from).position(|line| is(line));
        from + found.unwrap_or_else(|| panic!("no {what} after line {from} of\n{}", lines.join("\n")))
    };
    let claim = after(0, "claim", &|line| line.contains("pwrite64(") && line.contains("ACK1"));
    let file = lines[claim].split("pwrite64(").nth(1).unwrap().split(',').next().unwrap();
    let mut synced = after(claim, "sync of the claim", &|line| {
        let of = |call: &str| line.split(&format!("{call}({file}")).nth(1).map(str::trim_start);
        of("fdatasync").or(of("fsync")).is_some_and(|rest| rest.starts_with([')', '<']))
    });
    // Another thread's call may be traced in the midst of it: then its end is a line of its own.
    if lines[synced].contains("<unfinished") {
        let thread = lines[synced].split(' ').next().unwrap().to_owned();
        synced = after(synced, "end of the sync", &|line| {
            line.starts_with(&thread) && line.contains("sync resumed>")
        });
    }
    // The name of the claim's file is in the directory, which is synced by itself.
    let directory = after(synced + 1, "sync of the directory", &|line| {
        line.contains("fsync(") && !line.contains(&format!("({file})"))
    });
    let request = after(0, "request", &|line| line.contains("write(") && line.contains("\"five "));
    assert!(directory < request, "{claim} {synced} {directory} {request}");
    assert!(Path::new(&home.path("vendor")).exists());
}
