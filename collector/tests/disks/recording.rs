//! Faults while a tool leases, records, grows its mapping and gives its segment up.

use crate::scene::*;
use std::collections::BTreeSet;

/// The calls that recording makes, and what the system may answer.
const FAULTS: [(&str, &[&str]); 12] = [
    ("mkdir", &["ENOSPC", "EIO", "EROFS", "EDQUOT"]),
    ("openat", &["ENOSPC", "EIO", "EROFS", "EMFILE", "EDQUOT"]),
    ("flock", &["EIO", "EINTR", "ENOLCK"]),
    ("pwrite64", &["ENOSPC", "EIO", "EROFS", "EDQUOT", "EINTR", "EFBIG"]),
    ("fallocate", &["ENOSPC", "EIO", "EDQUOT", "EOPNOTSUPP", "EINTR"]),
    ("pwritev", &["ENOSPC", "EIO", "EDQUOT", "EINTR"]),
    ("mmap", &["ENOMEM", "EACCES", "ENODEV"]),
    ("madvise", &["EIO", "ENOMEM"]),
    ("ftruncate", &["ENOSPC", "EIO", "EROFS"]),
    ("fstat", &["EIO"]),
    ("renameat", &["ENOSPC", "EIO", "EROFS"]),
    ("write", &["ENOSPC", "EIO"]),
];

/// Those without which nothing reaches the journal.
const BARS: [&str; 4] = ["openat", "flock", "pwrite64", "fstat"];

#[test]
fn a_fault_that_passes_costs_a_tool_no_event_and_nobody_notices() {
    if !strace("a_fault_that_passes_costs_a_tool_no_event_and_nobody_notices") {
        return;
    }
    let mut cases = 0;
    for map in [false, true] {
        for (call, errors) in FAULTS {
            let (scene, slot) = empty(map);
            let made = calls(&scene, &slot, call);
            for error in errors {
                // The first, one in the middle, and the last.
                let points = BTreeSet::from([1, made / 2 + 1, made]);
                for when in points.into_iter().filter(|it| (1..=made).contains(it)) {
                    let fails_at = |when| {
                        let named = format!("map {map}: {call} {error} at {when} of {made}");
                        let (scene, slot) = empty(map);
                        let broken = broken(&scene, &slot, call, &format!("error={error}:when={when}"));
                        scene.speak(&words(&broken), &named);
                        assert_eq!((scene.pending(), scene.lost()), (200, 0), "{named}");
                        scene.was_hit()
                    };
                    // A run looks at its file again after some time: one that took longer made a call more.
                    let last = |_| {
                        let (scene, slot) = empty(map);
                        when == made && fails_at(calls(&scene, &slot, call))
                    };
                    assert!(
                        fails_at(when) || (0..5).any(last),
                        "map {map}: {call} {error} at {when} of {made}: it did not come to pass"
                    );
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} faults that pass");
    assert!(cases >= 80, "{cases}");
}

#[test]
fn a_fault_that_stays_is_not_the_tools_problem_and_spares_what_was_stored_before() {
    if !strace("a_fault_that_stays_is_not_the_tools_problem_and_spares_what_was_stored_before") {
        return;
    }
    let mut cases = 0;
    for map in [false, true] {
        for (call, errors) in FAULTS {
            let made = {
                let scene = Scene::new(map);
                scene.speak(&[], "before");
                calls(&scene, &slot(&scene), call)
            };
            for error in errors {
                let named = format!("map {map}: {call} {error} for ever");
                let scene = Scene::new(map);
                scene.speak(&[], &named);
                let broken = broken(&scene, &slot(&scene), call, &format!("error={error}:when=1+"));
                scene.speak(&words(&broken), &named);
                assert_eq!(scene.was_hit(), made > 0, "{named}");
                cases += usize::from(made > 0);
                scene.speak(&[], &named);
                let (pending, lost) = (scene.pending(), scene.lost());
                // What bars the records from the disk is counted; all else costs nothing.
                if made > 0 && BARS.contains(&call) {
                    assert_eq!(pending, 400, "{named}: {lost}");
                    // Where the directory itself cannot be reached, so cannot the note.
                    let noted = matches!(call, "flock" | "pwrite64");
                    assert_eq!(lost, if noted { 200 } else { 0 }, "{named}");
                } else {
                    assert_eq!((pending, lost), (600, 0), "{named}");
                }
            }
        }
    }
    println!("{cases} faults that stay");
    assert!(cases >= 36, "{cases}");
}

/// A home whose journal's directory is there and empty, and the slot that a tool leases there first.
fn empty(map: bool) -> (Scene, String) {
    let scene = Scene::new(map);
    scene.speak(&[], "an earlier run");
    let slot = slot(&scene);
    let journal = scene.state.join("journal");
    std::fs::remove_dir_all(&journal).unwrap();
    std::fs::create_dir(&journal).unwrap();
    private(&journal);
    (scene, slot)
}

/// A fault at a call on the journal's directory or its first slot: neither the loader nor the tool's streams
/// meet it.
fn broken(scene: &Scene, slot: &str, call: &str, how: &str) -> Vec<String> {
    let mut broken = fault(call, how, Some(&scene.state.join("journal")));
    broken.splice(7..7, ["-P".to_owned(), slot.to_owned()]);
    broken
}

/// How often a run in this home makes this call there.
fn calls(scene: &Scene, slot: &str, call: &str) -> usize {
    scene.speak(&words(&broken(scene, slot, call, "error=EIO:when=65000")), "counted");
    let log = std::fs::read_to_string(scene.state.join("faults")).unwrap();
    log.lines().filter(|line| line.contains(&format!("{call}("))).count()
}

#[test]
fn a_limit_on_open_files_is_not_the_tools_problem() {
    let mut ran = 0;
    for files in 0..16 {
        for map in [false, true] {
            let scene = Scene::new(map);
            scene.speak(&[], "before");
            // Below the four or so that starting a program takes, nothing runs at all.
            let limit = format!("--nofile={files}:{files}");
            let output = scene.run(&["prlimit", &limit], "speak");
            if output.status.code() == Some(127) || output.status.code() == Some(126) {
                continue;
            }
            assert_unaffected(&output, &limit);
            let (pending, lost) = (scene.pending(), scene.lost());
            if pending == 200 && files < 8 {
                // Too few for the journal: what keeps the records out keeps a note of their loss out.
                assert_eq!(lost, 0, "{limit}");
            } else {
                assert_eq!((pending, lost), (400, 0), "{limit}");
            }
            ran += 1;
        }
    }
    assert!(ran >= 16, "{ran}");
}

#[test]
fn a_limit_on_file_sizes_kills_no_tool_and_no_sender() {
    for limit in [0, 1, 300, 4096, 10_000, 65_536, 100_000] {
        for map in [false, true] {
            let scene = Scene::new(map);
            let words = ["prlimit", &format!("--fsize={limit}:{limit}")].map(str::to_owned);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let named = format!("files of {limit} bytes, map {map}");
            // Its streams are pipes, which the limit is not about.
            scene.speak(&words, &named);
            let pending = scene.pending();
            assert!(pending == 200 || limit < 65_536, "{named}: {pending}");
            scene.speak(&[], &named);
            assert!(scene.send(&words).status.success(), "{named}");
            assert!(scene.run(&[], "flush").status.success());
            let mut ids = scene.vendor.ids();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len() as u64, pending + 200, "{named}");
        }
    }
}

#[test]
fn a_limit_on_file_sizes_kills_no_tool_that_writes_its_events_at_its_exit() {
    let scene = Scene::local();
    let run = |limit: u64, way: &str| {
        let limited = format!("--fsize={limit}");
        let mut command = scene.command(&["prlimit", &limited], way);
        assert_unaffected(&command.env_remove("PROBE_VENDOR").output().unwrap(), &limited);
    };
    run(100_000, "speak");
    // The journal's records fit, and their lines of JSON do not.
    run(50_000, "speak");
    run(100_000_000, "one");
    let text = std::fs::read_to_string(scene.state.join("events.ndjson")).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for line in text.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("no half line");
        ids.insert(event["id"].to_string());
    }
    assert!(ids.len() >= 201, "{}", ids.len());
}

fn private(directory: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// The slot that a tool leased.
fn slot(scene: &Scene) -> String {
    let entries = std::fs::read_dir(scene.state.join("journal")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|it| it == "open1")).unwrap().to_str().unwrap().to_owned()
}
