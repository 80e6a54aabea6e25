//! Senders whose request is under way, or who are between two.

use telemetry_tests::Answer;

use crate::scene::{Scene, assert_disabled, assert_plainly_disabled};

#[test]
fn a_request_that_is_under_way_is_let_finish_and_is_the_last() {
    let scene = Scene::new();
    let sender = scene.send(Answer::WhenReleased(200));
    let disable = scene.begin_to_disable();
    scene.vendor.release();
    assert_plainly_disabled(&disable.wait_with_output().unwrap().into());
    let requests = scene.vendor.requests().len();
    assert_eq!(requests, 1);
    sender.has_ended();
    scene.nothing_began_after(requests);
}

#[test]
fn a_sender_whose_request_hangs_is_ended() {
    let scene = Scene::new();
    let sender = scene.send(Answer::Hang);
    assert_plainly_disabled(&scene.disable());
    let requests = scene.vendor.requests().len();
    sender.has_ended();
    scene.nothing_began_after(requests);
}

#[test]
fn a_sender_that_is_stopped_in_its_request_is_ended() {
    let scene = Scene::new();
    let sender = scene.send(Answer::WhenReleased(200));
    sender.stop();
    // The answer is there, and the sender cannot take it.
    scene.vendor.release();
    assert_plainly_disabled(&scene.disable());
    let requests = scene.vendor.requests().len();
    sender.has_ended();
    scene.nothing_began_after(requests);
}

#[test]
fn a_sender_with_many_batches_sends_none_of_the_rest() {
    let scene = Scene::new();
    scene.record(8);
    // Too large: it goes on with halves, as many as there are, until it is told no.
    scene.vendor.otherwise(Answer::status(413));
    let sender = scene.send(Answer::WhenReleased(413));
    let disable = scene.begin_to_disable();
    scene.vendor.release();
    assert_plainly_disabled(&disable.wait_with_output().unwrap().into());
    let requests = scene.vendor.requests().len();
    sender.has_ended();
    scene.nothing_began_after(requests);
}

#[test]
fn a_sender_that_waits_for_its_vendor_lets_go_and_leaves_nothing() {
    let scene = Scene::new();
    scene.vendor.otherwise(Answer::status(503));
    assert_eq!(scene.home.run(&["hello", "Ada"]).code, Some(0));
    let _ = scene.vendor.wait_for(2);
    assert_plainly_disabled(&scene.disable());
    for name in ["journal", "schedule", "starts", "identity"] {
        assert!(!scene.file(name).exists(), "{name} is left");
    }
    scene.nothing_began_after(scene.vendor.requests().len());
}

#[test]
fn a_sender_that_was_killed_in_its_request_holds_nothing_up() {
    let scene = Scene::new();
    let sender = scene.send(Answer::Hang);
    sender.kill();
    assert_plainly_disabled(&scene.disable());
    scene.nothing_began_after(1);
}

#[test]
fn of_several_who_want_to_send_none_does() {
    let scene = Scene::new();
    let sender = scene.send(Answer::Hang);
    // Two more runs' senders and a user who waits, all behind the one that hangs.
    for _ in 0..2 {
        assert_eq!(scene.home.run(&["hello", "Ada"]).code, Some(0));
    }
    let flush = scene.home.start(&["telemetry", "flush"]);
    assert_disabled(&scene.disable());
    let requests = scene.vendor.requests().len();
    sender.has_ended();
    let flushed = flush.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&flushed.stdout).contains("0 events delivered"), "{flushed:?}");
    scene.nothing_began_after(requests);
}
