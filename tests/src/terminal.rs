//! A real terminal with a shell in it, by tmux.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Home, eventually};

/// A terminal. Dropping it ends the shell and what runs in it.
pub struct Terminal {
    socket: PathBuf,
    commands: AtomicU32,
}

impl Terminal {
    /// A shell in a terminal, whose environment holds this home and these variables. None, with the name
    /// of the test that is skipped, where there is no tmux; where `OFFICIAL=required` that is a failure.
    ///
    /// # Panics
    /// Where tmux is required and missing, or cannot start.
    #[must_use]
    pub fn start(test: &str, home: &Home, variables: &[(&str, &str)]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let there = Command::new("tmux").arg("-V").stdout(Stdio::null()).status();
        if !there.is_ok_and(|status| status.success()) {
            let required = std::env::var_os("OFFICIAL").is_some_and(|value| value == "required");
            assert!(!required, "{test} needs tmux: run .ci/tools");
            println!("skipped: {test} needs tmux");
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket =
            std::env::temp_dir().join(format!("telemetry-test-{}-{number}.tmux", std::process::id()));
        let terminal = Self { socket, commands: AtomicU32::new(0) };
        let greet = home.greet(&[]);
        let path = std::path::Path::new(greet.get_program()).parent().expect("a directory").to_path_buf();
        let mut shell = vec!["env".to_owned(), "-i".to_owned()];
        shell.push(format!("PATH={}:/usr/bin:/bin", path.display()));
        shell.extend(["TERM=screen".to_owned(), "PS1=$ ".to_owned()]);
        for (name, value) in greet.get_envs() {
            let (name, value) = (name.to_string_lossy(), value.unwrap_or_default().to_string_lossy());
            shell.push(format!("{name}={value}"));
        }
        shell.extend(variables.iter().map(|(name, value)| format!("{name}={value}")));
        shell.extend(["sh".to_owned(), "-i".to_owned()]);
        let started = terminal
            .tmux()
            .args(["-f", "/dev/null", "new-session", "-d", "-x", "200", "-y", "50"])
            .args(shell)
            .status();
        assert!(started.is_ok_and(|status| status.success()), "tmux starts a shell");
        terminal.wait_for("$");
        Some(terminal)
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.env("LC_ALL", "C.UTF-8").arg("-S").arg(&self.socket);
        command
    }

    /// Types this and presses Enter.
    ///
    /// # Panics
    /// Where tmux is gone.
    pub fn enter(&self, line: &str) {
        if !line.is_empty() {
            self.keys(&["-l", line]);
        }
        self.keys(&["Enter"]);
    }

    fn keys(&self, keys: &[&str]) {
        assert!(self.tmux().arg("send-keys").args(keys).status().expect("tmux").success());
    }

    /// Starts a command on a clean screen.
    ///
    /// # Panics
    /// Where tmux is gone.
    pub fn start_command(&self, line: &str) {
        let number = self.commands.fetch_add(1, Ordering::Relaxed) + 1;
        // At once, not when the shell comes to it: what the last command showed must not be taken for this
        // one's.
        self.keys(&["-R"]);
        self.enter(&format!("{line}; echo exit-{number}: $?"));
    }

    /// Waits for the end of the command that was started last, wants this exit code, and gives what it showed.
    ///
    /// # Panics
    /// Where it does not end so.
    #[must_use]
    pub fn ended_with(&self, code: i32) -> String {
        self.wait_for(&format!("exit-{}: {code}", self.commands.load(Ordering::Relaxed)))
    }

    /// Runs a command to its end, which is a success, and gives what it showed.
    ///
    /// # Panics
    /// Where it does not end, or not so.
    #[must_use]
    pub fn run(&self, line: &str) -> String {
        self.start_command(line);
        self.ended_with(0)
    }

    /// Writes down everything that is printed from now on, byte by byte, what is overwritten too.
    ///
    /// # Panics
    /// Where tmux is gone.
    pub fn write_down(&self, file: &std::path::Path) {
        let to = format!("cat > '{}'", file.display());
        assert!(self.tmux().args(["pipe-pane", &to]).status().expect("tmux").success());
    }

    /// What the screen shows; colours as escape sequences.
    ///
    /// # Panics
    /// Where tmux is gone.
    #[must_use]
    pub fn screen(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-p", "-e", "-J"]).output().expect("tmux");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the screen shows this, and gives the screen.
    ///
    /// # Panics
    /// Where it never does.
    pub fn wait_for(&self, text: &str) -> String {
        let mut screen = String::new();
        eventually(&format!("the screen shows {text:?}"), || {
            screen = self.screen();
            screen.contains(text)
        });
        screen
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").stderr(Stdio::null()).status();
        let _ = std::fs::remove_file(&self.socket);
    }
}
