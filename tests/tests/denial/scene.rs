//! A home with events to send, who sends them, and the end of it all.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use telemetry_tests::{Answer, Home, Ran, Vendor, eventually};

/// A tool whose user has said yes, and its vendor.
pub(crate) struct Scene {
    pub(crate) vendor: Vendor,
    pub(crate) home: Home,
}

impl Scene {
    /// Nothing is recorded yet.
    pub(crate) fn new() -> Self {
        Self::on(|_| {})
    }

    /// The same, after `prepare` has put something where the state will be.
    pub(crate) fn on(prepare: impl FnOnce(&Home)) -> Self {
        let vendor = Vendor::start();
        let home = Home::new("");
        prepare(&home);
        let scene = Self { vendor, home };
        scene.configure("auto");
        let yes = scene.home.run(&["telemetry", "enable"]);
        assert_eq!(yes.code, Some(0), "{yes:?}");
        scene
    }

    /// How senders are started from now on. An id that asks the machine nothing keeps the tool itself from
    /// making a socket, at which a case would stop it.
    pub(crate) fn configure(&self, mode: &str) {
        let url = self.vendor.url();
        self.home.configure(&format!(
            "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
             [backend]\nuse = \"http\"\n\n\
             [endpoints.receiver]\nurl = \"{url}/events\"\nallow = [\"http\", \"loopback\"]\n\n\
             [identity]\nkind = \"random\"\n\n\
             [delivery]\nmode = \"{mode}\"\ninterval = 0\n"
        ));
    }

    /// Records events that nobody sends.
    pub(crate) fn record(&self, count: usize) {
        self.configure("never");
        for _ in 0..count {
            assert_eq!(self.home.run(&["hello", "Ada"]).code, Some(0));
        }
        self.configure("auto");
    }

    /// Records an event, whose run starts a sender; waits until its request is at the vendor, who answers
    /// like this.
    pub(crate) fn send(&self, answer: Answer) -> Pid {
        let before = self.vendor.requests().len();
        self.vendor.then(answer);
        assert_eq!(self.home.run(&["hello", "Ada"]).code, Some(0));
        let _ = self.vendor.wait_for(before + 1);
        self.sender()
    }

    /// What the tool keeps, by name.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.state().join("com.example.greet").join(name)
    }

    /// The process that holds leave for a request.
    pub(crate) fn sender(&self) -> Pid {
        let slots = std::fs::read_to_string(self.file("senders")).expect("who sends");
        let pids = slots.lines().filter_map(|line| line.split(' ').next()?.parse().ok());
        Pid(pids.max().filter(|pid| *pid != 0).expect("somebody sends"))
    }

    /// The user says no.
    pub(crate) fn disable(&self) -> Ran {
        self.home.run(&["telemetry", "disable"])
    }

    /// The same, while the test goes on. It returns when the no is stored, which is before `disable` waits.
    pub(crate) fn begin_to_disable(&self) -> Child {
        let disable = self.home.start(&["telemetry", "disable"]);
        eventually("the no is stored", || {
            std::fs::read_to_string(self.file("consent")).is_ok_and(|text| text.contains("denied"))
        });
        disable
    }

    /// It is off, nothing is left to send, and no later run sends either. To be called when whatever could
    /// still send has ended; `requests` is how many there were when `disable` returned.
    pub(crate) fn nothing_began_after(&self, requests: usize) {
        let status = || -> serde_json::Value {
            let status = self.home.run(&["telemetry", "status", "--json"]).stdout;
            serde_json::from_str(&status).expect("status is JSON")
        };
        // A sender's last act, seconds after the no on a busy machine, may be to let go of the journal.
        eventually("nobody holds the journal", || status()["sending"] == false);
        let status = status();
        assert_eq!(
            (&status["telemetry"], &status["pending_events"]),
            (&"off".into(), &0.into()),
            "{status:#}"
        );
        assert_eq!(self.home.run(&["hello", "Ada"]).code, Some(0));
        assert_eq!(self.home.run(&["telemetry", "flush"]).code, Some(1), "there is nobody to flush to");
        assert_eq!(self.vendor.requests().len(), requests, "requests that began after the no");
    }
}

/// `disable` as it should end.
pub(crate) fn assert_disabled(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.starts_with("Telemetry disabled. All pending events have been discarded"), "{ran:?}");
    assert_eq!(ran.stderr, "");
}

/// The same, with nothing left to say.
pub(crate) fn assert_plainly_disabled(ran: &Ran) {
    assert_disabled(ran);
    assert!(!ran.stdout.contains("Note:"), "{ran:?}");
}

/// A process that is no child of the test's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pid(pub(crate) u32);

impl Pid {
    /// The state that the system gives, as in `T`; none where it is gone.
    pub(crate) fn state(self) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }

    fn signal(self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.0).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("the signal is sent");
    }

    /// Stops it, and waits until it has stopped.
    pub(crate) fn stop(self) {
        self.signal(rustix::process::Signal::STOP);
        eventually("it has stopped", || matches!(self.state(), Some('T' | 't')));
    }

    pub(crate) fn go_on(self) {
        self.signal(rustix::process::Signal::CONT);
    }

    pub(crate) fn kill(self) {
        self.signal(rustix::process::Signal::KILL);
        self.has_ended();
    }

    /// Waits until it is gone. Nobody may wait for it, so that its remains count as gone.
    pub(crate) fn has_ended(self) {
        eventually("it has ended", || matches!(self.state(), None | Some('Z' | 'X')));
    }
}

/// A run of the tool under a tracer that stops it, or a sender that it starts, at a system call.
pub(crate) struct Stopped {
    tracer: Child,
    pid: Pid,
}

impl Stopped {
    /// Runs `greet hello Ada`; stops whoever makes this call (as strace's `inject` names it) on this file of
    /// the tool's, or anywhere, and waits until it has. None, with the test's name, where nothing can be
    /// traced.
    pub(crate) fn at(test: &str, scene: &Scene, call: &str, when: u32, file: Option<&str>) -> Option<Self> {
        let able = Command::new("strace").args(["-f", "true"]).stderr(Stdio::null()).status();
        if !able.is_ok_and(|status| status.success()) {
            let required = std::env::var_os("OFFICIAL").is_some_and(|value| value == "required");
            assert!(!required, "{test} needs strace: run .ci/tools");
            println!("skipped: {test} needs strace");
            return None;
        }
        let log = scene.home.path("trace");
        let greet = scene.home.greet(&["hello", "Ada"]);
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o"]).arg(&log);
        if let Some(file) = file {
            strace.arg("-P").arg(scene.file(file));
        }
        strace.args([
            "-e",
            &format!("trace={call}"),
            "-e",
            &format!("inject={call}:signal=SIGSTOP:when={when}"),
        ]);
        strace.arg(greet.get_program()).args(greet.get_args()).env_clear();
        for (name, value) in greet.get_envs() {
            strace.env(name, value.unwrap_or_default());
        }
        let tracer = strace
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace runs");
        let mut stopped = Self { tracer, pid: Pid(0) };
        eventually("it has stopped at the call", || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let line = text.lines().find(|line| line.contains("--- stopped by SIGSTOP ---"));
            let pid = line.and_then(|line| line.split(' ').next()?.parse().ok());
            pid.is_some_and(|pid| {
                stopped.pid = Pid(pid);
                true
            })
        });
        Some(stopped)
    }

    /// The process that was stopped; the tracer names the thread.
    pub(crate) fn process(&self) -> Pid {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid.0)).expect("it is there");
        let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
        Pid(process.and_then(|pid| pid.trim().parse().ok()).expect("a process id"))
    }

    /// Lets it go on, and waits for everybody's end.
    pub(crate) fn goes_on_to_its_end(mut self) {
        self.pid.go_on();
        self.tracer.wait().expect("strace ends with what it traces");
    }

    /// It was ended.
    pub(crate) fn ends(mut self) {
        self.pid.has_ended();
        self.tracer.wait().expect("strace ends with what it traces");
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // Nothing but a failed test comes here with either of them alive.
        if self.pid != Pid(0) && !matches!(self.pid.state(), None | Some('Z' | 'X')) {
            self.pid.signal(rustix::process::Signal::KILL);
        }
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}
