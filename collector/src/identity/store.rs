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

use crate::identity::{Signals, digits, keyed_digits, number, put, text};
use crate::platform::private::{self, Unusable};
use crate::platform::stamp::Stamp;
use crate::platform::{file, machine_id, random, user};
use hmac_sha256::Hash;
use std::fs::Metadata;
use std::io;
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
    /// The line with what is remembered.
    kept: Option<[u8; SECOND]>,
}

impl Salt {
    /// Whether it is stored, and so will be the same again.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }
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
    let mut bytes = first_line(&salt).to_vec();
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

/// What tells the stored salt from any other, without reading it: its first line is written once, into a file of its
/// own. The second line is not part of it; whoever remembers an id there, changes no id.
pub(super) fn stamp(directory: &Path, add: &mut dyn FnMut(&[u8])) -> bool {
    let Ok(about) = std::fs::symlink_metadata(path(directory)) else { return false };
    if !about.is_file() || about.len() != (FIRST + SECOND) as u64 {
        return false;
    }
    place(&about).iter().for_each(|number| add(&number.to_le_bytes()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        [about.uid(), about.mode()].iter().for_each(|number| add(&number.to_le_bytes()));
    }
    true
}

/// The state of the system's own id.
pub(super) fn stamp_of_machine_id(add: &mut dyn FnMut(&[u8])) {
    machine_id_stamp().iter().for_each(|number| add(&number.to_le_bytes()));
}

fn machine_id_stamp() -> [u64; 5] {
    match machine_id::path().map(|path| Stamp::of(&path)) {
        Some(Stamp::Present(stamp)) => stamp,
        Some(Stamp::Absent) | None => [0; 5],
    }
}

/// A number made of the stored salt and the place of its file; none where no salt can be stored.
pub(super) fn seed(directory: &Path, tool_id: &str) -> Option<u64> {
    seed_of(open(directory), tool_id)
}

/// The same where a salt is stored already.
pub(super) fn seed_so_far(directory: &Path, tool_id: &str) -> Option<u64> {
    seed_of(read(&path(directory)).ok()?, tool_id)
}

fn seed_of(Salt { salt, place, kept }: Salt, tool_id: &str) -> Option<u64> {
    kept?;
    let mut hash = Hash::new();
    hash.update(b"telemetry salted seed 1");
    put(&mut hash, Some(tool_id.as_bytes()));
    put(&mut hash, Some(&salt));
    place.iter().for_each(|number| hash.update(number.to_le_bytes()));
    Some(number(&hash.finalize()))
}

/// The keyed id, remembered or computed, and whether its salt is stored.
pub(super) fn keyed(directory: &Path, tool_id: &str) -> (String, bool) {
    let Salt { salt, place, kept } = open(directory);
    let fingerprint = fingerprint(tool_id, &salt, place);
    if let Some(line) = &kept
        && let Some(id) = remembered(line, &fingerprint)
    {
        return (text(id), true);
    }
    let id = keyed_digits(&Signals::read(), tool_id, &salt, place);
    if kept.is_some() {
        remember(directory, place, &second_line(&fingerprint, &id));
    }
    (text(id), kept.is_some())
}

/// Overwrites what is remembered. What cannot be is computed again.
fn remember(directory: &Path, place: [u64; 2], line: &[u8; SECOND]) {
    // It was opened to be read: most runs have nothing to remember. It may be another file by now.
    if let Ok((file, about)) = private::open(&path(directory), true)
        && self::place(&about) == place
    {
        let _ = file::write_at(&file, line, FIRST as u64);
    }
}

/// Reads the file. `Err(Some(damaged))` may be made anew, `Err(None)` may not.
fn read(path: &Path) -> Result<Salt, Option<bool>> {
    let (file, about) = match private::open(path, false) {
        Ok(opened) => opened,
        Err(Unusable::Missing) => return Err(Some(false)),
        Err(Unusable::Io(_)) => return Err(None),
        // A salt that somebody else may know or have chosen is none.
        Err(_) => return Err(Some(true)),
    };
    let mut bytes = [0; FIRST + SECOND];
    // Not beyond its end, which would be asked for again.
    let Some(bytes) = usize::try_from(about.len()).ok().and_then(|length| bytes.get_mut(..length)) else {
        return Err(Some(true));
    };
    let read = file::read_at(&file, bytes, 0).map_err(|_| None)?;
    let Some((first, second)) = bytes[..read].split_at_checked(FIRST) else { return Err(Some(true)) };
    let salt = parse_first(first).ok_or(Some(true))?;
    // A line that is not whole remembers nothing.
    Ok(Salt { salt, place: place(&about), kept: Some(second.try_into().unwrap_or_else(|_| blank())) })
}

/// A salt for this process alone.
fn passing() -> Salt {
    static SALT: std::sync::OnceLock<[u8; 16]> = std::sync::OnceLock::new();
    Salt { salt: *SALT.get_or_init(|| fresh().unwrap_or_else(poor)), place: [0; 2], kept: None }
}

fn fresh() -> Option<[u8; 16]> {
    let mut salt = [0; 16];
    random::fill(&mut salt).ok().map(|()| salt)
}

/// Where the system has no randomness: an id that at least is no other process's.
fn poor() -> [u8; 16] {
    let mut salt = [0; 16];
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    let mut hash = Hash::new();
    hash.update(now.to_le_bytes());
    hash.update(std::process::id().to_le_bytes());
    salt.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    salt
}

fn first_line(salt: &[u8; 16]) -> [u8; FIRST] {
    let salt: [u8; 32] = digits(salt);
    let sum: [u8; 16] = digits(&Hash::hash(&salt));
    line([HEAD.as_bytes(), &salt, b" ", &sum])
}

fn parse_first(line: &[u8]) -> Option<[u8; 16]> {
    let text = line.strip_prefix(HEAD.as_bytes())?.get(..32)?;
    let mut salt = [0; 16];
    for (to, pair) in salt.iter_mut().zip(text.chunks_exact(2)) {
        *to = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (line == first_line(&salt)).then_some(salt)
}

/// Parts one behind the other, with a line's end behind them.
fn line<const LENGTH: usize, const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; LENGTH] {
    let mut line = [b'\n'; LENGTH];
    line.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
    line
}

/// A second line that remembers nothing.
fn blank() -> [u8; SECOND] {
    let mut line = [b'-'; SECOND];
    line[SECOND - 1] = b'\n';
    line
}

fn second_line(fingerprint: &[u8; 16], id: &[u8; 16]) -> [u8; SECOND] {
    let said: [u8; 34] = line([fingerprint, b" ", id]);
    let sum: [u8; 16] = digits(&Hash::hash(&said[..33]));
    line([&said[..33], b" ", &sum])
}

fn remembered(line: &[u8; SECOND], fingerprint: &[u8; 16]) -> Option<[u8; 16]> {
    let id = line.strip_prefix(fingerprint)?.strip_prefix(b" ")?.first_chunk::<16>()?;
    (*line == second_line(fingerprint, id)).then_some(*id)
}

fn fingerprint(tool_id: &str, salt: &[u8; 16], place: [u64; 2]) -> [u8; 16] {
    let mut hash = Hash::new();
    put(&mut hash, Some(tool_id.as_bytes()));
    put(&mut hash, Some(salt));
    put(&mut hash, user::hostname().as_deref().map(str::as_bytes));
    hash.update(user::number().to_le_bytes());
    for number in place.iter().chain(&machine_id_stamp()) {
        hash.update(number.to_le_bytes());
    }
    digits(&hash.finalize())
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
