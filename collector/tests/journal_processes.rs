//! The journal under real processes: killed, forked, many at once, and refused by the system.
//!
//! A test runs this same binary again as the program under test; `program` says what it does then.
#![cfg(unix)]
#![allow(unsafe_code, reason = "a test of fork must fork")]

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use telemetry::journal::*;

const PROGRAM: &str = "JOURNAL_TEST_PROGRAM";
/// Of a program that nobody kills.
const LIVES: u64 = u64::MAX;

// ---- the program under test ----

/// Not a test of its own: what the tests run as another process.
#[test]
fn program() {
    let Ok(what) = std::env::var(PROGRAM) else {
        return;
    };
    let mut words = what.split(' ');
    let name = words.next().unwrap_or_default();
    let directory = PathBuf::from(std::env::var_os("JOURNAL_TEST_DIRECTORY").unwrap());
    let numbers: Vec<u64> = words.map(|word| word.parse().unwrap()).collect();
    match (name, numbers.as_slice()) {
        ("record", [from, to, map]) => {
            let settings = Settings { max_bytes: 8 << 20, max_events: 400, ..settings(*map) };
            record(&directory, *from..*to, settings, 70, Told::file(&directory, "told"));
        }
        ("record-until", [from, to, map, kill]) => {
            die_after(*kill);
            record(&directory, *from..*to, settings(*map), 10_000, Told::file(&directory, "told"));
        }
        ("one", [number]) => {
            let journal = Journal::new(directory.join("journal"), label(), settings(0));
            journal.append(RecordKind::Event, &id(*number), b"one").unwrap();
        }
        ("drain", [claims]) => drain_and_tell(&directory, *claims == 1),
        ("purge", []) => {
            purge(&directory.join("journal")).unwrap();
        }
        ("fork", [map]) => fork(&directory, *map),
        ("limited", [limit, map]) => {
            let limit = rustix::process::Rlimit { current: Some(*limit), maximum: None };
            rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
            // What it is told goes to a pipe: the limit would hold for a file of ours too.
            record(&directory, 0..600, settings(*map), 70, Told(Box::new(std::io::stderr())));
        }
        other => panic!("no such program: {other:?}"),
    }
}

fn id(number: u64) -> [u8; 16] {
    let mut id = [3; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

fn number(id: &[u8; 16]) -> u64 {
    u64::from_be_bytes(id[8..].try_into().unwrap())
}

fn label() -> Label {
    Label { destination: "https://a.example".into(), origin: b"process".to_vec() }
}

/// Never mapped for 0, after so many records otherwise.
fn settings(map: u64) -> Settings {
    let map = if map == 0 { Map::Never } else { Map::After(map as u32) };
    Settings { max_bytes: 1 << 30, max_events: 1 << 30, map, ..Settings::default() }
}

/// What a program says it was told, a line for each number: it survives a kill.
struct Told(Box<dyn Write>);

impl Told {
    fn file(directory: &Path, name: &str) -> Self {
        let path = directory.join(format!("{name}-{}", std::process::id()));
        Self(Box::new(std::fs::File::options().create(true).append(true).open(path).unwrap()))
    }

    fn tell(&mut self, number: u64) {
        // One plain write, so that no fault meant for the journal's positioned ones hits it.
        self.0.write_all(format!("told {number}\n").as_bytes()).unwrap();
    }
}

fn told(directory: &Path, name: &str) -> BTreeSet<u64> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let files = files.filter(|entry| entry.file_name().to_str().unwrap().starts_with(name));
    files.flat_map(|entry| told_in(&std::fs::read_to_string(entry.path()).unwrap())).collect()
}

fn told_in(text: &str) -> BTreeSet<u64> {
    text.lines().filter_map(|line| line.strip_prefix("told ")?.parse().ok()).collect()
}

static RECORDED: AtomicU64 = AtomicU64::new(0);

/// Another thread kills the process once so many were recorded.
fn die_after(kill: u64) {
    if kill == LIVES {
        return;
    }
    std::thread::spawn(move || {
        while RECORDED.load(Ordering::Relaxed) < kill {
            std::thread::yield_now();
        }
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    });
}

/// Records events, with a command that runs all the while, and tells what `append` returned `Ok` for.
fn record(
    directory: &Path,
    numbers: std::ops::Range<u64>,
    settings: Settings,
    seal_every: u64,
    mut told: Told,
) {
    let journal = Journal::new(directory.join("journal"), label(), settings);
    let command = numbers.start + 1_000_000;
    if journal.append(RecordKind::Start, &id(command), b"start").is_ok() {
        told.tell(command);
    }
    for number in numbers {
        if journal.append(RecordKind::Event, &id(number), &vec![number as u8; 300]).is_ok() {
            told.tell(number);
        }
        if number % seal_every == seal_every - 1 {
            journal.seal();
        }
        RECORDED.fetch_add(1, Ordering::Relaxed);
    }
}

fn drain_and_tell(directory: &Path, claims: bool) {
    let Ok(Some(mut drain)) = Drain::try_open(&directory.join("journal"), settings(0)) else {
        return;
    };
    let mut acknowledged = Told::file(directory, "acknowledged");
    let mut offered = Told::file(directory, "offered");
    let durability = if claims { Durability::Durable } else { Durability::Cached };
    drain.adopt().unwrap();
    while let Some(batch) = drain.next_batch(&want()).unwrap() {
        let (first, rest) = batch.records.split_at(batch.records.len().min(3));
        for part in [first, rest] {
            part.iter().for_each(|record| offered.tell(number(&record.id)));
            let places: Vec<Position> = part.iter().map(|record| record.position).collect();
            drain.acknowledge(&places, durability).unwrap();
            part.iter().for_each(|record| acknowledged.tell(number(&record.id)));
        }
        drain.adopt().unwrap();
    }
}

/// Both sides of a fork record; the parent is killed while the child goes on.
fn fork(directory: &Path, map: u64) {
    let journal = Journal::new(directory.join("journal"), label(), settings(map));
    let record = |numbers: std::ops::Range<u64>| {
        let mut told = Told::file(directory, "told");
        for number in numbers {
            journal.append(RecordKind::Event, &id(number), &[1; 100]).unwrap();
            told.tell(number);
        }
    };
    record(0..100);
    // SAFETY: the child runs only what this test is about, and ends with `_exit`.
    if unsafe { libc::fork() } == 0 {
        record(1000..1100);
        // SAFETY: as above: a grandchild, which has two inherited journals behind it.
        if unsafe { libc::fork() } == 0 {
            record(2000..2100);
        } else {
            record(1100..1200);
        }
        // SAFETY: ends the process at once; nothing of Rust's runs afterwards.
        unsafe { libc::_exit(0) };
    }
    record(100..200);
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
}

// ---- what the tests share ----

fn want() -> Want<'static> {
    Want {
        destination: None,
        max_events: 200,
        max_bytes: 1 << 20,
        size_of: &|_, it| Some(it.len()),
        after: None,
    }
}

fn command(directory: &Path, program: &str, wrapper: &[String]) -> Command {
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

fn run(directory: &Path, program: &str) -> ExitStatus {
    command(directory, program, &[]).output().unwrap().status
}

/// Everything left in the journal, events and interrupted commands together. Every process is dead.
fn deliver(directory: &Path) -> BTreeSet<u64> {
    let mut all = Vec::new();
    let Ok(drain) = Drain::try_open(&directory.join("journal"), settings(0)) else {
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

fn assert_none_lost(told: &BTreeSet<u64>, delivered: &BTreeSet<u64>, when: &str) {
    let lost: Vec<&u64> = told.difference(delivered).collect();
    assert!(lost.is_empty(), "{when}: lost {lost:?}");
}

fn files(directory: &Path) -> usize {
    std::fs::read_dir(directory.join("journal")).unwrap().count()
}

/// Whether `strace` can be used; where it cannot, the test says so by name.
fn strace(test: &str) -> bool {
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("skipped, there is no strace: {test}");
    }
    works
}

/// Runs the program with a fault at a system call; its status, and what strace saw.
fn injected(directory: &Path, program: &str, call: &str, fault: &str) -> (ExitStatus, String) {
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
    let output = command(directory, program, &wrapper).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{call} {fault}: {text}");
    (output.status, std::fs::read_to_string(&log).unwrap())
}

/// A fault that never comes.
const NONE: &str = "error=ENOSPC:when=65000";

const CALLS: [&str; 16] = [
    "openat",
    "flock",
    "pwrite64",
    "pread64",
    "fstat",
    "newfstatat",
    "getdents64",
    "ftruncate",
    "renameat",
    "unlinkat",
    "fallocate",
    "madvise",
    "munmap",
    "fdatasync",
    "fsync",
    "mkdir",
];

/// Runs the program, killed at the Nth call of each kind, for at most `most` N of a kind; says how
/// often it was killed.
fn kill_at_each_call(
    program: &str,
    most: usize,
    prepare: impl Fn(&Path),
    check: impl Fn(&Path, bool, &str),
) -> usize {
    let mut points = 0;
    for call in CALLS {
        let temp = tempfile::tempdir().unwrap();
        prepare(temp.path());
        let count =
            injected(temp.path(), program, call, NONE).1.lines().filter(|it| it.contains(call)).count();
        for when in (1..=count).step_by(count.div_ceil(most).max(1)) {
            let temp = tempfile::tempdir().unwrap();
            prepare(temp.path());
            let (status, _) = injected(temp.path(), program, call, &format!("signal=SIGKILL:when={when}"));
            check(temp.path(), !status.success(), &format!("killed at {call} {when}"));
            points += usize::from(!status.success());
        }
    }
    points
}

// ---- the tests ----

#[test]
fn a_hundred_processes_with_random_kills_lose_nothing_that_was_recorded() {
    let temp = tempfile::tempdir().unwrap();
    let children: Vec<Child> = (0..100u64)
        .map(|child| {
            let (from, map) = (child * 1000, [0, 1, 64][child as usize % 3]);
            // Every second one is killed, each at another place.
            let kill = if child % 2 == 0 { 1 + (child * 7919) % 900 } else { LIVES };
            let program = format!("record-until {from} {} {map} {kill}", from + 1000);
            command(temp.path(), &program, &[]).spawn().unwrap()
        })
        .collect();
    let mut killed = 0;
    for child in children {
        killed += usize::from(child.wait_with_output().unwrap().status.signal() == Some(9));
    }
    assert!(killed > 20, "{killed}");
    let told = told(temp.path(), "told");
    let delivered = deliver(temp.path());
    assert_none_lost(&told, &delivered, "a hundred processes");
    // A process can be killed after its record is stored and before it tells.
    assert!(delivered.len() - told.len() <= killed, "{} {}", delivered.len(), told.len());
}

#[test]
fn ten_thousand_one_event_runs_are_all_there_in_few_files() {
    let temp = tempfile::tempdir().unwrap();
    for number in 0..10_000 {
        let journal = Journal::new(temp.path().join("journal"), label(), Settings::default());
        journal.append(RecordKind::Event, &id(number), &[1; 250]).unwrap();
    }
    for number in 10_000..10_050 {
        assert!(run(temp.path(), &format!("one {number}")).success());
    }
    assert!(files(temp.path()) <= 4, "{}", files(temp.path()));
    assert_eq!(deliver(temp.path()), (0..10_050).collect());
}

#[test]
fn the_ten_thousandth_run_costs_what_the_second_did() {
    if !strace("the_ten_thousandth_run_costs_what_the_second_did") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let calls = |number: u64| {
        injected(temp.path(), &format!("one {number}"), "%desc,%file,%memory", NONE).1.lines().count()
    };
    calls(0);
    let second = calls(1);
    for number in 2..10_000 {
        let journal = Journal::new(temp.path().join("journal"), label(), settings(0));
        journal.append(RecordKind::Event, &id(number), &[1; 250]).unwrap();
    }
    let last = calls(10_000);
    assert!(last <= second + 3, "{second} system calls, then {last}");
}

#[test]
fn both_sides_of_a_fork_record_and_nothing_is_lost() {
    for map in [0, 1] {
        let temp = tempfile::tempdir().unwrap();
        // The pipe of its errors ends when the last of the family does.
        let output = command(temp.path(), &format!("fork {map}"), &[]).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{}", String::from_utf8_lossy(&output.stderr));
        let told = told(temp.path(), "told");
        assert_eq!(told.len(), 500);
        assert_eq!(deliver(temp.path()), told);
    }
}

#[test]
fn a_limit_on_file_sizes_never_kills() {
    for limit in [0, 100, 4096, 20_000, 70_000, 200_000] {
        for map in [0, 1] {
            let temp = tempfile::tempdir().unwrap();
            let output = command(temp.path(), &format!("limited {limit} {map}"), &[]).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{limit} {map}: {:?} {text}", output.status);
            let told = told_in(&text);
            assert_eq!(told.len() > 10, limit >= 4096, "{limit} {map}: {}", told.len());
            assert_none_lost(&told, &deliver(temp.path()), &format!("limit {limit}, map {map}"));
        }
    }
}

#[test]
fn a_kill_at_any_system_call_of_recording_loses_nothing_that_was_recorded() {
    if !strace("a_kill_at_any_system_call_of_recording_loses_nothing_that_was_recorded") {
        return;
    }
    let mut points = 0;
    for map in [0, 2] {
        points += kill_at_each_call(
            &format!("record 0 160 {map}"),
            12,
            |_| {},
            |directory, killed, when| {
                let told = told(directory, "told");
                let delivered = deliver(directory);
                assert_none_lost(&told, &delivered, when);
                assert!(delivered.len() <= told.len() + 1, "{when}: invented");
                assert!(killed || told.len() == 161, "{when}");
            },
        );
    }
    println!("killed at {points} points of recording");
    assert!(points >= 120, "{points}");
}

/// Leftovers of several processes in several segments.
fn leftovers(directory: &Path) {
    for run in 0..4u64 {
        let settings = Settings { max_bytes: 8 << 20, max_events: 400, ..settings(run % 2) };
        let journals = [0, 1].map(|_| Journal::new(directory.join("journal"), label(), settings.clone()));
        for number in 0..40 {
            let id = id(run * 40 + number);
            journals[number as usize % 2].append(RecordKind::Event, &id, &vec![number as u8; 300]).unwrap();
        }
    }
}

#[test]
fn a_kill_at_any_system_call_of_draining_loses_nothing_and_repeats_nothing_acknowledged() {
    if !strace("a_kill_at_any_system_call_of_draining_loses_nothing_and_repeats_nothing_acknowledged") {
        return;
    }
    let mut points = 0;
    for claims in [0, 1] {
        points += kill_at_each_call(&format!("drain {claims}"), 12, leftovers, |directory, killed, when| {
            let acknowledged = told(directory, "acknowledged");
            let offered = told(directory, "offered");
            let left = deliver(directory);
            assert!(left.is_disjoint(&acknowledged), "{when}: handed out after its acknowledgement");
            let seen: BTreeSet<u64> = left.union(&offered).copied().collect();
            assert_eq!(seen, (0..160).collect(), "{when}");
            assert!(killed || left.is_empty(), "{when}");
        });
    }
    println!("killed at {points} points of adopting, merging and acknowledging");
    assert!(points >= 120, "{points}");
}

#[test]
fn a_kill_at_any_system_call_of_a_purge_leaves_a_journal_that_can_be_purged() {
    if !strace("a_kill_at_any_system_call_of_a_purge_leaves_a_journal_that_can_be_purged") {
        return;
    }
    let points = kill_at_each_call("purge", 12, leftovers, |directory, _, when| {
        let journal = directory.join("journal");
        assert_eq!(survey(&journal).losses, [], "{when}");
        purge(&journal).unwrap();
        assert!(!journal.exists(), "{when}");
    });
    println!("killed at {points} points of purging");
    assert!(points >= 20, "{points}");
}

#[test]
fn a_failing_system_call_is_never_the_tools_problem() {
    if !strace("a_failing_system_call_is_never_the_tools_problem") {
        return;
    }
    let mut cases = 0;
    for (call, errors) in [
        ("pwrite64", &["ENOSPC", "EIO", "EDQUOT", "EINTR"][..]),
        ("flock", &["ENOLCK", "EINTR", "EIO"]),
        ("ftruncate", &["EIO", "ENOSPC"]),
        ("renameat", &["EROFS", "ENOSPC", "EIO"]),
        ("fallocate", &["ENOSPC", "EOPNOTSUPP", "EDQUOT"]),
        ("pread64", &["EIO", "EINTR"]),
        ("getdents64", &["EIO"]),
        ("madvise", &["EINVAL", "ENOMEM"]),
        ("mkdir", &["EROFS", "ENOSPC", "EACCES", "EDQUOT"]),
    ] {
        for error in errors {
            for when in ["1", "2", "1+", "5+"] {
                let temp = tempfile::tempdir().unwrap();
                let fault = format!("error={error}:when={when}");
                let (status, _) = injected(temp.path(), "record 0 160 2", call, &fault);
                // The loader reads its libraries with the same calls; that is nobody's business here.
                if status.code() == Some(127) {
                    continue;
                }
                assert!(status.success(), "{call} {fault}: {status:?}");
                assert_none_lost(
                    &told(temp.path(), "told"),
                    &deliver(temp.path()),
                    &format!("{call} {fault}"),
                );
                cases += 1;
            }
        }
    }
    println!("{cases} failing system calls");
    assert!(cases >= 60);
}

#[test]
fn too_few_file_descriptors_are_not_the_tools_problem() {
    if !strace("too_few_file_descriptors_are_not_the_tools_problem") {
        return;
    }
    // The loader opens files too: only what comes after the program's own files is failed.
    let temp = tempfile::tempdir().unwrap();
    let (_, log) = injected(temp.path(), "record 0 160 2", "openat", NONE);
    let first = log.lines().position(|line| line.contains("told-")).unwrap();
    for error in ["EMFILE", "ENFILE", "EACCES", "EROFS", "EINTR"] {
        for after in 2..6 {
            let temp = tempfile::tempdir().unwrap();
            let fault = format!("error={error}:when={}+", first + after);
            let (status, _) = injected(temp.path(), "record 0 160 2", "openat", &fault);
            assert!(status.success(), "{fault}: {status:?}");
            assert_none_lost(&told(temp.path(), "told"), &deliver(temp.path()), &fault);
        }
    }
}

#[test]
fn what_is_no_file_of_ours_is_not_touched() {
    use std::os::unix::fs::symlink;
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    let victim = temp.path().join("victim");
    std::fs::write(&victim, b"precious").unwrap();
    Journal::new(directory.clone(), label(), settings(0)).append(RecordKind::Event, &id(0), b"").unwrap();
    let slot = std::fs::read_dir(&directory).unwrap().next().unwrap().unwrap().file_name();
    for (at, name) in
        [slot.to_str().unwrap(), "drain.state", "drain.state.new", "drain.lock"].iter().enumerate()
    {
        let path = directory.join(name);
        let _ = std::fs::remove_file(&path);
        symlink(&victim, &path).unwrap();
        let journal = Journal::new(directory.clone(), label(), settings(0));
        journal.append(RecordKind::Event, &id(at as u64), b"").unwrap();
        drop(journal);
        if let Ok(Some(mut drain)) = Drain::try_open(&directory, settings(0)) {
            let _ = drain.adopt();
            drain.count_loss(LossCause::Attempts, 1);
        }
        let _ = survey(&directory);
        let _ = std::fs::remove_file(&path);
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious", "through {name}");
    }
    let link = temp.path().join("link");
    symlink(&directory, &link).unwrap();
    let journal = Journal::new(link, label(), settings(0));
    assert!(matches!(journal.append(RecordKind::Event, &id(9), b""), Err(AppendError::Held(_))));
}

#[test]
fn a_segment_cut_under_its_writer_stops_nobody() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    let journal = Journal::new(directory.clone(), label(), settings(0));
    for number in 0..100 {
        if number % 10 == 5 {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let file = std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
                file.set_len([0, 50, 1000][number as usize / 10 % 3]).unwrap();
            }
        }
        journal.append(RecordKind::Event, &id(number), &[1; 50]).unwrap();
    }
    drop(journal);
    let delivered = deliver(temp.path());
    assert!((95..100).all(|number| delivered.contains(&number)), "{delivered:?}");
}

#[test]
fn damage_while_a_process_records_stops_nobody() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    let journal = Journal::new(directory.clone(), label(), settings(0));
    journal.append(RecordKind::Event, &id(0), &[1; 50]).unwrap();
    let slot = std::fs::read_dir(&directory).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::File::options().write(true).open(slot).unwrap();
    for number in 1..50u64 {
        file.write_at(&[0xff; 7], number * 61 % 3000).unwrap();
        journal.append(RecordKind::Event, &id(number), &[1; 50]).unwrap();
    }
    drop(journal);
    deliver(temp.path());
    let survey = survey(&directory);
    assert_eq!((survey.events, survey.unreadable), (0, 0));
}
