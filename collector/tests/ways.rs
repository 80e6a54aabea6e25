//! The ways in which a sender starts, chosen by a whole tool.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use telemetry::delivery::schedule::Schedule;
use telemetry::delivery::starts::{Child, Starts};
use telemetry::event::Timestamp;

#[path = "probe/home.rs"]
mod home;

use home::{Home, eventually, program};

const AUTO: &str = "interval = \"0s\"";
const DETACHED: &str = "a process of its own, which nobody waits for";
const OVERLAPPED: &str = "a thread of the next run";

fn run(home: &Home, way: &str, delivery: &str) -> Command {
    let mut command = home.command(&program(), way);
    command.env("PROBE_VENDOR", home.path("vendor")).env("PROBE_DELIVERY", delivery);
    command
}

/// The way that a run would take, as `status` says.
fn way(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    status["sender"].as_str().unwrap().to_owned()
}

fn arrived(home: &Home) -> usize {
    std::fs::read_to_string(home.path("vendor")).unwrap_or_default().lines().count()
}

fn ago(seconds: i64) -> Timestamp {
    let now = Timestamp::now();
    Timestamp { seconds: now.seconds - seconds, ..now }
}

/// A run that lives until this is dropped: time for its thread.
struct Long(std::process::Child);

impl Long {
    fn start(home: &Home, command: &mut Command) -> Self {
        let _ = home;
        Self(command.stdin(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Long {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn by_itself_a_tool_starts_itself_again_and_its_events_arrive() {
    let home = Home::new();
    assert_eq!(way(&mut run(&home, "status", AUTO)), DETACHED);
    assert!(run(&home, "five", AUTO).status().unwrap().success());
    eventually("the events arrive after the run has ended", || arrived(&home) == 5);
    let starts = Starts::read(&std::fs::read(home.path("starts")).unwrap()).unwrap();
    eventually("the child leaves its mark", || {
        let schedule = std::fs::read(home.path("schedule")).unwrap_or_default();
        Schedule::<serde_json::Value>::read(&schedule)
            .is_ok_and(|it| starts.child(it.proof(), Timestamp::now()) == Child::Proved)
    });
}

#[test]
fn a_sender_that_has_taken_all_leaves_a_slot_that_the_next_run_records_into() {
    use std::os::unix::fs::MetadataExt;
    let home = Home::new();
    assert!(run(&home, "five", AUTO).status().unwrap().success());
    let slots = || {
        let files = std::fs::read_dir(home.path("journal")).unwrap().map(|it| it.unwrap().path());
        let slots = files.filter(|path| path.extension().is_some_and(|it| it == "open1" || it == "seg1"));
        slots.map(|path| (std::fs::metadata(&path).map_or((0, 0), |it| (it.ino(), it.len())), path)).collect()
    };
    let mut ready: Vec<((u64, u64), std::path::PathBuf)> = Vec::new();
    eventually("a slot is ready", || {
        ready = slots();
        arrived(&home) == 5
            && telemetry::journal::survey(&home.path("journal")).events == 0
            && ready.len() == 1
    });
    let [((inode, empty), _)] = ready[..] else { panic!("{ready:?}") };
    assert!(run(&home, "five", "mode = \"never\"").status().unwrap().success());
    let filled = slots();
    let [((same, length), _)] = filled[..] else { panic!("{filled:?}") };
    assert_eq!(same, inode);
    assert!(length > empty);
    assert_eq!(telemetry::journal::survey(&home.path("journal")).events, 5);
}

#[test]
fn in_ci_where_children_end_with_their_parents_a_thread_of_the_next_run_sends() {
    let home = Home::new();
    let in_ci = |way: &str| {
        let mut command = run(&home, way, AUTO);
        command.env("CI", "true");
        command
    };
    assert_eq!(way(&mut in_ci("status")), OVERLAPPED);
    assert!(in_ci("five").status().unwrap().success());
    // A run that left nothing behind had nothing to send, and none of its own threads outlives it.
    assert_eq!(arrived(&home), 0);
    let _long = Long::start(&home, &mut in_ci("serve"));
    eventually("the next run sends what the last one left", || arrived(&home) == 5);
}

#[test]
fn where_a_child_never_left_its_mark_a_thread_sends_until_a_week_has_gone_by() {
    let test = "where_a_child_never_left_its_mark_a_thread_sends_until_a_week_has_gone_by";
    let home = Home::new();
    // The child's first act is to leave its parent's session: there it is killed, as where a whole tree of
    // processes is.
    let mut killed = Command::new("strace");
    killed.args(["-qq", "-f", "-o", "/dev/null", "-e", "trace=setsid", "-e", "inject=setsid:signal=SIGKILL"]);
    killed.arg(program()).arg("five").env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    killed.env("PROBE", home.0.path()).env("PROBE_VENDOR", home.path("vendor")).env("PROBE_DELIVERY", AUTO);
    let Ok(status) = killed.stdin(Stdio::null()).status() else {
        assert!(std::env::var_os("OFFICIAL").is_none_or(|it| it != "required"), "strace is missing: {test}");
        eprintln!("skipped, there is no strace: {test}");
        return;
    };
    assert!(status.success(), "the tool itself ends as it would");
    assert_eq!((arrived(&home), home.path("schedule").exists()), (0, false), "the child did nothing");
    let started = |at: Timestamp| {
        let mut starts = Starts::default();
        starts.started(at, true);
        std::fs::write(home.path("starts"), starts.write()).unwrap();
    };
    let real = Starts::read(&std::fs::read(home.path("starts")).unwrap()).unwrap();
    assert_eq!(real.child(None, Timestamp::now()), Child::Pending, "it may still come");

    started(ago(120));
    assert_eq!(way(&mut run(&home, "status", AUTO)), OVERLAPPED);
    let long = Long::start(&home, &mut run(&home, "serve", AUTO));
    eventually("a thread sends", || arrived(&home) == 5);
    drop(long);

    started(ago(8 * 24 * 3600));
    assert_eq!(way(&mut run(&home, "status", AUTO)), DETACHED, "the machine may have changed");
}

#[test]
fn a_tool_whose_exit_waits_does_not_wait_for_a_vendor_that_hangs_longer_than_its_author_said() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, requests) = mpsc::channel();
    let (answer, told) = mpsc::channel::<()>();
    let vendor = std::thread::spawn(move || {
        // The first request is held until the test says so: the tool's exit must come first.
        let (mut held, _) = listener.accept().unwrap();
        asked.send(read(&held)).unwrap();
        let _ = told.recv();
        let _ = held.write_all(b"HTTP/1.1 503 too late\r\n\r\n");
        drop(held);
        let (mut second, _) = listener.accept().unwrap();
        asked.send(read(&second)).unwrap();
        second.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let command = |way: &str, delivery: &str| {
        let mut command = home.command(&program(), way);
        command.env("PROBE_VENDOR", address.to_string()).env("PROBE_DELIVERY", delivery);
        command
    };
    let ran = command("five", "mode = \"bounded\"\nwait = \"3s\"\ninterval = \"0s\"").status().unwrap();
    assert!(ran.success());
    let first = requests.recv().unwrap();
    assert_eq!(first.lines().count(), 5, "it did send, and ended while the vendor held the request");
    answer.send(()).unwrap();
    // Nothing is lost by that.
    assert!(command("flush", "mode = \"never\"").status().unwrap().success());
    assert_eq!(requests.recv().unwrap(), first);
    vendor.join().unwrap();
}

#[test]
fn an_interval_of_zero_does_not_make_one_sender_ask_a_broken_vendor_without_a_pause() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, requests) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = asked.send(read(&stream));
            let _ = stream.write_all(b"HTTP/1.1 503 broken\r\n\r\n");
        }
    });
    let command = |way: &str, delivery: &str| {
        let mut command = home.command(&program(), way);
        command.env("PROBE_VENDOR", address.to_string()).env("PROBE_DELIVERY", delivery);
        command
    };
    assert!(command("five", "mode = \"never\"\ninterval = \"0s\"").status().unwrap().success());
    let sender = "mode = \"detached\"\ninterval = \"0s\"\nlifetime = \"2s\"";
    let mut alone = command("__telemetry_sender", sender);
    assert!(alone.env("TELEMETRY_SENDER", "com.example.probe").status().unwrap().success());
    // After a quarter of a second, a half, and a whole one: a fifth would come after its life.
    let count = requests.try_iter().count();
    assert!((1..=4).contains(&count), "{count} requests in two seconds");
}

/// The body of a request.
fn read(stream: &std::net::TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}
