//! Faults while a tool leases, records, grows its mapping and gives its segment up.

use crate::scene::*;

/// The calls that recording makes, and what the system may answer.
const FAULTS: [(&str, &[&str]); 10] = [
    ("mkdir", &["ENOSPC", "EIO", "EROFS", "EDQUOT"]),
    ("openat", &["ENOSPC", "EIO", "EROFS", "EMFILE", "EDQUOT"]),
    ("flock", &["EIO", "EINTR", "ENOLCK"]),
    ("pwrite64", &["ENOSPC", "EIO", "EROFS", "EDQUOT", "EINTR", "EFBIG"]),
    ("fallocate", &["ENOSPC", "EIO", "EDQUOT", "EOPNOTSUPP", "EINTR"]),
    ("madvise", &["EIO", "ENOMEM"]),
    ("ftruncate", &["ENOSPC", "EIO", "EROFS"]),
    ("fstat", &["EIO"]),
    ("renameat", &["ENOSPC", "EIO", "EROFS"]),
    ("write", &["ENOSPC", "EIO"]),
];

#[test]
fn a_fault_that_passes_costs_a_tool_no_event_and_nobody_notices() {
    if !strace("a_fault_that_passes_costs_a_tool_no_event_and_nobody_notices") {
        return;
    }
    let mut cases = 0;
    for map in [false, true] {
        for (call, errors) in FAULTS {
            for error in errors {
                for when in [1, 2, 7] {
                    let named = format!("map {map}: {call} {error} at {when}");
                    let scene = Scene::new(map);
                    // The faults are the state's: neither the loader nor the tool's streams meet them.
                    std::fs::create_dir(scene.state.join("journal")).unwrap();
                    private(&scene.state.join("journal"));
                    let only = scene.state.join("journal");
                    let slot = first_slot(&scene);
                    let mut broken = fault(call, &format!("error={error}:when={when}"), Some(&only));
                    broken.splice(7..7, ["-P".to_owned(), slot]);
                    scene.speak(&words(&broken), &named);
                    assert_eq!((scene.pending(), scene.lost()), (200, 0), "{named}");
                    cases += usize::from(scene.was_hit());
                }
            }
        }
    }
    println!("{cases} faults that pass");
    assert!(cases >= 15, "{cases}");
}

#[test]
fn a_fault_that_stays_is_not_the_tools_problem_and_spares_what_was_stored_before() {
    if !strace("a_fault_that_stays_is_not_the_tools_problem_and_spares_what_was_stored_before") {
        return;
    }
    let mut cases = 0;
    for map in [false, true] {
        for (call, errors) in FAULTS {
            for error in errors {
                let named = format!("map {map}: {call} {error} for ever");
                let scene = Scene::new(map);
                scene.speak(&[], &named);
                let slot = first_slot(&scene);
                let only = scene.state.join("journal");
                let mut broken = fault(call, &format!("error={error}:when=1+"), Some(&only));
                broken.splice(7..7, ["-P".to_owned(), slot]);
                scene.speak(&words(&broken), &named);
                scene.speak(&[], &named);
                let (pending, lost) = (scene.pending(), scene.lost());
                assert!(pending >= 400, "{named}: {pending}");
                assert!(pending + lost <= 600, "{named}: {pending} {lost}");
                cases += usize::from(scene.was_hit());
            }
        }
    }
    println!("{cases} faults that stay");
}

#[test]
fn a_limit_on_open_files_is_not_the_tools_problem() {
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
            assert!(pending >= 200 && pending + lost <= 400, "{limit}: {pending} {lost}");
        }
    }
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

/// The name of the slot that a tool leases first: a run in another home with the same label tells it.
fn first_slot(scene: &Scene) -> String {
    let journal = scene.state.join("journal");
    let name = |directory: &std::path::Path| {
        std::fs::read_dir(directory)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .find(|name| name.ends_with(".open1"))
    };
    let slot = name(&journal).unwrap_or_else(|| {
        let other = Scene::new(false);
        other.speak(&[], "another home");
        name(&other.state.join("journal")).unwrap()
    });
    journal.join(slot).to_str().unwrap().to_owned()
}
