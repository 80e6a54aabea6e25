//! A user's home, and the example tool run in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// What a run of the tool left.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }
}

/// A home that is gone when the test ends, with a configuration for the example tool beside it.
pub struct Home {
    root: TempDir,
}

impl Home {
    /// An empty home and this `greet.toml`; `{id}`-free text, the tool's id included.
    ///
    /// # Panics
    /// Where the temporary directory cannot be written.
    #[must_use]
    pub fn new(config: &str) -> Self {
        let home = Self { root: tempfile::tempdir().expect("a temporary directory") };
        std::fs::create_dir_all(home.path("author")).expect("a directory for the author");
        std::fs::create_dir_all(home.path("user")).expect("a directory for the user");
        home.configure(config);
        home
    }

    /// Replaces the configuration.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn configure(&self, config: &str) {
        std::fs::write(self.path("author/greet.toml"), config).expect("the configuration is written");
    }

    /// Writes a file beside the configuration, such as a component.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn author_file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path("author").join(name), bytes).expect("the author's file is written");
    }

    /// A path below the temporary root: `author/…` or `user/…`.
    #[must_use]
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// Whether a process that sends for this home is alive, also one that has not come so far as to take the journal's
    /// lock. Elsewhere than on Linux that is not known, and none is said to be.
    #[must_use]
    pub fn has_sender(&self) -> bool {
        let mark = self.root.path().as_os_str().as_encoded_bytes();
        let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|it| it == part);
        std::fs::read_dir("/proc").into_iter().flatten().flatten().any(|process| {
            let read = |what| std::fs::read(process.path().join(what)).unwrap_or_default();
            has(&read("cmdline"), b"__telemetry_sender") && has(&read("environ"), mark)
        })
    }

    /// Where the tool may keep its state.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path("user/state")
    }

    /// Every file and directory that runs of the tool have created, relative to the user's home.
    #[must_use]
    pub fn created(&self) -> Vec<PathBuf> {
        let (mut found, mut open) = (Vec::new(), vec![self.path("user")]);
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    open.push(entry.path());
                }
                found.push(entry.path().strip_prefix(self.path("user")).unwrap_or(Path::new("?")).to_owned());
            }
        }
        found.sort();
        found
    }

    /// The example tool, ready to run, in an environment that holds only this home.
    ///
    /// # Panics
    /// Where the example was not built: `cargo test --workspace` builds it.
    #[must_use]
    pub fn greet(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("examples/greet");
        command.args(arguments);
        command
    }

    /// The tool that is killed right after it recorded the event `work`, in the same home.
    ///
    /// # Panics
    /// Where it was not built: `cargo test --workspace` builds it.
    #[must_use]
    pub fn victim(&self) -> Command {
        self.program("victim")
    }

    /// The tool whose author collects everything, in the same home.
    ///
    /// # Panics
    /// Where it was not built: `cargo test --workspace` builds it.
    #[must_use]
    pub fn leaky(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("leaky");
        command.args(arguments);
        command
    }

    /// The tool whose component is embedded, in the same home.
    ///
    /// # Panics
    /// Where it was not built: `cargo test --workspace` builds it.
    #[must_use]
    pub fn embedded(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("embedded");
        command.args(arguments);
        command
    }

    /// The tool whose author measures everything, in the same home.
    ///
    /// # Panics
    /// Where it was not built: `cargo test --workspace` builds it.
    #[must_use]
    pub fn dispatched(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("dispatched");
        command.args(arguments);
        command
    }

    /// The tool that runs until its input ends, in the same home; `ready` on its output, and `worked` for
    /// each line.
    ///
    /// # Panics
    /// Where it was not built: `cargo test --workspace` builds it.
    #[must_use]
    pub fn resident(&self) -> Command {
        let mut command = self.program("resident");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// The author's own tool, beside the home.
    ///
    /// # Panics
    /// Where it was not built: `cargo test --workspace` builds it.
    #[must_use]
    pub fn kit(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("telemetry-kit");
        command.args(arguments);
        command
    }

    fn program(&self, name: &str) -> Command {
        let me = std::env::current_exe().expect("a test has an executable");
        let program = me.ancestors().nth(2).expect("target/<profile>").join(name);
        assert!(
            program.exists(),
            "{} is missing: run `cargo build --workspace --all-targets`",
            program.display()
        );
        self.tool(&program)
    }

    /// Any other tool that reads its configuration as the example does, in the same home.
    #[must_use]
    pub fn tool(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.path("user"))
            .env("XDG_STATE_HOME", self.state())
            .env("XDG_CACHE_HOME", self.path("user/cache"))
            .env("GREET_CONFIG", self.path("author/greet.toml"))
            .current_dir(self.root.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the example tool to its end.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.greet(arguments).output().expect("greet runs").into()
    }

    /// Starts the example tool with its streams captured.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.greet(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("greet starts")
    }
}
