//! Compiled code on disk: what is used again, and what is not believed.

use super::*;

/// A cache directory inside a fresh one.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("code")
    }

    fn load(&self, bytes: &[u8]) -> Component {
        let mut options = LoadOptions::default();
        options.cache = Some(self.dir());
        Component::load(Source::Bytes(bytes), &options).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = match std::fs::read_dir(self.dir()) {
            Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        };
        files.sort();
        files
    }

    fn only(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

/// Another component for each number.
fn numbered(number: usize) -> Vec<u8> {
    Guest::with(|guest| guest.items = format!("(global i32 (i32.const {number}))"))
}

#[test]
fn an_embedded_component_is_known_by_the_digest_that_came_with_it() {
    let place = Place::new();
    let wasm: &'static [u8] = numbered(0).leak();
    let sha256: &'static str = place.load(wasm).sha256().to_owned().leak();
    let file = place.only();
    let mut options = LoadOptions::default();
    options.cache = Some(place.dir());
    options.pin = Some(sha256.to_owned());
    delivers(&Component::load(Source::Embedded { wasm, sha256 }, &options).unwrap());
    assert_eq!(place.only(), file, "the code that was kept is the same component's");

    let other: &'static [u8] = numbered(1).leak();
    let refused = Component::load(Source::Embedded { wasm: other, sha256 }, &LoadOptions::default());
    assert!(matches!(refused, Err(LoadError::Pin { .. })), "where this is not a release build");
    assert_eq!(place.only(), file);
}

#[test]
fn code_is_written_once_and_used_again() {
    let place = Place::new();
    let bytes = numbered(0);
    delivers(&place.load(&bytes));
    let file = place.only();
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    delivers(&place.load(&bytes));
    assert_eq!(place.only(), file);
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), written, "not written again");
}

#[test]
fn whatever_is_wrong_with_a_file_it_is_compiled_again() {
    let place = Place::new();
    let bytes = numbered(0);
    place.load(&bytes);
    let file = place.only();
    let honest = std::fs::read(&file).unwrap();
    let other = Place::new();
    other.load(&numbered(1));
    let foreign = std::fs::read(other.only()).unwrap();
    let mut damages: Vec<Vec<u8>> = vec![Vec::new(), b"TLMCODE2".to_vec(), vec![0; honest.len()], foreign];
    damages.push([honest.as_slice(), b"more"].concat());
    for at in (0..honest.len()).step_by(honest.len() / 20) {
        let mut flipped = honest.clone();
        flipped[at] ^= 1;
        damages.push(flipped);
        damages.push(honest[..at].to_vec());
    }
    for damaged in damages {
        std::fs::write(&file, &damaged).unwrap();
        delivers(&place.load(&bytes));
        assert_eq!(std::fs::read(&file).unwrap(), honest, "and written again");
    }
}

#[test]
fn the_cache_keeps_the_newest_few() {
    let place = Place::new();
    let all: Vec<Vec<u8>> = (0..12).map(numbered).collect();
    place.load(&all[0]);
    // What a writer left that was killed is ours.
    let begun = place.files()[0].with_extension("7-7.new");
    std::fs::write(&begun, b"begun").unwrap();
    // What is not named like either is somebody's, and here first.
    let theirs = ["notes.code", "backup.new", "0123456789abcdef.code"].map(|name| place.dir().join(name));
    theirs.iter().for_each(|path| std::fs::write(path, b"theirs").unwrap());
    for bytes in &all[1..] {
        place.load(bytes);
    }
    assert!(theirs.iter().all(|path| path.exists()) && !begun.exists());
    assert_eq!(place.files().len(), 8 + theirs.len());
}

#[cfg(unix)]
#[test]
fn a_directory_or_file_that_others_can_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let place = Place::new();
    let bytes = numbered(0);
    place.load(&bytes);
    assert_eq!(std::fs::metadata(place.dir()).unwrap().permissions().mode() & 0o777, 0o700);
    let file = place.only();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&file).unwrap();
    mode(&place.dir(), 0o777);
    delivers(&place.load(&bytes));
    assert!(place.files().is_empty(), "nothing is written where others can write");
    mode(&place.dir(), 0o700);
    place.load(&bytes);
    mode(&file, 0o666);
    delivers(&place.load(&bytes));
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600,
        "replaced by one of our own"
    );
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let place = Place::new();
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), place.dir()).unwrap();
    delivers(&place.load(&numbered(0)));
    assert!(elsewhere.path().read_dir().unwrap().next().is_none());
    let place = Place::new();
    place.load(&numbered(0));
    let file = place.only();
    let moved = elsewhere.path().join("code");
    std::fs::rename(&file, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &file).unwrap();
    delivers(&place.load(&numbered(0)));
    assert!(std::fs::symlink_metadata(&file).unwrap().is_file(), "replaced by a file");
}

/// A user who is neither the administrator nor anybody here.
#[cfg(unix)]
const NOBODY: u32 = 65_534;

/// Whether this runs as the administrator, who alone can give files away.
#[cfg(unix)]
fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    assert!(root || std::env::var_os("OFFICIAL").is_none_or(|it| it != "required"), "{test} needs root");
    if !root {
        eprintln!("skipped: {test} needs root");
    }
    root
}

#[cfg(unix)]
#[test]
fn a_directory_or_file_of_another_user_is_not_used() {
    use std::os::unix::fs::{MetadataExt, chown};
    if !is_root("a_directory_or_file_of_another_user_is_not_used") {
        return;
    }
    let place = Place::new();
    let bytes = numbered(0);
    place.load(&bytes);
    let file = place.only();
    let honest = std::fs::read(&file).unwrap();
    chown(&file, Some(NOBODY), None).unwrap();
    delivers(&place.load(&bytes));
    assert_eq!(std::fs::metadata(&file).unwrap().uid(), 0, "replaced by one of our own");
    assert_eq!(std::fs::read(&file).unwrap(), honest);
    std::fs::remove_file(&file).unwrap();
    chown(place.dir(), Some(NOBODY), None).unwrap();
    delivers(&place.load(&bytes));
    assert!(place.files().is_empty(), "nothing is written where it would be another's");
}

#[cfg(unix)]
#[test]
fn a_program_that_runs_with_another_users_or_groups_rights_has_no_cache() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const NAME: &str = "cache::a_program_that_runs_with_another_users_or_groups_rights_has_no_cache";
    const DIR: &str = "TELEMETRY_TEST_CACHE";
    if let Some(dir) = std::env::var_os(DIR) {
        // The child: loads, whatever becomes of the cache.
        let mut options = LoadOptions::default();
        options.cache = Some(dir.into());
        delivers(&Component::load(Source::Bytes(&numbered(0)), &options).unwrap());
        return;
    }
    if !is_root(NAME) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(place.path(), 0o755);
    let program = place.path().join("tool");
    // By a process of its own: one that another test starts meanwhile would have the file open for writing, and it
    // could not be run.
    let copied =
        std::process::Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status();
    assert!(copied.unwrap().success());
    chown(&program, Some(NOBODY), Some(NOBODY)).unwrap();
    let cached = |mode: u32| {
        let home = place.path().join(format!("{mode:o}"));
        std::fs::create_dir(&home).unwrap();
        chown(&home, Some(NOBODY), None).unwrap();
        set(&program, mode);
        let dir = home.join("code");
        let mut child = std::process::Command::new(&program);
        child.args([NAME, "--exact"]).env(DIR, &dir).current_dir("/");
        if mode & 0o4000 == 0 {
            child.uid(NOBODY);
        }
        let ran = child.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        dir.read_dir().is_ok_and(|mut files| files.next().is_some())
    };
    assert!(cached(0o755), "whoever is one user has one");
    assert!(!cached(0o4755), "another user's rights are no place to take code from");
    assert!(!cached(0o2755), "nor are another group's");
}

#[test]
fn a_cache_that_cannot_be_written_is_no_error() {
    let place = Place::new();
    std::fs::write(place.dir(), b"a file is in the way").unwrap();
    delivers(&place.load(&numbered(0)));
    let mut options = LoadOptions::default();
    options.cache = Some("/proc/none/such".into());
    delivers(&Component::load(Source::Bytes(&numbered(0)), &options).unwrap());
}

#[test]
fn a_cached_component_is_checked_like_any_other() {
    let place = Place::new();
    let bad = wat::parse_str(r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#).unwrap();
    let mut options = LoadOptions::default();
    options.cache = Some(place.dir());
    for _ in 0..2 {
        assert!(matches!(Component::load(Source::Bytes(&bad), &options), Err(LoadError::Refused(_))));
    }
    let mut pinned = options.clone();
    pinned.pin = Some("0".repeat(64));
    assert!(matches!(Component::load(Source::Bytes(&bad), &pinned), Err(LoadError::Pin { .. })));
}
