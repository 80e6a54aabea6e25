//! Compiled code on disk, for the same user and no other.
//!
//! The cache protects against corruption and against other users, not against the user: who can write
//! here can replace the tool. Any doubt means compiling again. Nothing about the cache is ever an error.
//!
//! A file is a magic, the key, a checksum over key and code, and the code. The checksum is a fast one: it is
//! against accidents, and who could forge it could replace the tool. It is written beside its place and
//! renamed into it, so a reader sees a whole file or none. Where the program has rights that the files' owner has not
//! (setuid, setgid, sudo with a kept home) the cache is not used at all.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use xxhash_rust::xxh3::Xxh3;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::placed::Draft;

const MAGIC: &[u8; 8] = b"TLMCODE2";
const HEAD: usize = 8 + 32 + 16;
/// A file this big is not one of ours: code is some ten times its component at the most.
const FILE_BYTES: u64 = 512 << 20;
/// How much is read at once: little enough to stay near the processor.
const PIECE: usize = 64 << 10;
/// A tool has one backend, and its last versions.
const FILES: usize = 8;
const SUFFIX: &str = ".code";

/// The place of one component's code.
pub(crate) struct Cache {
    dir: PathBuf,
    key: [u8; 32],
}

impl Cache {
    /// None where the directory is not the user's own and private.
    pub(crate) fn open(dir: &Path, engine: &Engine, digest: &str) -> Option<Self> {
        create_private(dir)?;
        if !is_private(dir) {
            return None;
        }
        let mut compatibility = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        let mut key = Sha256::new();
        key.update(digest);
        key.update(compatibility.finish().to_le_bytes());
        key.update(env!("CARGO_PKG_VERSION"));
        Some(Self { dir: dir.to_owned(), key: key.finalize().into() })
    }

    fn path(&self) -> PathBuf {
        let name: String = self.key.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(name + SUFFIX)
    }

    /// The code, if all of it is as it was written.
    pub(crate) fn read(&self) -> Option<Vec<u8>> {
        let found = self.find()?;
        let mut code = vec![0; found.length];
        found.read(&mut code)?;
        Some(code)
    }

    /// The same in memory that it can run in. Most of what a load cost was to copy the code into fresh memory, twice,
    /// and a page at a time.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub(crate) fn read_placed(&self) -> Option<Draft> {
        let found = self.find()?;
        let mut draft = Draft::new(found.length)?;
        found.read(draft.bytes()?)?;
        Some(draft)
    }

    fn find(&self) -> Option<Found> {
        let mut file = open_own(&self.path())?;
        let length = file.metadata().ok().filter(|meta| meta.len() <= FILE_BYTES)?.len();
        let mut head = [0; HEAD];
        file.read_exact(&mut head).ok()?;
        let length = usize::try_from(length).ok()?.checked_sub(HEAD)?;
        let (magic, rest) = head.split_at_checked(8)?;
        let (key, checksum) = rest.split_at_checked(32)?;
        if magic != MAGIC || key != self.key {
            return None;
        }
        Some(Found { file, length, key: self.key, checksum: checksum.try_into().ok()? })
    }

    /// Writes the code, if it can, and removes what is too much.
    pub(crate) fn write(&self, code: &[u8]) {
        if self.try_write(code).is_some() {
            self.prune();
        }
    }

    fn try_write(&self, code: &[u8]) -> Option<()> {
        let path = self.path();
        let unique = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.subsec_nanos();
        let beside = path.with_extension(format!("{}-{unique}.new", std::process::id()));
        let written = (|| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&beside)?;
            file.write_all(MAGIC)?;
            file.write_all(&self.key)?;
            file.write_all(&checksum_of(&self.key, code))?;
            file.write_all(code)?;
            fs::rename(&beside, &path)
        })();
        if written.is_err() {
            // A full disk: what was begun is not left behind.
            let _ = fs::remove_file(&beside);
        }
        written.ok()
    }

    /// The newest stay. What a dead writer left is removed with the old ones.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .filter(|entry| is_code(&entry.file_name()) || is_begun(&entry.file_name()))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        let excess = files.len().saturating_sub(FILES);
        for (_, path) in files.into_iter().take(excess).filter(|(_, path)| *path != self.path()) {
            let _ = fs::remove_file(path);
        }
    }
}

/// A file of the cache whose head is right.
struct Found {
    file: File,
    length: usize,
    key: [u8; 32],
    checksum: [u8; 16],
}

impl Found {
    /// Reads the code; the bytes that are handed on are those that are checked. None where something is not as it
    /// was written, which is known at the end only.
    fn read(mut self, code: &mut [u8]) -> Option<()> {
        let mut sum = Xxh3::new();
        sum.update(&self.key);
        for piece in code.chunks_mut(PIECE) {
            self.file.read_exact(piece).ok()?;
            sum.update(piece);
        }
        (sum.digest128().to_le_bytes() == self.checksum).then_some(())
    }
}

fn checksum_of(key: &[u8; 32], code: &[u8]) -> [u8; 16] {
    let mut sum = Xxh3::new();
    sum.update(key);
    sum.update(code);
    sum.digest128().to_le_bytes()
}

fn create_private(dir: &Path) -> Option<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).ok()
}

#[cfg(unix)]
fn is_own(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    !is_elevated() && meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o022 == 0
}

/// Whether the program runs as another user or group than its user, whose files these are, does: code of the user's
/// would run with their rights.
#[cfg(unix)]
fn is_elevated() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() != geteuid() || getgid() != getegid()
}

/// Elsewhere the user's profile is private by the system's own rules.
#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

fn is_private(dir: &Path) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir() && is_own(&meta))
}

fn open_own(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Neither a link nor a pipe is waited for or believed, and what counts is what was opened.
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    let file = options.open(path).ok()?;
    let about = file.metadata().ok()?;
    (about.is_file() && is_own(&about)).then_some(file)
}

/// Removes all compiled code from a cache's directory, and nothing that is not named like it.
///
/// # Errors
/// What the system says where a file cannot be removed. That there is no such directory is none.
pub fn clear_cache(directory: &Path) -> std::io::Result<()> {
    let absent = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return absent(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if is_code(&name) || is_begun(&name) {
            fs::remove_file(entry.path()).or_else(absent)?;
        }
    }
    Ok(())
}

fn is_code(name: &OsStr) -> bool {
    name.to_str().and_then(|name| name.strip_suffix(SUFFIX)).is_some_and(is_key)
}

/// Whether it is named like what a writer has begun: `<key>.<process>-<time>.new`.
fn is_begun(name: &OsStr) -> bool {
    let stem = name.to_str().and_then(|name| name.strip_suffix(".new"));
    stem.and_then(|stem| stem.split_once('.')).is_some_and(|(key, writer)| {
        is_key(key) && writer.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

fn is_key(stem: &str) -> bool {
    stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
}
