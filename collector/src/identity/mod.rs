//! The machine id: who events belong to, without saying who that is.
//!
//! What this promises, and why:
//!
//! - **Two tools' ids share nothing.** A keyed id ([`keyed`]) is a hash over the tool's id and a random
//!   salt of its own, besides the machine's signals. Nobody can enumerate it from outside.
//! - **It ends with the yes.** The salt is made with the yes, or when the first id is needed where the
//!   author or the environment decided, and is deleted with the no; `reset` makes a new one.
//! - **It does not follow a copied home.** The place of the salt's file on its disk (its inode and
//!   its birth) is part of what is hashed, so a copy has another id without anybody noticing that it
//!   is one. So has a backup that was restored, which is the price.
//! - **It is cheap.** The signals cost a tenth of a millisecond to gather, so the id is remembered
//!   beside the salt, for as long as the salt's file, the host's name, the user and the machine id's
//!   file stay the same. A run that finds its journal's slot does not even read that: the slot is named
//!   by the same things.
//!
//! The word for such an id is *pseudonymous*. It is never anonymous.

mod ids;
mod signals;
mod store;

use crate::platform;
use hmac_sha256::Hash;
use std::io;
use std::path::Path;

pub use ids::{MOST as MOST_IDS, erased, remember, sent_under};
pub use signals::Signals;

/// What the machine id is made of. The author's choice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Identity {
    /// The machine's signals, hashed with the tool's id and a random salt.
    #[default]
    Keyed,
    /// The machine's signals, hashed exactly as the Go ancestor does: the same for every tool on the
    /// machine. For fleets that migrate.
    Unkeyed,
    /// A stored random id. It follows a copied home.
    Random,
    /// None.
    None,
}

/// The machine id of a tool, 16 hexadecimal digits, as of now; `None` for [`Identity::None`].
///
/// `directory` is the tool's own, where the salt is kept. Only to be called after a yes: it makes the
/// salt where there is none. Where that cannot be stored the id is made from a passing salt, so that
/// it differs from run to run: nothing lasting is ever derived without a key.
///
/// ```
/// use telemetry::identity::{self, Identity};
/// let directory = tempfile::tempdir()?;
/// let id = identity::current(directory.path(), Identity::Keyed, "com.example.greet").unwrap();
/// assert_eq!(id.len(), 16);
/// assert_eq!(identity::current(directory.path(), Identity::Keyed, "com.example.greet"), Some(id));
/// # std::io::Result::Ok(())
/// ```
#[must_use]
pub fn current(directory: &Path, kind: Identity, tool_id: &str) -> Option<String> {
    current_and_kept(directory, kind, tool_id).0
}

/// The same, and whether it is made of a salt that is stored, or of none.
pub(crate) fn current_and_kept(directory: &Path, kind: Identity, tool_id: &str) -> (Option<String>, bool) {
    match kind {
        Identity::None => (None, true),
        // Not remembered: it follows every signal at once, as the ancestor's does.
        Identity::Unkeyed => (Some(unkeyed(&Signals::read())), true),
        Identity::Random => {
            let salt = store::open(directory);
            (Some(random(&salt.salt)), salt.is_kept())
        }
        Identity::Keyed => {
            let (id, kept) = store::keyed(directory, tool_id);
            (Some(id), kept)
        }
    }
}

/// What the id is made of, as far as it is cheap to look at: as long as it is the same, so is the id. False where that
/// cannot be said, because no salt is stored or because the id follows what is not cheap to look at.
pub(crate) fn made_of(directory: &Path, kind: Identity, add: &mut dyn FnMut(&[u8])) -> bool {
    match kind {
        Identity::None => true,
        Identity::Unkeyed => false,
        Identity::Random => store::stamp(directory, add),
        Identity::Keyed => {
            add(&platform::user::number().to_le_bytes());
            store::stamp_of_machine_id(add);
            store::stamp(directory, add)
        }
    }
}

/// A number that is this machine's for this tool: the same for all its runs, and unlike another machine's. It
/// decides what is sampled and spreads a fleet, and never leaves the machine.
///
/// It comes from the stored salt where there is one and the author's choice has one, so that machines that were
/// copied from one another differ; else from what is cheap to know of the machine. Only to be called after
/// a yes, as [`current`].
pub(crate) fn seed(directory: &Path, kind: Identity, tool_id: &str) -> u64 {
    salted(kind, tool_id, || store::seed(directory, tool_id))
}

/// The same at any time: a salt that is not there is not made.
pub(crate) fn seed_so_far(directory: &Path, kind: Identity, tool_id: &str) -> u64 {
    salted(kind, tool_id, || store::seed_so_far(directory, tool_id))
}

fn salted(kind: Identity, tool_id: &str, seed: impl FnOnce() -> Option<u64>) -> u64 {
    let seed = match kind {
        Identity::Keyed | Identity::Random => seed(),
        Identity::Unkeyed | Identity::None => None,
    };
    seed.unwrap_or_else(|| local_seed(tool_id))
}

/// The same without a salt, at any time: it makes nothing. Another hash than that of any id, so that nothing
/// can be told from one about the other.
pub(crate) fn local_seed(tool_id: &str) -> u64 {
    let mut hash = Hash::new();
    hash.update(b"telemetry local seed 1");
    put(&mut hash, Some(tool_id.as_bytes()));
    for signal in [platform::machine_id::read(), platform::user::hostname()] {
        put(&mut hash, signal.as_deref().map(str::as_bytes));
    }
    hash.update(platform::user::number().to_le_bytes());
    number(&hash.finalize())
}

/// The first eight bytes as a number.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// Deletes the salt and what is remembered, so that the next id is another one.
///
/// # Errors
/// What the system refused.
pub fn forget(directory: &Path) -> io::Result<()> {
    store::forget(directory)
}

/// The Go ancestor's id: the signals joined by colons, hashed, the first eight bytes in hexadecimal.
/// A signal that is missing leaves its place empty, except for the user's name, which is left out
/// with its colon.
///
/// ```
/// use telemetry::identity::{Signals, unkeyed};
/// let signals = Signals { hostname: Some("build-7".to_owned()), ..Signals::default() };
/// assert_eq!(unkeyed(&signals), "f7fc0ed63f5e67ba"); // of "::build-7"
/// ```
#[must_use]
pub fn unkeyed(signals: &Signals) -> String {
    let text = |signal: &Option<String>| signal.clone().unwrap_or_default();
    let mut parts = vec![text(&signals.os_machine_id), text(&signals.mac), text(&signals.hostname)];
    parts.extend(signals.user.clone());
    hex8(&Hash::hash(parts.join(":").as_bytes()))
}

/// An id that only this tool, on this machine, with this salt has. `place` is where the salt's file
/// lies on its disk.
///
/// Every part is hashed with its length, so that no two different sets of parts read the same.
#[must_use]
pub fn keyed(signals: &Signals, tool_id: &str, salt: &[u8; 16], place: [u64; 2]) -> String {
    text(keyed_digits(signals, tool_id, salt, place))
}

fn keyed_digits(signals: &Signals, tool_id: &str, salt: &[u8; 16], place: [u64; 2]) -> [u8; 16] {
    let mut hash = Hash::new();
    hash.update(b"telemetry keyed machine id 1");
    let [inode, birth] = place.map(u64::to_le_bytes);
    let signals = [&signals.os_machine_id, &signals.mac, &signals.hostname, &signals.user];
    for part in [tool_id.as_bytes(), salt, &inode, &birth] {
        put(&mut hash, Some(part));
    }
    for signal in signals {
        put(&mut hash, signal.as_deref().map(str::as_bytes));
    }
    digits(&hash.finalize())
}

/// A random id: a hash of the salt, so that the id gives nothing else away.
#[must_use]
pub fn random(salt: &[u8; 16]) -> String {
    hex8(&hash_of(&[b"telemetry random machine id 1", salt]))
}

/// The hash of parts that follow one another.
fn hash_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Hash::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize()
}

/// A part with its length, or that it is missing.
fn put(hash: &mut Hash, part: Option<&[u8]>) {
    let length = part.map_or(u64::MAX, |part| part.len() as u64);
    hash.update(length.to_le_bytes());
    hash.update(part.unwrap_or_default());
}

/// The first eight bytes in lower-case hexadecimal.
pub(crate) fn hex8(hash: &[u8; 32]) -> String {
    text(digits(hash))
}

/// Digits as text.
fn text(digits: [u8; 16]) -> String {
    String::from_utf8(digits.to_vec()).unwrap_or_default()
}

/// Bytes in lower-case hexadecimal, as many digits as are asked for.
fn digits<const COUNT: usize>(bytes: &[u8]) -> [u8; COUNT] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [b'0'; COUNT];
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_the_same_in_every_run_with_an_identity_or_without() {
        let home = tempfile::tempdir().unwrap();
        let seed = |kind| seed(home.path(), kind, "com.example.greet");
        for kind in [Identity::None, Identity::Unkeyed] {
            assert_eq!(seed(kind), local_seed("com.example.greet"), "{kind:?}");
            assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "{kind:?} makes nothing");
        }
        let so_far = |kind| seed_so_far(home.path(), kind, "com.example.greet");
        assert_eq!(so_far(Identity::Keyed), local_seed("com.example.greet"));
        assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "it makes nothing either");
        assert_eq!(seed(Identity::Keyed), seed(Identity::Random));
        assert_eq!(so_far(Identity::Keyed), seed(Identity::Keyed));
        assert_ne!(seed(Identity::Keyed), local_seed("com.example.greet"), "the salt's");
        assert_ne!(local_seed("com.example.greet"), local_seed("com.example.other"));
    }

    #[test]
    fn a_seed_is_the_same_in_every_run_where_no_salt_can_be_stored() {
        let home = tempfile::tempdir().unwrap();
        let in_the_way = home.path().join("file");
        std::fs::write(&in_the_way, "no directory").unwrap();
        // The id is another one in each run there; the seed is not.
        assert_eq!(seed(&in_the_way, Identity::Keyed, "com.example.greet"), local_seed("com.example.greet"));
    }

    #[test]
    fn a_seed_says_nothing_of_the_id() {
        let home = tempfile::tempdir().unwrap();
        let id = current(home.path(), Identity::Keyed, "com.example.greet").unwrap();
        let seed = seed(home.path(), Identity::Keyed, "com.example.greet");
        assert_ne!(format!("{seed:016x}"), id);
    }
}
