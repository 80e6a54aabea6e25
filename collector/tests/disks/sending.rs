//! Faults while a sender adopts, reads, sends, acknowledges, sets aside and writes its schedule.

use crate::scene::*;
use std::collections::BTreeSet;

const FAULTS: [(&str, &[&str]); 11] = [
    ("openat", &["ENOSPC", "EIO", "EROFS", "EMFILE", "EDQUOT"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT"]),
    ("pwrite64", &["ENOSPC", "EIO", "EDQUOT", "EINTR"]),
    ("pread64", &["EIO", "EINTR"]),
    ("read", &["EIO"]),
    ("rename,renameat", &["ENOSPC", "EIO", "EROFS", "EDQUOT"]),
    ("unlink,unlinkat", &["EIO", "EROFS"]),
    ("getdents64", &["EIO"]),
    ("flock", &["EIO", "ENOLCK", "EINTR"]),
    ("fdatasync,fsync", &["EIO", "ENOSPC", "EDQUOT"]),
    ("ftruncate", &["EIO", "ENOSPC"]),
];

/// Every event arrives, at least once, whatever went wrong before; and no disk makes a flood.
#[test]
fn a_disk_that_fails_under_a_sender_costs_no_event_and_makes_no_flood() {
    if !strace("a_disk_that_fails_under_a_sender_costs_no_event_and_makes_no_flood") {
        return;
    }
    let mut cases = 0;
    for (call, errors) in FAULTS {
        for error in errors {
            for when in ["1", "2", "4", "9", "1+", "3+"] {
                let named = format!("{call} {error} {when}");
                let scene = Scene::new(true);
                scene.speak(&[], &named);
                let broken = fault_at_home(&scene, call, error, when);
                let mut hit = false;
                for _ in 0..3 {
                    scene.send(&words(&broken));
                    hit |= scene.was_hit();
                }
                let requests = scene.vendor.requests().len();
                assert!(requests <= 22, "{named}: {requests} requests for 20 batches");
                assert!(scene.run(&[], "flush").status.success(), "{named}");
                assert_eq!(scene.pending(), 0, "{named}");
                let ids = scene.vendor.ids();
                let distinct: BTreeSet<&String> = ids.iter().collect();
                assert_eq!(distinct.len(), 200, "{named}");
                assert_eq!(scene.lost(), 0, "{named}");
                cases += usize::from(hit);
            }
        }
    }
    println!("{cases} faults of sending");
    assert!(cases >= 90, "{cases}");
}

#[test]
fn a_disk_that_fails_under_a_sender_repeats_nothing_that_may_be_sent_once() {
    if !strace("a_disk_that_fails_under_a_sender_repeats_nothing_that_may_be_sent_once") {
        return;
    }
    let mut cases = 0;
    for (call, errors) in FAULTS {
        for error in errors {
            for when in ["1", "3", "1+"] {
                let named = format!("{call} {error} {when}");
                let scene = Scene::at_most_once();
                scene.speak(&[], &named);
                let broken = fault_at_home(&scene, call, error, when);
                let mut hit = false;
                for _ in 0..2 {
                    scene.send(&words(&broken));
                    hit |= scene.was_hit();
                }
                assert!(scene.run(&[], "flush").status.success(), "{named}");
                assert_eq!(scene.pending(), 0, "{named}");
                let ids = scene.vendor.ids();
                let distinct: BTreeSet<&String> = ids.iter().collect();
                assert_eq!(distinct.len(), ids.len(), "{named}: sent twice");
                assert_eq!(distinct.len() as u64 + scene.lost(), 200, "{named}: gone and not counted");
                cases += usize::from(hit);
            }
        }
    }
    println!("{cases} faults of sending what may be sent once");
    assert!(cases >= 60, "{cases}");
}

/// A fault at the tool's own files, after the loader and the runtime are done with theirs.
fn fault_at_home(scene: &Scene, call: &str, error: &str, when: &str) -> Vec<String> {
    let ack = scene.acknowledgements();
    let mut words = fault(call, &format!("error={error}:when={when}"), Some(&ack));
    let journal = scene.state.join("journal");
    let known = std::fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = known.collect();
    // What the slot will be called: its id is in its header.
    let slot =
        std::fs::read(paths.iter().find(|path| path.extension().is_some_and(|it| it == "open1")).unwrap());
    let id = u64::from_le_bytes(slot.unwrap()[16..24].try_into().unwrap());
    let sealed = journal.join(format!("{:012x}-{:08x}-{id:016x}.seg1", 0, 200));
    paths.extend([journal.join("drain.state"), journal.join("drain.state.new"), journal.join("drain.lock")]);
    paths.extend([scene.state.clone(), scene.state.join("schedule"), journal.clone(), sealed]);
    for path in paths {
        words.splice(5..5, ["-P".to_owned(), path.to_str().unwrap().to_owned()]);
    }
    words
}
