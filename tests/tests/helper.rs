//! A tool that only records, and the program beside it that sends: the example pair `note`, the tool built
//! without a runtime for components, as its author would ship it.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use telemetry_tests::{Answer, Vendor, eventually};

#[path = "../../collector/tests/probe/install.rs"]
mod install;

use install::install;

/// `note`, built as a package of its own: features are a choice for a whole build.
fn recording_only() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recording-only");
        for directory in ["src", "examples"] {
            std::fs::create_dir_all(package.join(directory)).unwrap();
        }
        let manifest = format!(
            "[package]\nname = \"note\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             cli-telemetry = {{ path = {:?}, default-features = false, features = [\"commands\", \"config-file\"] }}\n\n\
             [features]\ndefault = [\"config-file\"]\nconfig-file = []\n\n\
             [profile.dev]\ndebug = false\n\n[workspace]\n",
            root.join("collector")
        );
        std::fs::write(package.join("Cargo.toml"), manifest).unwrap();
        std::fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
        let examples = root.join("collector/examples");
        std::fs::copy(examples.join("note.rs"), package.join("src/main.rs")).unwrap();
        std::fs::copy(examples.join("note.toml"), package.join("examples/note.toml")).unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--manifest-path"])
            .arg(package.join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", package.join("target"))
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .status()
            .unwrap();
        assert!(built.success());
        package.join("target/debug/note")
    })
}

/// Where the tool is installed, and its user's home.
struct Installed(tempfile::TempDir);

impl Installed {
    fn new(vendor: &str, delivery: &str) -> Self {
        let it = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(it.path("bin")).unwrap();
        install(recording_only(), &it.path("bin/note"));
        let config = format!(
            "[tool]\nid = \"com.example.note\"\nsend_from_debug_builds = true\n[backend]\nuse = \"http\"\n\
             [endpoints.receiver]\nurl = \"{vendor}\"\nallow = [\"http\", \"loopback\"]\n\
             [delivery]\n{delivery}\n"
        );
        std::fs::write(it.path("note.toml"), config).unwrap();
        it
    }

    fn with_helper(self) -> Self {
        let me = std::env::current_exe().unwrap();
        let helper = me.ancestors().nth(2).unwrap().join("examples/note-telemetry");
        assert!(
            helper.exists(),
            "{} is missing: run `cargo build --workspace --all-targets`",
            helper.display()
        );
        install(&helper, &self.path("bin/note-telemetry"));
        self
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("NOTE_CONFIG", self.path("note.toml"))
            .env("NOTE", self.path("bin/note"))
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    fn note(&self, arguments: &[&str]) -> String {
        said(&self.command(self.path("bin/note")).args(arguments).output().unwrap())
    }

    /// The helper, run by hand or from a timer.
    fn helper(&self) {
        let ran = self.command(self.path("bin/note-telemetry")).output().unwrap();
        assert!(ran.status.success() && ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran:?}");
    }

    fn enable(&self) {
        assert!(self.note(&["telemetry", "enable"]).starts_with("events go to http at 127.0.0.1:"));
    }
}

fn said(ran: &Output) -> String {
    assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// The helpers of this installation that are alive.
#[cfg(target_os = "linux")]
fn helpers(installed: &Installed) -> Vec<u32> {
    let helper = installed.path("bin/note-telemetry");
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == helper))
        .collect()
}

#[test]
fn what_a_tool_recorded_that_cannot_send_is_delivered_by_the_program_beside_it() {
    let vendor = Vendor::start();
    let it = Installed::new(&vendor.url(), "interval = 0").with_helper();
    it.enable();
    assert_eq!(it.note(&["keep", "milk"]), "kept: milk\n");
    let event = &vendor.wait_for(1)[0].json()[0];
    assert_eq!((&event["name"], &event["tool_name"]), (&"keep".into(), &"note".into()));
    eventually("nothing is left", || it.note(&["telemetry", "status"]).contains("on; 0 pending; sender: /"));
}

#[test]
fn without_the_program_beside_it_the_tool_holds_its_events_and_says_why() {
    let vendor = Vendor::start();
    let it = Installed::new(&vendor.url(), "interval = 0");
    it.enable();
    it.note(&["keep", "milk"]);
    let why = "this tool records only, and there is no `note-telemetry` beside it, which would send: ship it";
    assert_eq!(it.note(&["telemetry"]), format!("on; 1 pending; sender: none; held: {why}\n"));
    assert_eq!(it.note(&["telemetry", "flush"]), format!("0 events delivered; {why}\n"));
    assert!(vendor.requests().is_empty());
    // Nothing of that is held against the program once it is there.
    let it = it.with_helper();
    assert_eq!(it.note(&["telemetry", "flush"]), "1 events delivered; none are left\n");
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn a_flush_through_the_program_says_what_kept_the_events() {
    let vendor = Vendor::start();
    let it = Installed::new(&vendor.url(), "mode = \"never\"").with_helper();
    it.enable();
    it.note(&["keep", "milk"]);
    vendor.then(Answer::status(503));
    let told = it.note(&["telemetry", "flush"]);
    assert!(told.starts_with("0 events delivered; ") && told.contains("503"), "{told}");
    assert_eq!(it.note(&["telemetry", "flush"]), "1 events delivered; none are left\n");
}

#[test]
fn run_by_hand_it_sends_where_a_sender_is_due_and_never_without_a_yes() {
    let vendor = Vendor::start();
    let it = Installed::new(&vendor.url(), "mode = \"never\"\ninterval = \"15m\"").with_helper();
    it.helper();
    assert!(!it.path("state").exists(), "undecided, it makes nothing");
    it.enable();
    it.note(&["keep", "milk"]);
    it.helper();
    assert_eq!(vendor.requests().len(), 1);
    it.note(&["keep", "bread"]);
    it.helper();
    assert_eq!(vendor.requests().len(), 1, "the throttle holds for it");
    it.note(&["telemetry", "disable"]);
    it.helper();
    assert_eq!(vendor.requests().len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn crons_lock_is_free_while_the_program_that_the_tool_started_sends() {
    let vendor = Vendor::start();
    vendor.otherwise(Answer::WhenReleased(200));
    let it = Installed::new(&vendor.url(), "interval = 0").with_helper();
    it.enable();
    let shell = |script: &str| it.command("sh").arg("-c").arg(script).output().unwrap();
    let first = shell("exec 7<note.toml; (flock -n 9 || exit 9; \"$NOTE\" keep milk) 9>lock");
    assert_eq!(said(&first), "kept: milk\n");
    let _ = vendor.wait_for(1);
    let helpers_now = helpers(&it);
    assert_eq!(helpers_now.len(), 1, "it is sending");
    let second = shell("(flock -n 9 || exit 9; true) 9>lock");
    assert!(second.status.success(), "the helper holds cron's lock: {second:?}");
    let process = Path::new("/proc").join(helpers_now[0].to_string());
    for entry in std::fs::read_dir(process.join("fd")).unwrap().flatten() {
        let open = std::fs::read_link(entry.path()).unwrap_or_default();
        assert!(open != it.path("note.toml") && open != it.path("lock"), "it holds {}", open.display());
    }
    let stat = std::fs::read_to_string(process.join("stat")).unwrap();
    // After the name in parentheses: state, parent, group, session.
    let session = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).map(str::to_owned);
    assert_eq!(session, Some(helpers_now[0].to_string()), "it leads a session of its own");
    vendor.release();
    eventually("it ends", || helpers(&it).is_empty());
}
