//! A sender ends and holds nothing: not the locks, pipes, jobserver or children of those who are near when
//! it starts, however long it lives.
#![cfg(target_os = "linux")]

use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[path = "probe/home.rs"]
mod home;
#[path = "probe/needs.rs"]
mod needs;

use home::{Home, eventually, program};

const DETACHED: &str = "mode = \"detached\"\ninterval = \"0s\"";

/// Makes this command's environment that of a tool whose sender lives until [`open`].
fn slow<'a>(home: &Home, command: &'a mut Command) -> &'a mut Command {
    command
        .env("PROBE", home.0.path())
        .env("PROBE_DELIVERY", DETACHED)
        .env("PROBE_VENDOR", home.path("vendor"))
        .env("PROBE_GATE", home.path("gate"))
        .env("TOOL", program())
        .env_remove("CI")
        .stdin(Stdio::null())
}

fn shell(home: &Home, script: &str) -> std::process::Output {
    let mut command = Command::new("sh");
    slow(home, command.arg("-c").arg(script)).current_dir(home.0.path()).output().unwrap()
}

/// Lets the vendor answer.
fn open(home: &Home) {
    std::fs::write(home.path("gate"), "").unwrap();
}

/// The senders of this home that are alive.
fn senders(home: &Home) -> Vec<u32> {
    let mark = format!("PROBE={}\0", home.0.path().display());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let read = |what: &str| std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
            let is_sender = String::from_utf8_lossy(&read("cmdline")).contains("__telemetry_sender");
            is_sender && String::from_utf8_lossy(&read("environ")).contains(&mark)
        })
        .collect()
}

/// Waits for a sender that is sending: it holds the journal and cannot go on.
fn sending(home: &Home) -> u32 {
    let schedule = home.path("schedule");
    eventually("a sender is sending", || {
        let text = std::fs::read_to_string(&schedule).unwrap_or_default();
        senders(home).len() == 1 && text.contains("\"attempts\":1")
            || senders(home).len() == 1 && text.contains("in_flight")
    });
    senders(home)[0]
}

/// Ends what is left, so that a failing test leaves no process.
struct Cleared<'a>(&'a Home);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        open(self.0);
        for pid in senders(self.0) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::CONT);
            }
        }
    }
}

fn count(home: &Home, name: &str) -> usize {
    let text = std::fs::read_to_string(home.path("vendor")).unwrap_or_default();
    text.lines().filter(|line| line.starts_with(name)).count()
}

#[test]
fn crons_lock_is_free_when_the_tool_has_ended_and_its_sender_lives() {
    let home = Home::new();
    let _cleared = Cleared(&home);
    let first = shell(&home, "(flock -n 9 || exit 9; \"$TOOL\" five) 9>lock");
    assert!(first.status.success(), "{first:?}");
    sending(&home);
    let second = shell(&home, "(flock -n 9 || exit 9; true) 9>lock");
    assert!(second.status.success(), "a sender holds cron's lock: {second:?}");
}

#[test]
fn a_substitution_ends_with_the_tool_and_not_with_its_sender() {
    let home = Home::new();
    let _cleared = Cleared(&home);
    // If the sender held the pipe this would never end: the vendor waits for the gate.
    let output = shell(&home, "said=$(\"$TOOL\" five; echo over) && echo \"$said\"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "over\n");
    sending(&home);
}

#[test]
fn makes_jobserver_gets_its_tokens_back_and_make_ends() {
    if !needs::program("make", "--version", "makes_jobserver_gets_its_tokens_back_and_make_ends") {
        return;
    }
    let home = Home::new();
    let _cleared = Cleared(&home);
    std::fs::write(home.path("Makefile"), "all: a b c\na b c:\n\t+@\"$$TOOL\" five\n").unwrap();
    let mut make = Command::new("make");
    let made = slow(&home, make.arg("-j2")).current_dir(home.0.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(made.stderr.is_empty(), "make complains: {made:?}");
    sending(&home);
}

#[test]
fn a_sender_has_only_its_own_files_open() {
    let home = Home::new();
    let _cleared = Cleared(&home);
    assert!(shell(&home, "exec 7<Makefile 8>other 9<&0; \"$TOOL\" five").status.code().is_some());
    std::fs::write(home.path("Makefile"), "").unwrap();
    let ran = shell(&home, "exec 7<Makefile 8>other; \"$TOOL\" five");
    assert!(ran.status.success());
    let pid = sending(&home);
    let open: Vec<PathBuf> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .collect();
    let own = |path: &Path| path == Path::new("/dev/null") || path.starts_with(home.0.path());
    assert!(open.iter().all(|path| own(path)), "{open:?}");
    let theirs = |path: &PathBuf| path.ends_with("Makefile") || path.ends_with("other");
    assert!(!open.iter().any(theirs), "{open:?}");
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    assert_eq!(cwd, Path::new("/"), "a sender keeps no file system from being unmounted");
}

#[test]
fn what_the_author_writes_into_a_file_of_before_is_in_none_of_ours() {
    let home = Home::new();
    let _cleared = Cleared(&home);
    let mut tool = Command::new(program());
    let ran = slow(&home, tool.arg("five")).env("PROBE_LOG", home.path("log")).status().unwrap();
    assert!(ran.success());
    sending(&home);
    open(&home);
    eventually("all five arrive", || {
        std::fs::read_to_string(home.path("vendor")).is_ok_and(|text| text.lines().count() == 5)
    });
    eventually("the sender ends", || senders(&home).is_empty());
    let mut directories = vec![home.0.path().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("the author's own line"), "{} has it", entry.path().display());
        }
    }
}

#[test]
fn a_hundred_runs_at_once_end_with_one_sender_and_every_event() {
    let home = Home::new();
    let _cleared = Cleared(&home);
    let runs: Vec<_> = (0..100)
        .map(|_| {
            let mut command = Command::new(program());
            slow(&home, command.arg("five")).spawn().unwrap()
        })
        .collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    eventually("the senders that found another at work have ended", || senders(&home).len() == 1);
    open(&home);
    // What came after the sender had looked goes with the next run.
    eventually("every event arrives", || {
        let mut command = Command::new(program());
        assert!(slow(&home, command.arg("nothing")).status().unwrap().success());
        count(&home, "five") >= 500
    });
    eventually("the senders have ended", || senders(&home).is_empty());
    let text = std::fs::read_to_string(home.path("vendor")).unwrap();
    let distinct: std::collections::BTreeSet<_> = text.lines().collect();
    assert_eq!((text.lines().count(), distinct.len()), (500, 500));
}

/// Changes one of the moments at which the sender began: they are written in the lock that it holds.
fn set_note(home: &Home, word: usize, by: i64) {
    let lock = home.path("journal/drain.lock");
    let note = std::fs::read_to_string(&lock).unwrap();
    let mut words: Vec<String> = note.split_ascii_whitespace().map(str::to_owned).collect();
    words[word] = (words[word].parse::<i64>().unwrap() + by).to_string();
    std::fs::write(&lock, words.join(" ") + "\n").unwrap();
}

#[test]
fn a_stopped_sender_that_outlived_its_time_is_ended_by_a_later_run() {
    let home = Home::new();
    let _cleared = Cleared(&home);
    assert!(shell(&home, "\"$TOOL\" five").status.success());
    let stopped = sending(&home);
    kill_process(Pid::from_raw(i32::try_from(stopped).unwrap()).unwrap(), Signal::STOP).unwrap();
    open(&home);
    // A young one is left alone, stopped or not.
    assert!(shell(&home, "\"$TOOL\" five").status.success());
    eventually("the second sender has given up", || senders(&home) == [stopped]);
    assert_eq!(count(&home, "five"), 0);
    // The clock is put forward by an hour: that makes nobody old.
    set_note(&home, 1, -3600);
    assert!(shell(&home, "\"$TOOL\" five").status.success());
    eventually("the sender after the jump has given up", || senders(&home) == [stopped]);
    assert_eq!(count(&home, "five"), 0);
    // An hour goes by.
    set_note(&home, 3, -3600);
    assert!(shell(&home, "\"$TOOL\" five").status.success());
    eventually("everything was sent by a new sender", || count(&home, "five") == 20);
    eventually("the stopped sender has been ended", || senders(&home).is_empty());
}

#[test]
fn a_tool_of_a_gibibyte_is_not_copied_to_start_its_sender() {
    if !needs::strace("a_tool_of_a_gibibyte_is_not_copied_to_start_its_sender") {
        return;
    }
    let home = Home::new();
    let _cleared = Cleared(&home);
    // The tracer waits for the sender, too.
    open(&home);
    let log = home.path("trace");
    let mut traced = Command::new("strace");
    traced
        .args(["-qq", "-f", "-e", "trace=clone,clone3,fork,vfork,munmap", "-o"])
        .arg(&log)
        .arg(program())
        .arg("large");
    assert!(slow(&home, &mut traced).status().unwrap().success());
    let text = std::fs::read_to_string(&log).unwrap();
    let starts: Vec<_> =
        text.lines().filter(|line| line.contains("CLONE_VFORK") || line.contains("fork(")).collect();
    assert_eq!(starts.len(), 1, "{text}");
    // The child borrows its parent's memory until it is another program: nothing is copied.
    assert!(starts[0].contains("CLONE_VM") && starts[0].contains("CLONE_VFORK"), "{text}");
    // And it was that large then: it gave nothing of the kind back before.
    let before = text.split("CLONE_VFORK").next().unwrap_or_default();
    let returned = before.lines().filter_map(|line| line.split_once("munmap(")?.1.split_once(", "));
    let returned: Vec<u64> =
        returned.filter_map(|(_, rest)| rest.split(')').next()?.trim().parse().ok()).collect();
    assert!(returned.iter().all(|bytes| *bytes < 1 << 30), "{text}");
    eventually("its events are sent", || count(&home, "inner") == 1);
}
