//! Starting another program, and waiting for its end.
//!
//! On Linux by the C library's `posix_spawn` alone: the standard library's `Command`, which calls it too, adds 38 KiB
//! to a tool, more than all of consent, for what nothing here needs.

use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, PipeWriter};
use std::path::Path;

/// What the standard streams of a program are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Streams {
    /// Nothing is to be read, and nobody reads.
    Null,
    /// This process's own.
    Own,
    /// This process's own, but for the input, which is [`Child::input`].
    Told,
}

/// A program that is to be started.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    /// A path, which is not looked for anywhere.
    pub(crate) path: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    /// What its environment says beside this process's.
    pub(crate) variable: Option<(&'a str, &'a str)>,
    pub(crate) streams: Streams,
}

/// A program that was started. To drop it waits for nothing.
#[derive(Debug)]
pub(crate) struct Child {
    /// What it is to read, where it is told something.
    pub(crate) input: Option<PipeWriter>,
    process: system::Process,
}

impl Program<'_> {
    /// Starts it.
    ///
    /// # Errors
    /// The file is no program that can be run, or there is no room for another process.
    pub(crate) fn start(&self) -> io::Result<Child> {
        let (read, input) = match self.streams {
            Streams::Told => {
                let (read, write) = io::pipe()?;
                (Some(read), Some(write))
            }
            Streams::Null | Streams::Own => (None, None),
        };
        Ok(Child { input, process: system::start(self, read)? })
    }
}

impl Child {
    /// Waits until it has ended: its exit code, counted from 128 where a signal ended it, as a shell does.
    ///
    /// # Errors
    /// `ECHILD`: somebody else took its end, or the system keeps none because `SIGCHLD` is ignored.
    pub(crate) fn wait(&mut self) -> io::Result<u8> {
        self.input = None;
        loop {
            if let Some(code) = system::ended(&mut self.process, true)? {
                return Ok(code);
            }
        }
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub(crate) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(system::ended(&mut self.process, false)?.is_some())
    }
}

fn code(exit: Option<i32>, signal: Option<i32>) -> u8 {
    match signal.map(u8::try_from) {
        Some(Ok(signal)) => signal.saturating_add(128),
        Some(Err(_)) => u8::MAX,
        None => exit.and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::CString;
    use std::fs::File;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::os::unix::ffi::OsStringExt;

    use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
    use nix::sys::signal::{SigSet, Signal};
    use rustix::process::{Pid, WaitOptions, waitpid};

    use super::{OsStr, OsString, PipeReader, Program, Streams, io};

    pub(super) type Process = Pid;

    pub(super) fn start(program: &Program<'_>, input: Option<PipeReader>) -> io::Result<Process> {
        let mut actions = PosixSpawnFileActions::init()?;
        // Open until the child has its own.
        let (mut null, input) = (None, input.map(OwnedFd::from));
        if program.streams == Streams::Null {
            let file = File::options().read(true).write(true).open("/dev/null")?;
            for stream in 0..3 {
                actions.add_dup2(file.as_raw_fd(), stream)?;
            }
            null = Some(file);
        }
        if let Some(input) = &input {
            actions.add_dup2(input.as_raw_fd(), 0)?;
        }
        // A program expects what a shell gives it, whatever this process, or the Rust runtime in it, has set.
        let mut default = SigSet::empty();
        default.add(Signal::SIGPIPE);
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_sigdefault(&default)?;
        attributes.set_sigmask(&SigSet::empty())?;
        attributes
            .set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
        let path = text(program.path.as_os_str().to_owned())?;
        let mut arguments = vec![path.clone()];
        for argument in &program.arguments {
            arguments.push(text(argument.clone())?);
        }
        let started = posix_spawn(path.as_c_str(), &actions, &attributes, &arguments, &environment(program)?);
        drop((null, input));
        Pid::from_raw(started?.as_raw()).ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// This process's own, with the variable in the place of what it says of that.
    fn environment(program: &Program<'_>) -> io::Result<Vec<CString>> {
        let mut all = Vec::new();
        let own = std::env::vars_os();
        let added = program.variable.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let hidden = program.variable.map(|(name, _)| OsStr::new(name));
        for (name, value) in own.filter(|(name, _)| Some(&**name) != hidden).chain(added) {
            let mut variable = name;
            variable.push("=");
            variable.push(value);
            all.push(text(variable)?);
        }
        Ok(all)
    }

    fn text(text: OsString) -> io::Result<CString> {
        CString::new(text.into_vec()).map_err(|_| io::ErrorKind::InvalidInput.into())
    }

    /// The code of its end; none where it goes on, or a signal came to the one who waits.
    pub(super) fn ended(process: &mut Process, waits: bool) -> io::Result<Option<u8>> {
        let options = if waits { WaitOptions::empty() } else { WaitOptions::NOHANG };
        match waitpid(Some(*process), options) {
            Ok(Some((_, status))) if status.exited() || status.signaled() => {
                Ok(Some(super::code(status.exit_status(), status.terminating_signal())))
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::process::{Child, Command, Stdio};

    use super::{PipeReader, Program, Streams, io};

    pub(super) type Process = Child;

    pub(super) fn start(program: &Program<'_>, input: Option<PipeReader>) -> io::Result<Process> {
        let mut command = Command::new(program.path);
        command.args(&program.arguments).envs(program.variable);
        if program.streams == Streams::Null {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            #[cfg(windows)]
            {
                use std::os::windows::process::CommandExt;
                const DETACHED_PROCESS: u32 = 0x0000_0008;
                const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
                command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
            }
        }
        if let Some(input) = input {
            command.stdin(input);
        }
        command.spawn()
    }

    pub(super) fn ended(process: &mut Process, waits: bool) -> io::Result<Option<u8>> {
        let status = if waits { Some(process.wait()?) } else { process.try_wait()? };
        #[cfg(unix)]
        let signal =
            |status: std::process::ExitStatus| std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal = |_| None;
        Ok(status.map(|status| super::code(status.code(), signal(status))))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    fn shell<'a>(script: &str, streams: Streams, variable: Option<(&'a str, &'a str)>) -> Program<'a> {
        let arguments = vec!["-c".into(), script.into()];
        Program { path: Path::new("/bin/sh"), arguments, variable, streams }
    }

    fn code_of(program: &Program<'_>) -> u8 {
        program.start().unwrap().wait().unwrap()
    }

    #[test]
    fn an_end_is_known_by_its_code_or_by_its_signal() {
        assert_eq!(code_of(&shell("exit 0", Streams::Own, None)), 0);
        assert_eq!(code_of(&shell("exit 7", Streams::Null, None)), 7);
        assert_eq!(code_of(&shell("kill -9 $$", Streams::Null, None)), 128 + 9);
    }

    #[test]
    fn a_child_that_goes_on_has_not_ended() {
        let mut child = shell("read line; test \"$line\" = go", Streams::Told, None).start().unwrap();
        assert!(!child.has_ended().unwrap());
        child.input.take().unwrap().write_all(b"go\n").unwrap();
        assert_eq!(child.wait().unwrap(), 0);
    }

    #[test]
    fn whoever_waits_gives_the_input_up_first() {
        assert_eq!(code_of(&shell("cat >/dev/null; exit 3", Streams::Told, None)), 3);
    }

    #[test]
    fn a_child_has_this_environment_and_one_variable_more() {
        let script = "test \"$TELEMETRY_TEST_CHILD\" = 'a b' && test -n \"$PATH\"";
        assert_eq!(code_of(&shell(script, Streams::Own, Some(("TELEMETRY_TEST_CHILD", "a b")))), 0);
        // What was there of that name is gone, and nothing else.
        let script = "test \"$PATH\" = none && test \"$(env | grep -c ^PATH=)\" = 1";
        let script =
            format!("PATH_NOW=$PATH; PATH=/usr/bin:/bin; {}", script.replacen("$PATH", "$PATH_NOW", 1));
        assert_eq!(code_of(&shell(&script, Streams::Own, Some(("PATH", "none")))), 0);
    }

    #[test]
    fn an_empty_argument_arrives_as_one() {
        let mut program = shell("test $# = 1 && test -z \"$1\"", Streams::Own, None);
        program.arguments.extend(["sh".into(), "".into()]);
        assert_eq!(code_of(&program), 0);
    }

    #[test]
    fn streams_that_nobody_reads_are_null() {
        let script = "for it in 0 1 2; do test /proc/$$/fd/$it -ef /dev/null || exit 1; done";
        if cfg!(target_os = "linux") {
            assert_eq!(code_of(&shell(script, Streams::Null, None)), 0);
        }
    }

    #[test]
    fn a_child_inherits_neither_a_blocked_signal_nor_an_ignored_broken_pipe() {
        if cfg!(target_os = "linux") {
            // The runtime of this test ignores SIGPIPE, which is the thirteenth.
            let script = "while read name mask; do case $name in SigIgn:|SigBlk:) \
                          test $((0x$mask & 0x1000)) = 0 || exit 1;; esac; done </proc/self/status";
            assert_eq!(code_of(&shell(script, Streams::Own, None)), 0);
        }
    }

    #[test]
    fn what_is_no_program_is_an_error_of_whoever_starts_it() {
        for path in ["/nowhere/at/all", "/dev/null"] {
            let program = Program {
                path: Path::new(path),
                arguments: Vec::new(),
                variable: None,
                streams: Streams::Null,
            };
            assert!(program.start().is_err(), "{path}");
        }
        let mut program = shell("exit 0", Streams::Null, None);
        program.arguments.push("a\0b".into());
        assert!(program.start().is_err());
    }
}
