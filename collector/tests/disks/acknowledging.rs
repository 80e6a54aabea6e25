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
        let mut hit = false;
        for _ in 0..SENDERS {
            assert!(scene.send(&words(&broken)).status.success(), "{when}");
            hit |= scene.was_hit();
        }
        assert!(hit, "{when}: it did not come to pass");
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
        let mut hit = false;
        for _ in 0..SENDERS {
            assert!(scene.send(&words(&broken)).status.success(), "{when}");
            hit |= scene.was_hit();
        }
        assert!(hit, "{when}: it did not come to pass");
        assert_eq!(scene.vendor.requests().len(), 0, "{when}: sent without a claim");
        assert!(scene.status()["next_attempt"].is_string(), "{when}");
        let ids = all_arrive(&scene, &when);
        assert_eq!(ids.len(), 200, "{when}: repeated");
        assert_eq!(scene.lost(), 0, "{when}");
    }
}

#[test]
fn each_claim_of_a_part_of_a_segment_is_synced_with_its_directory_before_its_request() {
    if !strace("each_claim_of_a_part_of_a_segment_is_synced_with_its_directory_before_its_request") {
        return;
    }
    let scene = Scene::at_most_once();
    scene.speak(&[], "before");
    let log = scene.state.join("trace");
    let calls = "trace=pwrite64,fdatasync,fsync,write,sendto,unlinkat";
    let traced = ["strace", "-f", "-y", "-qq", "-s", "64", "-e", calls, "-o", log.to_str().unwrap()];
    assert!(scene.send(&traced).status.success());
    let text = std::fs::read_to_string(&log).unwrap();
    let journal = format!("<{}>", scene.state.join("journal").display());
    let mut requests = 0;
    // How far the claim of the next request is: written, synced, and its name synced.
    let mut claim = 0;
    for line in text.lines() {
        let to_claim = line.contains(".ack1>");
        claim = match claim {
            _ if line.contains("pwrite64(") && to_claim => 1,
            1 if line.contains("fdatasync(") && to_claim => 2,
            2 if line.contains("fsync(") && line.contains(&journal) => 3,
            done => done,
        };
        // The last one takes the rest of the segment, which goes.
        if line.contains("POST / HTTP") {
            assert_eq!(claim, 3, "request {requests}:\n{text}");
            (requests, claim) = (requests + 1, 0);
        }
    }
    assert_eq!(requests, 20, "{text}");
}
