//! Running the program, with faults and without, and taking delivery of what it left.

use crate::program::PROGRAM;
use crate::words::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use telemetry::journal::*;

pub(crate) fn want() -> Want<'static> {
    Want {
        destination: None,
        max_events: 200,
        max_bytes: 1 << 20,
        size_of: &|_, it| Some(it.len()),
        after: None,
    }
}

pub(crate) fn command(directory: &Path, program: &str, wrapper: &[String]) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut command = match wrapper.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(own);
            command
        }
        None => Command::new(own),
    };
    command.args(["--exact", "program", "--test-threads=1", "--nocapture"]).env(PROGRAM, program);
    command.env("JOURNAL_TEST_DIRECTORY", directory).env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(directory: &Path, program: &str) -> ExitStatus {
    command(directory, program, &[]).output().unwrap().status
}

/// Everything left in the journal, events and interrupted commands together. Every process is dead.
pub(crate) fn deliver(directory: &Path) -> BTreeSet<u64> {
    deliver_at(directory, settings(0))
}

/// The same under these caps.
pub(crate) fn deliver_at(directory: &Path, settings: Settings) -> BTreeSet<u64> {
    let mut all = Vec::new();
    let Ok(drain) = Drain::try_open(&directory.join("journal"), settings) else {
        return BTreeSet::new();
    };
    let mut drain = drain.expect("nobody else drains");
    assert_eq!(drain.adopt().unwrap().leased, 0);
    while let Some(batch) = drain.next_batch(&want()).unwrap() {
        for record in &batch.records {
            let number = number(&record.id);
            assert_eq!(record.kind == RecordKind::Start, number >= 1_000_000);
            all.push(number);
        }
        drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
    }
    let distinct: BTreeSet<u64> = all.iter().copied().collect();
    assert_eq!(distinct.len(), all.len(), "something was delivered twice");
    distinct
}

pub(crate) fn assert_none_lost(told: &BTreeSet<u64>, delivered: &BTreeSet<u64>, when: &str) {
    let lost: Vec<&u64> = told.difference(delivered).collect();
    let some = &lost[..lost.len().min(10)];
    assert!(lost.is_empty(), "{when}: lost {}, as {some:?}", lost.len());
}

pub(crate) fn files(directory: &Path) -> usize {
    std::fs::read_dir(directory.join("journal")).unwrap().count()
}

pub(crate) use crate::needs::strace;

/// Runs the program with a fault at a system call; its status, and what strace saw.
pub(crate) fn injected(directory: &Path, program: &str, call: &str, fault: &str) -> (ExitStatus, String) {
    injected_at(directory, program, call, fault, &[])
}

/// The same, with more of strace's arguments.
pub(crate) fn injected_at(
    directory: &Path,
    program: &str,
    call: &str,
    fault: &str,
    more: &[&str],
) -> (ExitStatus, String) {
    let log = directory.join("strace");
    let wrapper = [
        "strace",
        "-f",
        "-qq",
        "-o",
        log.to_str().unwrap(),
        "-e",
        &format!("trace={call}"),
        "-e",
        &format!("inject={call}:{fault}"),
    ]
    .map(str::to_owned);
    let wrapper: Vec<String> = wrapper.into_iter().chain(more.iter().map(|it| (*it).to_owned())).collect();
    let output = command(directory, program, &wrapper).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{call} {fault}: {text}");
    (output.status, std::fs::read_to_string(&log).unwrap())
}

/// A fault that never comes.
pub(crate) const NONE: &str = "error=ENOSPC:when=65000";
