//! Tools that run while their user says no elsewhere: they are never ended, and send nothing more.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout};

use telemetry_tests::Answer;

use crate::scene::{Scene, assert_disabled, assert_plainly_disabled};

/// A tool that works when it is told to.
struct Resident {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Resident {
    fn start(scene: &Scene) -> Self {
        let mut child = scene.home.resident().spawn().expect("the tool starts");
        let says = BufReader::new(child.stdout.take().expect("its output"));
        let mut tool = Self { child, says };
        assert_eq!(tool.hear(), "ready");
        tool
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.says.read_line(&mut line).expect("it answers");
        line.trim().to_owned()
    }

    /// One command, to its end.
    fn work(&mut self) {
        let input = self.child.stdin.as_mut().expect("its input");
        writeln!(input).expect("it listens");
        assert_eq!(self.hear(), "worked", "it lives");
    }

    fn ends(mut self) {
        drop(self.child.stdin.take());
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_tool_whose_own_thread_is_sending_is_named_and_lives_and_sends_no_more() {
    let scene = Scene::new();
    scene.record(3);
    scene.configure("overlapped");
    scene.vendor.then(Answer::WhenReleased(413));
    let mut tool = Resident::start(&scene);
    let _ = scene.vendor.wait_for(1);
    let ran = scene.disable();
    assert_disabled(&ran);
    assert!(ran.stdout.contains(&format!("process {} is a running tool", tool.child.id())), "{ran:?}");
    let requests = scene.vendor.requests().len();
    scene.vendor.release();
    tool.work();
    tool.ends();
    scene.nothing_began_after(requests);
}

#[test]
fn a_tools_own_request_that_ends_in_time_is_waited_for() {
    let scene = Scene::new();
    scene.record(1);
    scene.configure("overlapped");
    scene.vendor.then(Answer::WhenReleased(200));
    let mut tool = Resident::start(&scene);
    let _ = scene.vendor.wait_for(1);
    let disable = scene.begin_to_disable();
    scene.vendor.release();
    assert_disabled(&disable.wait_with_output().unwrap().into());
    let requests = scene.vendor.requests().len();
    tool.work();
    tool.ends();
    scene.nothing_began_after(requests);
}

#[test]
fn a_tool_that_finds_a_journal_again_after_the_no_starts_no_sender_at_its_end() {
    let scene = Scene::new();
    let mut tool = Resident::start(&scene);
    tool.work();
    assert_plainly_disabled(&scene.disable());
    // As another tool's recorder does for a moment, that was between two looks.
    std::fs::create_dir(scene.file("journal")).expect("it was removed");
    tool.ends();
    for name in ["starts", "schedule", "identity"] {
        assert!(!scene.file(name).exists(), "{name} is left");
    }
    scene.nothing_began_after(0);
}

#[test]
fn a_tool_that_is_recording_leaves_nothing_behind_and_a_sender_that_hangs_is_ended() {
    let scene = Scene::new();
    let sender = scene.send(Answer::Hang);
    let mut tool = Resident::start(&scene);
    for _ in 0..100 {
        tool.work();
    }
    assert_plainly_disabled(&scene.disable());
    let requests = scene.vendor.requests().len();
    sender.has_ended();
    for _ in 0..100 {
        tool.work();
    }
    tool.ends();
    scene.nothing_began_after(requests);
}
