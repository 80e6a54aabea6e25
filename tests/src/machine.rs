//! A machine whose administrator has a say: the real one, but for the directory of its policy files.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::Ran;

/// Puts a directory of ours where the policies are, in a mount name space that only the program sees
/// that is run in it. `/etc` is laid over itself, because the directory need not exist on the real machine.
const SCRIPT: &str = r#"mount --make-rprivate /
mount -t tmpfs tmpfs "$1/scratch"
mkdir "$1/scratch/upper" "$1/scratch/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/scratch/upper,workdir=$1/scratch/work" /etc
mkdir -p /etc/cli-telemetry
mount --bind "$1/policies" /etc/cli-telemetry
shift
exec "$@""#;

/// A machine with policy files. What is written while a program runs in it, that program sees.
pub struct Machine {
    directory: TempDir,
}

impl Machine {
    /// A machine without a policy. None, with the name of the test that is skipped, where this user may
    /// not make name spaces; where `OFFICIAL=required` that is a failure.
    ///
    /// # Panics
    /// Where the temporary directory cannot be written.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let machine = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        for name in ["scratch", "policies"] {
            std::fs::create_dir(machine.directory.path().join(name)).expect("a directory");
        }
        let able = machine.wrapped(&Command::new("true")).stderr(Stdio::null()).status();
        if able.is_ok_and(|status| status.success()) {
            return Some(machine);
        }
        let required = std::env::var_os("OFFICIAL").is_some_and(|value| value == "required");
        assert!(!required, "{test} needs a user who may make name spaces with mounts of their own");
        println!("skipped: {test} needs a user who may make name spaces with mounts of their own");
        None
    }

    fn policy(&self, name: &str) -> PathBuf {
        self.directory.path().join("policies").join(name)
    }

    /// The administrator writes a policy file: `policy` for every tool, `<id>.policy` for one.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn forbid(&self, name: &str, text: &str) {
        std::fs::write(self.policy(name), text).expect("the policy is written");
    }

    /// The administrator takes a policy file away.
    ///
    /// # Panics
    /// Where there is none.
    pub fn lift(&self, name: &str) {
        std::fs::remove_file(self.policy(name)).expect("the policy is taken away");
    }

    /// The same command on this machine.
    #[must_use]
    pub fn wrapped(&self, command: &Command) -> Command {
        let mut wrapped = Command::new("unshare");
        wrapped.args(["--map-root-user", "--mount", "sh", "-ec", SCRIPT, "sh"]);
        wrapped.arg(self.directory.path()).arg(command.get_program()).args(command.get_args());
        wrapped.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            wrapped.env(name, value.unwrap_or_default());
        }
        if let Some(directory) = command.get_current_dir() {
            wrapped.current_dir(directory);
        }
        wrapped
    }

    /// Runs a command on this machine to its end.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn run(&self, command: &Command) -> Ran {
        self.wrapped(command).output().expect("it runs").into()
    }
}
