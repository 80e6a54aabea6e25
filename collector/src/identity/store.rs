//! The salt and the remembered id, in the file `identity`.
//!
//! Two lines of fixed length: the salt, and the id as it was last computed, each with a checksum.
//!
//! - The first line is written once, when the file is made, and never again: the file's inode and
//!   birth are part of what is hashed, so the file must stay the one that it is. A file whose first
//!   line is damaged is replaced, with a new salt.
//! - The second line is overwritten in place when it no longer counts. Two processes that do so at
//!   once write the same; a torn line has a wrong checksum and is computed anew.
//!
//! # When the remembered id counts
//! It carries a fingerprint of everything that is cheap to look at: the file's inode and birth (a
//! copied home), the host's name, the user's number, the machine id file's inode, size and time of
//! change, and the tool. That is a `uname`, a `getuid` and a `stat`. The one signal that is not looked
//! at is the hardware address, which costs a socket: a network card that is swapped changes the id
//! when another signal changes, which makes the id steadier on machines whose interfaces come and go.

use crate::identity::{Signals, hex, hex8, keyed as keyed_id, number, put};
use crate::platform::private::{self, Unusable};
use crate::platform::stamp::Stamp;
use crate::platform::{machine_id, user};
use hmac_sha256::Hash;
use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const HEAD: &str = "telemetry identity 1 ";
/// The header, 32 digits of salt, 16 of checksum, a space and a line's end.
const FIRST: usize = HEAD.len() + 32 + 1 + 16 + 1;
/// Three times 16 digits: fingerprint, id, checksum.
const SECOND: usize = 16 + 1 + 16 + 1 + 16 + 1;

/// A salt and where it is kept.
pub(super) struct Salt {
    pub(super) salt: [u8; 16],
    /// The inode and the birth of its file; zeros where it is not kept.
    place: [u64; 2],
    /// The file, and the line with what is remembered.
    kept: Option<(File, Vec<u8>)>,
}

fn path(directory: &Path) -> PathBuf {
    directory.join("identity")
}

pub(super) fn forget(directory: &Path) -> io::Result<()> {
    let path = path(directory);
    match private::remove(&path) {
        Ok(_) => Ok(()),
        // A directory that became read-only: the salt can still be wiped where it stands.
        Err(error) => private::overwrite(&path, b"").map_err(|_| error),
    }
}

/// The salt: the stored one, or a new one, which is stored where that is possible.
pub(super) fn open(directory: &Path) -> Salt {
    let path = path(directory);
    match read(&path) {
        Ok(salt) => return salt,
        Err(Some(_)) => {}
        Err(None) => {
            // Somebody else's, or nothing that we may replace.
            return passing();
        }
    }
    let Some(salt) = fresh() else { return passing() };
    let mut bytes = first_line(&salt).into_bytes();
    bytes.extend_from_slice(&blank());
    let stored = private::make_directory(directory).and_then(|()| match read(&path) {
        // There is a damaged one in the way.
        Err(Some(true)) => private::replace(&path, &bytes),
        _ => private::create(&path, &bytes).map(|_| ()),
    });
    match stored {
        // Another process may have been faster: what is stored counts.
        Ok(()) => read(&path).unwrap_or_else(|_| passing()),
        Err(_) => passing(),
    }
}

/// A number made of the stored salt and the place of its file; none where no salt is stored.
pub(super) fn seed(directory: &Path, tool_id: &str) -> Option<u64> {
    let Salt { salt, place, kept } = open(directory);
    kept?;
    let mut hash = Hash::new();
    hash.update(b"telemetry salted seed 1");
    put(&mut hash, Some(tool_id.as_bytes()));
    put(&mut hash, Some(&salt));
    place.iter().for_each(|number| hash.update(number.to_le_bytes()));
    Some(number(&hash.finalize()))
}

/// The keyed id, remembered or computed.
pub(super) fn keyed(directory: &Path, tool_id: &str) -> String {
    let Salt { salt, place, kept } = open(directory);
    let fingerprint = fingerprint(tool_id, &salt, place);
    if let Some((_, line)) = &kept
        && let Some(id) = remembered(line, &fingerprint)
    {
        return id;
    }
    let id = keyed_id(&Signals::read(), tool_id, &salt, place);
    if let Some((mut file, _)) = kept {
        let line = second_line(&fingerprint, &id);
        // What cannot be remembered is computed again.
        let _ = crate::platform::file::fits((FIRST + line.len()) as u64)
            .and_then(|()| file.seek(SeekFrom::Start(FIRST as u64)))
            .and_then(|_| file.write_all(line.as_bytes()));
    }
    id
}

/// Reads the file. `Err(Some(damaged))` may be made anew, `Err(None)` may not.
fn read(path: &Path) -> Result<Salt, Option<bool>> {
    // Without the right to write, an id can still be read: it is then not remembered.
    let opened = match private::open(path, true) {
        Err(Unusable::Io(_)) => private::open(path, false),
        other => other,
    };
    let (file, about) = match opened {
        Ok(opened) => opened,
        Err(Unusable::Missing) => return Err(Some(false)),
        Err(Unusable::Io(_)) => return Err(None),
        // A salt that somebody else may know or have chosen is none.
        Err(_) => return Err(Some(true)),
    };
    let bytes = match private::read_open(&file, &about, FIRST + SECOND) {
        Ok(bytes) => bytes,
        Err(Unusable::TooLong) => return Err(Some(true)),
        Err(_) => return Err(None),
    };
    let Some((first, second)) = bytes.split_at_checked(FIRST) else { return Err(Some(true)) };
    let salt = parse_first(first).ok_or(Some(true))?;
    Ok(Salt { salt, place: place(&about), kept: Some((file, second.to_vec())) })
}

/// A salt for this process alone.
fn passing() -> Salt {
    static SALT: std::sync::OnceLock<[u8; 16]> = std::sync::OnceLock::new();
    Salt { salt: *SALT.get_or_init(|| fresh().unwrap_or_else(poor)), place: [0; 2], kept: None }
}

fn fresh() -> Option<[u8; 16]> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).ok().map(|()| salt)
}

/// Where the system has no randomness: an id that at least is no other process's.
fn poor() -> [u8; 16] {
    let mut salt = [0; 16];
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    let hash = super::hash_of(&[&now.to_le_bytes(), &std::process::id().to_le_bytes()]);
    salt.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    salt
}

fn first_line(salt: &[u8; 16]) -> String {
    let digits = hex(salt);
    let sum = hex8(&Hash::hash(digits.as_bytes()));
    format!("{HEAD}{digits} {sum}\n")
}

fn parse_first(line: &[u8]) -> Option<[u8; 16]> {
    let digits = line.strip_prefix(HEAD.as_bytes())?.get(..32)?;
    let mut salt = [0; 16];
    for (to, pair) in salt.iter_mut().zip(digits.chunks_exact(2)) {
        *to = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (line == first_line(&salt).as_bytes()).then_some(salt)
}

/// A second line that remembers nothing.
fn blank() -> [u8; SECOND] {
    let mut line = [b'-'; SECOND];
    line[SECOND - 1] = b'\n';
    line
}

fn second_line(fingerprint: &str, id: &str) -> String {
    let sum = hex8(&Hash::hash(format!("{fingerprint} {id}").as_bytes()));
    format!("{fingerprint} {id} {sum}\n")
}

fn remembered(line: &[u8], fingerprint: &str) -> Option<String> {
    let id = std::str::from_utf8(line).ok()?.strip_prefix(fingerprint)?.strip_prefix(' ')?.get(..16)?;
    (line == second_line(fingerprint, id).as_bytes()).then(|| id.to_owned())
}

fn fingerprint(tool_id: &str, salt: &[u8; 16], place: [u64; 2]) -> String {
    let mut hash = Hash::new();
    put(&mut hash, Some(tool_id.as_bytes()));
    put(&mut hash, Some(salt));
    put(&mut hash, user::hostname().as_deref().map(str::as_bytes));
    hash.update(user::number().to_le_bytes());
    let machine = match machine_id::path().map(|path| Stamp::of(&path)) {
        Some(Stamp::Present(stamp)) => stamp,
        Some(Stamp::Absent) | None => [0; 5],
    };
    for number in place.iter().chain(&machine) {
        hash.update(number.to_le_bytes());
    }
    hex8(&hash.finalize())
}

/// Where a file lies: its inode, and when it was born. Not the device, whose number may be another
/// one after each start of the system.
fn place(about: &Metadata) -> [u64; 2] {
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(about);
    #[cfg(not(unix))]
    let inode = 0;
    let birth = about
        .created()
        .ok()
        .and_then(|born| born.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|born| u64::try_from(born.as_nanos()).ok());
    [inode, birth.unwrap_or(0)]
}
