//! A sender that cannot note what it did waits: a disk that takes no acknowledgement is no flood.

use crate::scene::*;
use std::collections::BTreeSet;

/// Senders that are started one after the other while the disk fails.
const SENDERS: usize = 6;

/// Every change of the acknowledgements fails. Reading them, which comes first, does not.
fn broken(scene: &Scene, call: &str, error: &str) -> Vec<String> {
    let from = if call == "openat" { 2 } else { 1 };
    fault(call, &format!("error={error}:when={from}+"), Some(&scene.acknowledgements()))
}

/// Everything arrives once the disk is well and the user does not wait.
fn all_arrive(scene: &Scene, when: &str) -> Vec<String> {
    assert!(scene.run(&[], "flush").status.success());
    assert_eq!(scene.pending(), 0, "{when}");
    let ids = scene.vendor.ids();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), 200, "{when}: lost");
    ids
}

#[test]
fn what_cannot_be_acknowledged_is_sent_once_and_not_by_every_later_sender() {
    if !strace("what_cannot_be_acknowledged_is_sent_once_and_not_by_every_later_sender") {
        return;
    }
    for (call, error) in [
        ("openat", "ENOSPC"),
        ("openat", "EDQUOT"),
        ("openat", "EMFILE"),
        ("openat", "EROFS"),
        ("openat", "EIO"),
        ("pwrite64", "ENOSPC"),
        ("pwrite64", "EDQUOT"),
        ("pwrite64", "EIO"),
    ] {
        let when = format!("{call} {error}");
        let scene = Scene::new(true);
        scene.speak(&[], &when);
        let broken = broken(&scene, call, error);
        for _ in 0..SENDERS {
            assert!(scene.send(&words(&broken)).status.success(), "{when}");
        }
        assert_eq!(scene.vendor.requests().len(), 1, "{when}: a request for each sender");
        let status = scene.status();
        let shown = status["last_attempt"].as_str().unwrap();
        assert!(shown.contains("the journal did not take a note"), "{when}: {shown}");
        assert!(status["next_attempt"].is_string(), "{when}: {status}");
        let ids = all_arrive(&scene, &when);
        assert_eq!(ids.len(), 210, "{when}: only the first batch comes twice, under the same ids");
        assert_eq!(scene.lost(), 0, "{when}");
    }
}

#[test]
fn what_cannot_be_claimed_is_not_sent_and_neither_lost_nor_repeated_later() {
    if !strace("what_cannot_be_claimed_is_not_sent_and_neither_lost_nor_repeated_later") {
        return;
    }
    for (call, error) in [
        ("openat", "ENOSPC"),
        ("openat", "EROFS"),
        ("pwrite64", "ENOSPC"),
        ("pwrite64", "EIO"),
        ("fdatasync", "EIO"),
        ("fdatasync", "ENOSPC"),
        ("fdatasync", "EDQUOT"),
    ] {
        let when = format!("{call} {error}");
        let scene = Scene::at_most_once();
        scene.speak(&[], &when);
        let broken = broken(&scene, call, error);
        for _ in 0..SENDERS {
            assert!(scene.send(&words(&broken)).status.success(), "{when}");
        }
        assert_eq!(scene.vendor.requests().len(), 0, "{when}: sent without a claim");
        assert!(scene.status()["next_attempt"].is_string(), "{when}");
        let ids = all_arrive(&scene, &when);
        assert_eq!(ids.len(), 200, "{when}: repeated");
        assert_eq!(scene.lost(), 0, "{when}");
    }
}
