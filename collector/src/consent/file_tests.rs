use super::*;
use crate::consent::file;
use crate::event::Timestamp;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

fn room() -> (tempfile::TempDir, Place) {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path().join("deep/greet"));
    (directory, place)
}

fn granted() -> Record {
    Record {
        decision: Decision::Granted,
        time: Timestamp { seconds: 1_785_585_600, nanos: 0 },
        policy: 1,
        destination: "https://here.example".to_owned(),
    }
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_decision_is_private_and_alone_in_a_private_directory() {
    let (_directory, place) = room();
    file::write(&place, &granted()).unwrap();
    file::write(&place, &granted()).unwrap();
    assert_eq!(file::read(&place), Stored::Record(granted()));
    assert_eq!(mode(&place.consent()), 0o600);
    assert_eq!(mode(place.directory()), 0o700);
    let names: Vec<_> =
        fs::read_dir(place.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["consent"], "no temporary file stays");
}

#[test]
fn what_is_missing_is_nothing_and_reading_creates_nothing() {
    let (directory, place) = room();
    assert_eq!(file::read(&place), Stored::Nothing);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    fs::write(directory.path().join("deep"), "a file where a directory should be").unwrap();
    assert_eq!(file::read(&place), Stored::Nothing);
    assert!(file::write(&place, &granted()).is_err());
}

#[test]
fn a_yes_that_somebody_else_may_have_written_is_no_yes() {
    let (directory, place) = room();
    file::write(&place, &granted()).unwrap();
    for shared in [0o620, 0o602, 0o666] {
        fs::set_permissions(place.consent(), fs::Permissions::from_mode(shared)).unwrap();
        assert_eq!(file::read(&place), Stored::Unreadable(Unreadable::Shared), "{shared:o}");
    }
    fs::set_permissions(place.consent(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(file::read(&place), Stored::Record(granted()), "others may read it");

    let elsewhere = directory.path().join("elsewhere");
    fs::rename(place.consent(), &elsewhere).unwrap();
    symlink(&elsewhere, place.consent()).unwrap();
    assert_eq!(file::read(&place), Stored::Unreadable(Unreadable::Symlink));
    fs::remove_file(&elsewhere).unwrap();
    assert_eq!(file::read(&place), Stored::Unreadable(Unreadable::Symlink), "dangling");
    file::write(&place, &granted()).unwrap();
    assert_eq!(file::read(&place), Stored::Record(granted()), "a link is replaced and not followed");
    assert!(!elsewhere.exists());
}

#[test]
fn a_foreign_owners_yes_is_no_yes() {
    if !rustix::process::geteuid().is_root() {
        let required = std::env::var_os("OFFICIAL").is_some_and(|it| it == "required");
        assert!(!required, "a_foreign_owners_yes_is_no_yes needs root");
        println!("skipped: only root can give a file away: a_foreign_owners_yes_is_no_yes");
        return;
    }
    let (_directory, place) = room();
    file::write(&place, &granted()).unwrap();
    std::os::unix::fs::chown(place.consent(), Some(4711), None).unwrap();
    assert_eq!(file::read(&place), Stored::Unreadable(Unreadable::Foreign { owner: 4711 }));
}

#[test]
fn what_is_no_file_is_no_yes_and_is_not_waited_for() {
    let (_directory, place) = room();
    fs::create_dir_all(place.consent()).unwrap();
    assert_eq!(file::read(&place), Stored::Unreadable(Unreadable::NotAFile));
    fs::remove_dir(place.consent()).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.consent(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert_eq!(file::read(&place), Stored::Unreadable(Unreadable::NotAFile), "a FIFO nobody writes to");
}

#[test]
fn damage_is_told_from_a_newer_version_and_neither_is_a_yes() {
    let (_directory, place) = room();
    fs::create_dir_all(place.directory()).unwrap();
    for (bytes, why) in [
        (&b""[..], Unreadable::Damaged),
        (b"granted", Unreadable::Damaged),
        (b"telemetry consent 9 something", Unreadable::NewerVersion(9)),
        (&[0xff; 100], Unreadable::Damaged),
        (&[b' '; LIMIT + 1], Unreadable::Damaged),
    ] {
        fs::write(place.consent(), bytes).unwrap();
        let stored = file::read(&place);
        assert_eq!(stored.decision(), Decision::Undecided);
        assert_eq!(stored, Stored::Unreadable(why));
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_on_disk_is_never_a_yes() {
    use std::os::unix::fs::FileExt;
    let (_directory, place) = room();
    for decision in Decision::ALL {
        let bytes = Record { decision, ..granted() }.encode();
        file::write(&place, &Record { decision, ..granted() }).unwrap();
        // Where it stands: making the file anew each time would take most of the test's time.
        let on_disk = fs::File::options().write(true).open(place.consent()).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                on_disk.write_all_at(&[bytes[at] ^ 1 << bit], at as u64).unwrap();
                let stored = file::read(&place);
                assert!(matches!(stored, Stored::Unreadable(_)), "bit {bit} of byte {at}: {stored:?}");
            }
            on_disk.write_all_at(&bytes[at..=at], at as u64).unwrap();
        }
        assert_eq!(file::read(&place).decision(), decision, "only damage was the matter");
        for length in (0..bytes.len()).rev() {
            on_disk.set_len(length as u64).unwrap();
            assert_eq!(file::read(&place), Stored::Unreadable(Unreadable::Damaged), "{length} bytes");
        }
    }
}

#[test]
fn a_destination_without_bounds_is_refused_and_the_former_decision_stands() {
    let (_directory, place) = room();
    file::write(&place, &granted()).unwrap();
    let endless = Record { destination: "x".repeat(LIMIT), ..granted() };
    assert!(file::write(&place, &endless).is_err());
    assert_eq!(file::read(&place), Stored::Record(granted()));
}
