//! No means no, now: denials against real senders in processes of their own.
//!
//! The sender under test is this test program itself, started again. It takes a permit, says so,
//! waits to be told to go on, and then makes its request: a connection to a listener of the test's. A
//! test that fails because a request was made sees it as a connection.
//!
//! Time is the test's: where a denial would sleep, something happens instead.
#![cfg(unix)]

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;
use telemetry::consent::{
    Author, Decision, Denial, Inputs, MachinePolicy, Place, Refused, SendPermit, StillEnabled, Stored,
    StoredHow, SystemWait, Verdict, Wait, allow, at_start, deny, file,
};
use telemetry::event::Timestamp;

const HERE: &str = "https://here.example";
const ROLE: &str = "TELEMETRY_DENIAL_TEST_ROLE";

fn decide(stored: &dyn Fn() -> Stored) -> Verdict {
    let author = Author {
        tool_name: "greet",
        enabled: true,
        force: false,
        policy: 1,
        destination: HERE,
        debug_sends: true,
        tests_count: true,
    };
    at_start(&Inputs {
        author: &author,
        debug_build: false,
        environment: &|_| None,
        machine: &|| MachinePolicy::Silent,
        harness: &|| None,
        stored,
    })
}

fn say_yes(place: &Place) {
    allow(place, true, 1, HERE, Timestamp::default()).unwrap();
}

/// Time that passes when a denial sleeps, and what happens then.
struct Virtual<F: Fn(Duration)> {
    now: Cell<Duration>,
    each: F,
}

impl<F: Fn(Duration)> Wait for Virtual<F> {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn sleep(&self, time: Duration) {
        self.now.set(self.now.get() + time);
        (self.each)(self.now.get());
    }
}

fn time(each: impl Fn(Duration)) -> impl Wait {
    Virtual { now: Cell::new(Duration::ZERO), each }
}

fn say_no(place: &Place, wait: &dyn Wait) -> Result<Denial, StillEnabled> {
    deny(place, 1, Timestamp::default(), wait)
}

fn deny_now(place: &Place) -> Denial {
    say_no(place, &time(|_| {})).unwrap()
}

/// A sender in a process of its own.
struct Sender {
    child: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
    listener: TcpListener,
}

impl Sender {
    fn start(place: &Place, in_tool: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut child = again(if in_tool { "guest" } else { "sender" })
            .env("PLACE", place.directory())
            .env("PORT", listener.local_addr().unwrap().port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, tell, told, listener }
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.tell, "{what}").unwrap();
    }

    /// The next word that the sender says.
    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.told.read_line(&mut line).unwrap(), 0, "the sender is gone");
            // The test runner talks on the same line.
            if let Some((_, word)) = line.split_once("SENDER ") {
                return word.trim().to_owned();
            }
        }
    }

    /// Asks it to take a permit; says what came of it.
    fn ask_permit(&mut self) -> String {
        self.tell("take");
        self.hear()
    }

    /// Lets it make the request that it has a permit for, to its end.
    fn finish(&mut self) {
        self.tell("request");
        assert_eq!(self.hear(), "done");
    }

    fn requests(&self) -> usize {
        std::iter::from_fn(|| self.listener.accept().ok()).count()
    }

    /// Stops it, and waits until it has stopped.
    fn stop(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program again, as something else.
fn again(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "what_a_sender_does", "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

fn room() -> (tempfile::TempDir, Place) {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path().join("greet"));
    say_yes(&place);
    (directory, place)
}

/// The other side of the tests below. By itself: a permit is given after a yes and refused after a no.
#[test]
fn what_a_sender_does() {
    match std::env::var(ROLE).as_deref() {
        Ok(role @ ("sender" | "guest")) => run_sender(role == "guest"),
        Ok("denier") => {
            let place = Place::new(std::env::var_os("PLACE").unwrap());
            match say_no(&place, &time(|_| {})) {
                Ok(denial) => println!("SENDER {:?} {}", denial.stored, denial.is_complete()),
                Err(still) => println!("SENDER {still}"),
            }
        }
        _ => {
            let (_directory, place) = room();
            let permit = SendPermit::take(&place, false, decide).unwrap();
            drop(permit);
            assert!(deny_now(&place).is_complete());
            let refused = SendPermit::take(&place, false, decide).unwrap_err();
            assert_eq!(refused.to_string(), "nothing may be sent: off: you said no");
        }
    }
}

fn run_sender(in_tool: bool) {
    let place = Place::new(std::env::var_os("PLACE").unwrap());
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let mut permit = None;
    for line in std::io::stdin().lines() {
        let word = match line.unwrap().as_str() {
            "take" => match SendPermit::take(&place, in_tool, decide) {
                Ok(taken) => {
                    permit = Some(taken);
                    "permitted".to_owned()
                }
                Err(Refused::BeingDenied) => "being denied".to_owned(),
                Err(refused) => refused.to_string(),
            },
            "request" => {
                assert!(permit.is_some());
                drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
                permit = None;
                "done".to_owned()
            }
            // As often as it may, for as long as it may.
            "all" => {
                while let Ok(_permit) = SendPermit::take(&place, in_tool, decide) {
                    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
                }
                "refused".to_owned()
            }
            other => panic!("{other}"),
        };
        println!("SENDER {word}");
    }
}

#[test]
fn a_denial_with_no_sender_is_complete_at_once() {
    let (_directory, place) = room();
    let denial = say_no(&place, &time(|_| panic!("there is nothing to wait for"))).unwrap();
    assert!(denial.is_complete());
    assert_eq!(denial.stored, StoredHow::Durably);
    assert_eq!(file::read(&place).decision(), Decision::Denied);
}

#[test]
fn a_sender_between_two_requests_does_not_begin_the_second() {
    let (_directory, place) = room();
    let mut sender = Sender::start(&place, false);
    assert_eq!(sender.ask_permit(), "permitted");
    sender.finish();
    assert!(deny_now(&place).is_complete());
    assert_eq!(sender.ask_permit(), "nothing may be sent: off: you said no");
    assert_eq!(sender.requests(), 1);
}

#[test]
fn a_request_that_is_under_way_is_waited_for() {
    let (_directory, place) = room();
    let sender = RefCell::new(Sender::start(&place, false));
    assert_eq!(sender.borrow_mut().ask_permit(), "permitted");
    let denial = say_no(
        &place,
        &time(|now| {
            if now == Duration::from_millis(500) {
                sender.borrow_mut().finish();
            }
            assert!(now <= Duration::from_millis(600), "it goes on as soon as the request has ended");
        }),
    )
    .unwrap();
    assert!(denial.is_complete());
    let mut sender = sender.into_inner();
    assert_eq!(sender.requests(), 1);
    assert_eq!(sender.ask_permit(), "being denied", "while the denial is held");
    drop(denial);
    assert_eq!(sender.ask_permit(), "nothing may be sent: off: you said no");
}

#[test]
fn a_sender_that_is_stopped_between_check_and_dial_never_dials() {
    let (_directory, place) = room();
    let mut sender = Sender::start(&place, false);
    assert_eq!(sender.ask_permit(), "permitted");
    sender.stop();
    sender.tell("request");
    let waited = Cell::new(Duration::ZERO);
    let denial = say_no(&place, &time(|now| waited.set(now))).unwrap();
    assert_eq!(waited.get(), Duration::from_secs(2));
    assert!(!denial.is_complete());
    let holders = denial.holders();
    assert_eq!(holders.iter().map(|holder| holder.pid).collect::<Vec<_>>(), [sender.child.id()]);
    assert!(!holders[0].in_tool);
    holders[0].end().unwrap();
    assert_eq!(sender.child.wait().unwrap().signal(), Some(9));
    let denial = denial.wait(Duration::ZERO, &time(|_| {}));
    assert!(denial.is_complete());
    assert_eq!(denial.holders(), []);
    assert_eq!(sender.requests(), 0);
}

#[test]
fn a_sender_that_hangs_in_its_request_is_named_and_ended() {
    let (_directory, place) = room();
    let mut sender = Sender::start(&place, false);
    assert_eq!(sender.ask_permit(), "permitted");
    let denial = deny_now(&place);
    assert!(!denial.is_complete());
    denial.holders()[0].end().unwrap();
    assert_eq!(sender.child.wait().unwrap().signal(), Some(9));
    assert!(denial.wait(Duration::ZERO, &time(|_| {})).is_complete());
}

#[test]
fn a_users_running_tool_is_named_and_never_ended() {
    let (_directory, place) = room();
    let mut tool = Sender::start(&place, true);
    assert_eq!(tool.ask_permit(), "permitted");
    let denial = deny_now(&place);
    let [holder] = denial.holders()[..] else { panic!("one process sends") };
    assert!(holder.in_tool);
    assert!(holder.end().is_err());
    tool.finish();
    assert!(denial.wait(Duration::ZERO, &time(|_| {})).is_complete());
    assert_eq!(tool.ask_permit(), "nothing may be sent: off: you said no");
}

#[test]
fn a_sender_that_died_holds_up_nothing() {
    let (_directory, place) = room();
    let mut sender = Sender::start(&place, false);
    assert_eq!(sender.ask_permit(), "permitted");
    sender.child.kill().unwrap();
    sender.child.wait().unwrap();
    let denial = say_no(&place, &time(|_| panic!("there is nothing to wait for"))).unwrap();
    assert!(denial.is_complete());
}

#[test]
fn of_several_senders_each_is_waited_for() {
    let (_directory, place) = room();
    let senders = RefCell::new((Sender::start(&place, false), Sender::start(&place, true)));
    assert_eq!(senders.borrow_mut().0.ask_permit(), "permitted");
    assert_eq!(senders.borrow_mut().1.ask_permit(), "permitted");
    let step = Duration::from_millis(10);
    let denial = say_no(
        &place,
        &time(|now| {
            if now == step * 5 {
                senders.borrow_mut().0.finish();
            } else if now == step * 50 {
                senders.borrow_mut().1.finish();
            }
            assert!(now <= step * 50);
        }),
    )
    .unwrap();
    assert!(denial.is_complete());
}

/// The system's time, in which the senders' connections are taken, as a server would.
struct Serving<'a>(SystemWait, &'a [Sender]);

impl Wait for Serving<'_> {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn sleep(&self, _: Duration) {
        for sender in self.1 {
            sender.requests();
        }
        std::thread::yield_now();
    }
}

#[test]
fn no_request_begins_after_a_denial_among_busy_senders() {
    let (_directory, place) = room();
    for _ in 0..5 {
        say_yes(&place);
        let mut senders: Vec<_> = (0..3).map(|_| Sender::start(&place, false)).collect();
        senders.iter_mut().for_each(|sender| sender.tell("all"));
        // Each has begun.
        for sender in &senders {
            while sender.requests() == 0 {
                std::thread::yield_now();
            }
        }
        let denial = say_no(&place, &Serving(SystemWait::default(), &senders)).unwrap();
        assert!(denial.is_complete(), "short requests end within the patience");
        let before: usize = senders.iter().map(Sender::requests).sum();
        drop(denial);
        for sender in &mut senders {
            assert_eq!(sender.hear(), "refused");
            assert_eq!(sender.requests(), 0, "a request began after the denial and {before} just before it");
        }
    }
}

#[test]
fn a_no_is_stored_over_what_a_newer_version_or_nobody_wrote() {
    for text in ["telemetry consent 7 whatever", "rubbish", ""] {
        let (_directory, place) = room();
        std::fs::write(place.consent(), text).unwrap();
        assert_eq!(deny_now(&place).stored, StoredHow::Durably);
        assert_eq!(file::read(&place).decision(), Decision::Denied);
    }
}

#[test]
fn a_yes_is_not_stored_over_what_a_newer_version_decided() {
    let (_directory, place) = room();
    std::fs::write(place.consent(), "telemetry consent 7 whatever").unwrap();
    let error = allow(&place, true, 1, HERE, Timestamp::default()).unwrap_err();
    assert!(error.to_string().contains("a newer version of this tool wrote it (format 7)"), "{error}");
    assert_eq!(std::fs::read(place.consent()).unwrap(), b"telemetry consent 7 whatever");
}

#[test]
fn a_no_deletes_the_salt_and_a_yes_after_it_begins_another_id() {
    use telemetry::identity::{Identity, current};
    let (_directory, place) = room();
    let id = || current(place.directory(), Identity::Keyed, "com.example.greet");
    let first = id();
    say_yes(&place);
    assert_eq!(id(), first, "a yes after a yes keeps it");
    deny_now(&place);
    assert!(!place.directory().join("identity").exists());
    say_yes(&place);
    assert_ne!(id(), first);
}

/// A file system of the test's own, unmounted in the end.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let done = run("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs"], directory.path());
        done.then_some(Self(directory))
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.path().join("filler")).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
    }

    fn read_only(&self) {
        assert!(run("mount", &["-o", "remount,ro"], self.0.path()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["-l"], self.0.path());
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    Command::new(program).args(arguments).arg(path).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

macro_rules! disk_or_skip {
    () => {
        match Disk::mount() {
            Some(disk) => disk,
            None => {
                println!("skipped: this user may not mount a file system");
                return;
            }
        }
    };
}

#[test]
fn a_no_on_a_full_disk_is_stored_while_a_sender_sends() {
    let disk = disk_or_skip!();
    let place = Place::new(disk.0.path().join("greet"));
    say_yes(&place);
    let sender = RefCell::new(Sender::start(&place, false));
    assert_eq!(sender.borrow_mut().ask_permit(), "permitted");
    disk.fill();
    let denial = say_no(
        &place,
        &time(|now| {
            if now == Duration::from_millis(20) {
                sender.borrow_mut().finish();
            }
        }),
    )
    .unwrap();
    assert_eq!(denial.stored, StoredHow::InPlace);
    assert!(denial.is_complete());
    drop(denial);
    assert_eq!(file::read(&place).decision(), Decision::Denied);
    assert_eq!(sender.borrow_mut().ask_permit(), "nothing may be sent: off: you said no");
}

#[test]
fn a_no_on_a_read_only_disk_is_an_error_that_says_what_to_do() {
    let disk = disk_or_skip!();
    let place = Place::new(disk.0.path().join("greet"));
    say_yes(&place);
    disk.read_only();
    let error = say_no(&place, &time(|_| {})).unwrap_err().to_string();
    assert!(error.starts_with("telemetry is still enabled: "), "{error}");
    assert!(error.contains("DO_NOT_TRACK=1"), "{error}");
    assert_eq!(file::read(&place).decision(), Decision::Granted, "and it is true");
}

#[test]
fn a_no_on_a_read_only_disk_that_holds_no_yes_is_no_error() {
    let disk = disk_or_skip!();
    let nothing = Place::new(disk.0.path().join("nothing"));
    let damaged = Place::new(disk.0.path().join("damaged"));
    std::fs::create_dir(damaged.directory()).unwrap();
    std::fs::write(damaged.consent(), "rubbish").unwrap();
    disk.read_only();
    for place in [nothing, damaged] {
        let denial = deny_now(&place);
        assert_eq!(denial.stored, StoredHow::NothingWasGranted);
        assert!(denial.is_complete());
    }
}

/// A denial in a process that may not do everything.
fn deny_under(place: &Place, restrict: impl FnOnce(&mut Command)) -> String {
    let mut command = again("denier");
    command.env("PLACE", place.directory());
    restrict(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find_map(|line| line.split_once("SENDER ")).map_or_else(
        || panic!("{text}{}", String::from_utf8_lossy(&output.stderr)),
        |(_, words)| words.to_owned(),
    )
}

#[test]
fn a_no_in_a_directory_that_became_read_only_is_stored_where_the_yes_stands() {
    use std::os::unix::fs::{PermissionsExt, chown};
    const SOMEBODY: u32 = 65_534;
    let root = rustix::process::geteuid().is_root();
    let (directory, place) = room();
    let open = |mode| std::fs::Permissions::from_mode(mode);
    if root {
        // Root may write everywhere, so somebody else has to say no.
        std::fs::set_permissions(directory.path(), open(0o755)).unwrap();
        chown(place.directory(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        chown(place.consent(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    }
    // The test program may lie where only root may look.
    let program = directory.path().join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    std::fs::set_permissions(place.directory(), open(0o500)).unwrap();
    let said = deny_under(&place, |command| {
        let mut other = Command::new(&program);
        other.args(command.get_args().map(ToOwned::to_owned).collect::<Vec<_>>());
        for (name, value) in command.get_envs() {
            other.env(name, value.unwrap());
        }
        if root {
            other.uid(SOMEBODY).gid(SOMEBODY);
        }
        *command = other;
    });
    std::fs::set_permissions(place.directory(), open(0o700)).unwrap();
    assert_eq!(said, "InPlace true");
    let text = String::from_utf8(std::fs::read(place.consent()).unwrap()).unwrap();
    assert!(text.contains(r#""decision":"denied""#), "{text}");
}

#[test]
fn a_no_of_a_process_that_may_write_no_file_removes_the_yes_and_does_not_die() {
    let (_directory, place) = room();
    let said = deny_under(&place, |command| {
        let mut limited = Command::new("prlimit");
        // Soft and hard: the signal that the limit raises would kill.
        limited.arg("--fsize=0:0").arg(command.get_program());
        limited.args(command.get_args().map(ToOwned::to_owned).collect::<Vec<_>>());
        for (name, value) in command.get_envs() {
            limited.env(name, value.unwrap());
        }
        *command = limited;
    });
    assert_eq!(said, "GrantRemoved true");
    assert_eq!(file::read(&place), Stored::Nothing);
}
