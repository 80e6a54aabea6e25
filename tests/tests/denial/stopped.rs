//! Senders that are stopped at a system call on their way to a request.

use telemetry_tests::Answer;

use crate::scene::{Scene, Stopped, assert_disabled, assert_plainly_disabled};

#[test]
fn a_detached_child_that_has_just_started_sends_nothing() {
    let test = "a_detached_child_that_has_just_started_sends_nothing";
    let scene = Scene::new();
    // The first thing that it does is to leave its parent's session.
    let Some(child) = Stopped::at(test, &scene, "setsid", 1, None) else { return };
    assert_plainly_disabled(&scene.disable());
    child.goes_on_to_its_end();
    scene.nothing_began_after(0);
}

#[test]
fn a_sender_that_is_stopped_between_its_leave_and_the_connection_never_connects() {
    let test = "a_sender_that_is_stopped_between_its_leave_and_the_connection_never_connects";
    let scene = Scene::new();
    let Some(sender) = Stopped::at(test, &scene, "socket", 1, None) else { return };
    assert_eq!(scene.sender(), sender.process(), "it has leave");
    assert_plainly_disabled(&scene.disable());
    sender.ends();
    scene.nothing_began_after(0);
}

#[test]
fn a_sender_that_is_stopped_before_it_asks_for_leave_gets_none() {
    let test = "a_sender_that_is_stopped_before_it_asks_for_leave_gets_none";
    let scene = Scene::new();
    let Some(sender) = Stopped::at(test, &scene, "openat", 1, Some("consent.lock")) else { return };
    assert_plainly_disabled(&scene.disable());
    sender.goes_on_to_its_end();
    scene.nothing_began_after(0);
}

#[test]
fn a_sender_that_is_stopped_between_the_lock_and_the_decision_reads_the_no() {
    let test = "a_sender_that_is_stopped_between_the_lock_and_the_decision_reads_the_no";
    let scene = Scene::new();
    // It has the lock and has not yet said who it is, so nobody can end it.
    let Some(sender) = Stopped::at(test, &scene, "flock", 1, Some("consent.lock")) else { return };
    let ran = scene.disable();
    assert_disabled(&ran);
    assert!(ran.stdout.contains("Note: a request of another process may still be under way"), "{ran:?}");
    sender.goes_on_to_its_end();
    scene.nothing_began_after(0);
}

#[test]
fn a_sender_that_is_stopped_between_two_requests_does_not_begin_the_second() {
    let test = "a_sender_that_is_stopped_between_two_requests_does_not_begin_the_second";
    let scene = Scene::new();
    scene.record(3);
    // Too large: two halves are to follow.
    scene.vendor.then(Answer::status(413));
    let Some(sender) = Stopped::at(test, &scene, "openat", 2, Some("consent.lock")) else { return };
    assert_eq!(scene.vendor.requests().len(), 1);
    assert_plainly_disabled(&scene.disable());
    sender.goes_on_to_its_end();
    scene.nothing_began_after(1);
}
