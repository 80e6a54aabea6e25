//! What the system refuses is not the tool's problem.

use crate::scene::*;
use crate::words::*;
use telemetry::journal::*;

#[test]
fn a_limit_on_file_sizes_never_kills() {
    for limit in [0, 100, 4096, 20_000, 70_000, 200_000] {
        for map in [0, 1] {
            let temp = tempfile::tempdir().unwrap();
            let output = command(temp.path(), &format!("limited {limit} {map}"), &[]).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{limit} {map}: {:?} {text}", output.status);
            let told = told_in(&text);
            assert_eq!(told.len() > 10, limit >= 4096, "{limit} {map}: {}", told.len());
            assert_none_lost(&told, &deliver(temp.path()), &format!("limit {limit}, map {map}"));
        }
    }
}

#[test]
fn a_failing_system_call_is_never_the_tools_problem() {
    if !strace("a_failing_system_call_is_never_the_tools_problem") {
        return;
    }
    let mut cases = 0;
    for (call, errors) in [
        ("pwrite64", &["ENOSPC", "EIO", "EDQUOT", "EINTR"][..]),
        ("pwritev", &["ENOSPC", "EIO", "EDQUOT", "EINTR"]),
        ("flock", &["ENOLCK", "EINTR", "EIO"]),
        ("ftruncate", &["EIO", "ENOSPC"]),
        ("renameat", &["EROFS", "ENOSPC", "EIO"]),
        ("fallocate", &["ENOSPC", "EOPNOTSUPP", "EDQUOT"]),
        ("pread64", &["EIO", "EINTR"]),
        ("getdents64", &["EIO"]),
        ("madvise", &["EINVAL", "ENOMEM"]),
        ("mkdir", &["EROFS", "ENOSPC", "EACCES", "EDQUOT"]),
    ] {
        for error in errors {
            for when in ["1", "2", "1+", "5+"] {
                let temp = tempfile::tempdir().unwrap();
                let fault = format!("error={error}:when={when}");
                let (status, log) = injected(temp.path(), "record 0 160 2", call, &fault);
                // The loader reads its libraries with the same calls; that is nobody's business here.
                if status.code() == Some(127) {
                    continue;
                }
                assert!(status.success(), "{call} {fault}: {status:?}");
                assert_none_lost(
                    &told(temp.path(), "told"),
                    &deliver(temp.path()),
                    &format!("{call} {fault}"),
                );
                cases += usize::from(log.contains("INJECTED"));
            }
        }
    }
    println!("{cases} failing system calls");
    assert!(cases >= 60, "{cases}");
}

#[test]
fn too_few_file_descriptors_are_not_the_tools_problem() {
    if !strace("too_few_file_descriptors_are_not_the_tools_problem") {
        return;
    }
    // The loader opens files too, and strace counts each thread's calls by themselves: only what is opened in
    // the journal's directory is counted, and failed.
    for error in ["EMFILE", "ENFILE", "EACCES", "EROFS", "EINTR"] {
        for when in 1..7 {
            let temp = tempfile::tempdir().unwrap();
            let journal = temp.path().join("journal");
            std::fs::create_dir(&journal).unwrap();
            let fault = format!("error={error}:when={when}+");
            let only = ["-P", journal.to_str().unwrap()];
            let (status, log) = injected_at(temp.path(), "record 0 160 2", "openat", &fault, &only);
            assert!(status.success(), "{fault}: {status:?}");
            assert!(log.contains("INJECTED"), "{fault}: it did not come to pass\n{log}");
            assert_none_lost(&told(temp.path(), "told"), &deliver(temp.path()), &fault);
        }
    }
}

#[test]
fn what_is_no_file_of_ours_is_not_touched() {
    use std::os::unix::fs::symlink;
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    let victim = temp.path().join("victim");
    std::fs::write(&victim, b"precious").unwrap();
    Journal::new(directory.clone(), label(), settings(0)).append(RecordKind::Event, &id(0), b"").unwrap();
    let slot = std::fs::read_dir(&directory).unwrap().next().unwrap().unwrap().file_name();
    for (at, name) in
        [slot.to_str().unwrap(), "drain.state", "drain.state.new", "drain.lock"].iter().enumerate()
    {
        let path = directory.join(name);
        let _ = std::fs::remove_file(&path);
        symlink(&victim, &path).unwrap();
        let journal = Journal::new(directory.clone(), label(), settings(0));
        journal.append(RecordKind::Event, &id(at as u64), b"").unwrap();
        drop(journal);
        if let Ok(Some(mut drain)) = Drain::try_open(&directory, settings(0)) {
            let _ = drain.adopt();
            drain.count_loss(LossCause::Attempts, 1);
        }
        let _ = survey(&directory);
        let _ = std::fs::remove_file(&path);
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious", "through {name}");
    }
    let link = temp.path().join("link");
    symlink(&directory, &link).unwrap();
    let journal = Journal::new(link, label(), settings(0));
    assert!(matches!(journal.append(RecordKind::Event, &id(9), b""), Err(AppendError::Held(_))));
}
