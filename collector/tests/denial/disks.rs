//! Denials where nothing can be written: full disks, read-only ones, and processes that may not.

use crate::sender::{Sender, again};
use crate::{deny_now, room, say_no, say_yes, time};
use std::cell::RefCell;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use telemetry::consent::{Decision, Place, Stored, StoredHow, file};

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
                crate::needs::skip("a denial on a disk of its own", "this user may not mount a file system");
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
    super::install::install(&std::env::current_exe().unwrap(), &program);
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
