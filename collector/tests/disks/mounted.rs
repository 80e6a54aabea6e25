//! A disk that is really full, and one that is really read-only.

use crate::scene::*;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A file system of the test's own, unmounted in the end.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        let done = run("mount", &["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs"], at);
        done.then(|| Self(at.to_owned()))
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }

    fn mode(&self, mode: &str) {
        assert!(run("mount", &["-o", &format!("remount,{mode}")], &self.0));
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

/// The disk, or where this user may not mount one the test's name.
fn disk(scene: &Scene, test: &str) -> Option<Disk> {
    let disk = Disk::mount(&scene.state);
    if disk.is_none() {
        crate::needs::skip(test, "this user may not mount a file system");
    }
    disk
}

/// A tool that lives until its input ends and records an event for each byte.
struct Server(std::process::Child);

impl Server {
    fn start(scene: &Scene) -> Self {
        let mut command = scene.command(&[], "serve");
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn record(&mut self, events: usize) {
        self.0.stdin.as_mut().unwrap().write_all(&vec![b'x'; events]).unwrap();
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn a_full_disk_takes_nothing_of_what_was_stored_and_nobody_notices() {
    for map in [false, true] {
        let scene = Scene::new(map);
        let Some(disk) = disk(&scene, "a_full_disk_takes_nothing_of_what_was_stored_and_nobody_notices")
        else {
            return;
        };
        scene.speak(&[], "before");
        disk.fill();
        scene.speak(&[], "on a full disk");
        let stored = scene.pending();
        assert!((200..=400).contains(&stored), "map {map}: {stored}");
        // The sender of a full disk sends nothing that it cannot note, or once.
        for _ in 0..4 {
            assert!(scene.send(&[]).status.success());
        }
        let requests = scene.vendor.requests().len();
        assert!(requests <= 1, "map {map}: {requests} requests");
        disk.empty();
        assert!(scene.run(&[], "flush").status.success());
        let mut ids = scene.vendor.ids();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len() as u64, stored, "map {map}");
        assert_eq!(scene.pending(), 0);
    }
}

#[test]
fn what_a_full_disk_did_not_take_is_stored_when_there_is_room_and_the_rest_is_counted() {
    for map in [false, true] {
        let scene = Scene::new(map);
        let test = "what_a_full_disk_did_not_take_is_stored_when_there_is_room_and_the_rest_is_counted";
        let Some(disk) = disk(&scene, test) else { return };
        scene.speak(&[], "before");
        disk.fill();
        let mut server = Server::start(&scene);
        // More than memory holds while the disk is full, so that some are lost.
        server.record(1500);
        crate::home::eventually("the tool has read its input", || idle(server.0.id()));
        let on_disk = scene.pending() - 200;
        disk.empty();
        // A disk that failed is tried again at every 256th event.
        server.record(300);
        server.end();
        let (pending, lost) = (scene.pending(), scene.lost());
        assert_eq!(pending + lost, 200 + 1800, "map {map}: {pending} {lost}");
        assert!(lost >= 500_u64.saturating_sub(on_disk), "map {map}: {lost}");
        assert!(lost <= 500 + 256, "map {map}: {lost}");
    }
}

/// Whether a process waits for its input, and nothing of it is left in the pipe.
fn idle(pid: u32) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    // `read` from the standard input: its number differs between processors, its first argument does not.
    let mut words = call.split(' ');
    let number = words.next().unwrap_or_default();
    let read = if cfg!(target_arch = "x86_64") { "0" } else { "63" };
    number == read && words.next() == Some("0x0")
}

#[test]
fn a_read_only_disk_is_not_the_tools_problem_and_keeps_what_it_holds() {
    for map in [false, true] {
        let scene = Scene::new(map);
        let Some(disk) = disk(&scene, "a_read_only_disk_is_not_the_tools_problem_and_keeps_what_it_holds")
        else {
            return;
        };
        scene.speak(&[], "before");
        disk.mode("ro");
        scene.speak(&[], "on a read-only disk");
        for _ in 0..3 {
            assert!(scene.send(&[]).status.success());
        }
        assert_eq!(scene.vendor.requests().len(), 0, "what cannot be noted is not sent");
        assert_eq!(scene.pending(), 200);
        disk.mode("rw");
        assert!(scene.run(&[], "flush").status.success());
        assert_eq!(scene.vendor.ids().len(), 200);
    }
}
