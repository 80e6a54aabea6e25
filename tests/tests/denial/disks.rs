//! Disks that take nothing, while a sender lives.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use telemetry_tests::{Answer, Home};

use crate::scene::{Scene, Stopped, assert_disabled, assert_plainly_disabled};

/// A small file system where the tool keeps its state, unmounted in the end.
struct Disk(PathBuf);

impl Disk {
    fn mount(home: &Home) -> Option<Self> {
        let path = home.state();
        std::fs::create_dir(&path).unwrap();
        run("mount", &["-t", "tmpfs", "-o", "size=1m", "tmpfs"], &path).then_some(Self(path))
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["-l"], &self.0);
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    Command::new(program).args(arguments).arg(path).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// A scene on a disk of its own; none, with the test's name, where this user may mount none.
fn on_a_disk(test: &str) -> Option<(Disk, Scene)> {
    let mut disk = None;
    let scene = Scene::on(|home| disk = Disk::mount(home));
    let Some(disk) = disk else {
        let required = std::env::var_os("OFFICIAL").is_some_and(|value| value == "required");
        assert!(!required, "{test} needs a user who may mount a file system");
        println!("skipped: {test} needs a user who may mount a file system");
        return None;
    };
    Some((disk, scene))
}

#[test]
fn on_a_full_disk_a_sender_that_hangs_is_ended_and_the_no_is_stored() {
    let test = "on_a_full_disk_a_sender_that_hangs_is_ended_and_the_no_is_stored";
    let Some((disk, scene)) = on_a_disk(test) else { return };
    let sender = scene.send(Answer::Hang);
    disk.fill();
    assert_plainly_disabled(&scene.disable());
    let requests = scene.vendor.requests().len();
    sender.has_ended();
    assert!(std::fs::read_to_string(scene.file("consent")).unwrap().contains("denied"));
    scene.nothing_began_after(requests);
}

#[test]
fn on_a_full_disk_a_sender_that_is_stopped_before_it_connects_never_connects() {
    let test = "on_a_full_disk_a_sender_that_is_stopped_before_it_connects_never_connects";
    let Some((disk, scene)) = on_a_disk(test) else { return };
    let Some(sender) = Stopped::at(test, &scene, "socket", 1, None) else { return };
    disk.fill();
    assert_plainly_disabled(&scene.disable());
    sender.ends();
    scene.nothing_began_after(0);
}

/// `disable` on a machine that sees this directory read-only: the sender's own descriptors, opened before,
/// stay good, as after an administrator's remount.
fn disable_read_only(scene: &Scene) -> Option<telemetry_tests::Ran> {
    const SCRIPT: &str = r#"mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
shift
exec "$@""#;
    let disable = scene.home.greet(&["telemetry", "disable"]);
    let wrapped = |program: &std::ffi::OsStr, arguments: &[&std::ffi::OsStr]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount", "sh", "-ec", SCRIPT, "sh"]).arg(scene.home.state());
        unshare.arg(program).args(arguments).env_clear();
        unshare.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        for (name, value) in disable.get_envs() {
            unshare.env(name, value.unwrap_or_default());
        }
        unshare
    };
    let able = wrapped("true".as_ref(), &[]).stderr(Stdio::null()).status();
    if !able.is_ok_and(|status| status.success()) {
        return None;
    }
    let arguments: Vec<_> = disable.get_args().collect();
    Some(wrapped(disable.get_program(), &arguments).output().expect("it runs").into())
}

#[test]
fn on_a_read_only_disk_disable_says_that_it_is_still_enabled_and_fails_and_the_sender_goes_on() {
    let test = "on_a_read_only_disk_disable_says_that_it_is_still_enabled_and_fails_and_the_sender_goes_on";
    let scene = Scene::new();
    let sender = scene.send(Answer::WhenReleased(200));
    let Some(ran) = disable_read_only(&scene) else {
        let required = std::env::var_os("OFFICIAL").is_some_and(|value| value == "required");
        assert!(!required, "{test} needs a user who may make name spaces with mounts of their own");
        println!("skipped: {test} needs a user who may make name spaces with mounts of their own");
        return;
    };
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.stderr.contains("telemetry is still enabled") && ran.stderr.contains("DO_NOT_TRACK=1"),
        "{ran:?}"
    );
    // It is the truth: the yes stands, and nothing was ended or discarded.
    scene.vendor.release();
    sender.has_ended();
    let status = scene.home.run(&["telemetry", "status"]).stdout;
    assert!(status.contains("you said yes"), "{status}");
    // Where it can be written again, a no is a no.
    assert_plainly_disabled(&scene.disable());
    scene.nothing_began_after(1);
}

#[test]
fn a_no_that_cannot_be_stored_removes_the_yes_and_says_so_and_a_sender_that_hangs_is_ended() {
    let scene = Scene::new();
    let sender = scene.send(Answer::Hang);
    let disable = scene.home.greet(&["telemetry", "disable"]);
    // Soft and hard: the signal that the limit raises would kill. Nothing may be written into any file.
    let mut limited = Command::new("prlimit");
    limited.arg("--fsize=0:0").arg(disable.get_program()).args(disable.get_args()).env_clear();
    for (name, value) in disable.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    let ran = limited.stdin(Stdio::null()).output().expect("prlimit runs").into();
    assert_disabled(&ran);
    assert!(ran.stdout.contains("Note: your no could not be stored"), "{ran:?}");
    assert!(ran.stdout.contains("your yes is removed in its place"), "{ran:?}");
    let requests = scene.vendor.requests().len();
    sender.has_ended();
    assert!(!scene.file("consent").exists());
    scene.nothing_began_after(requests);
}
