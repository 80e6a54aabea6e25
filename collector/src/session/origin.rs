//! Who the events happened to, as of now.

use super::Session;
use crate::backend::Origin;
use crate::identity::{self, Identity};
use crate::sum::hash;
use crate::tool::IdentityKind;

/// What the machine id is made of, by the author's word.
pub(super) fn identity(session: &Session) -> Identity {
    match session.config.identity.kind {
        IdentityKind::Keyed => Identity::Keyed,
        IdentityKind::Unkeyed => Identity::Unkeyed,
        IdentityKind::Random => Identity::Random,
        IdentityKind::None => Identity::None,
    }
}

/// The machine id as the author wants it made. Only after a yes: it may make a salt.
pub(super) fn machine_id(session: &Session) -> Option<String> {
    identity::current(session.place.directory(), identity(session), &session.config.tool.id)
}

/// The origin of what this process records.
pub(crate) fn origin(session: &Session, machine_id: Option<String>) -> Origin {
    Origin {
        machine_id,
        tool: session.config.name().to_owned(),
        tool_version: session.tool.version().to_owned(),
        os: std::env::consts::OS.to_owned(),
        os_version: os_version(),
        arch: std::env::consts::ARCH.to_owned(),
        runtime: concat!("rust ", env!("TELEMETRY_RUSTC_VERSION")).to_owned(),
        ci: crate::platform::ci::current().map(str::to_owned),
        container: crate::platform::container::container().is_some(),
    }
}

/// A number that stands for what the origin is made of: as long as it is the same, so is the origin. It costs three looks
/// at files and the system's name; the origin costs several times that. None where the origin has to be found out
/// for that, or where no salt is stored.
pub(super) fn key(session: &Session) -> Option<u64> {
    let mut made_of = Vec::with_capacity(512);
    let mut add = |part: &[u8]| {
        made_of.extend_from_slice(&(part.len() as u64).to_le_bytes());
        made_of.extend_from_slice(part);
    };
    for part in [
        env!("CARGO_PKG_VERSION"),
        env!("TELEMETRY_RUSTC_VERSION"),
        std::env::consts::ARCH,
        session.config.name(),
        &session.config.tool.id,
        session.tool.version(),
        crate::platform::ci::current().unwrap_or_default(),
    ] {
        add(part.as_bytes());
    }
    crate::platform::user::system(&mut add);
    crate::platform::container::decided_by(&mut add);
    add(&[identity(session) as u8]);
    identity::made_of(session.place.directory(), identity(session), &mut add).then(|| hash(0, &made_of))
}

/// The origin as the journal's segments carry it, and its [`key`]: none where the id is that of a passing salt, or where
/// something of which it is made changed meanwhile.
pub(super) fn find(session: &Session) -> (Option<u64>, Vec<u8>) {
    let mut before = key(session);
    if before.is_none() && identity(session) != Identity::Unkeyed {
        // Finding it out makes a salt where there is none.
        machine_id(session);
        before = key(session);
    }
    let (id, kept) =
        identity::current_and_kept(session.place.directory(), identity(session), &session.config.tool.id);
    let origin = serde_json::to_vec(&origin(session, id)).unwrap_or_default();
    (before.filter(|before| kept && key(session) == Some(*before)), origin)
}

#[cfg(unix)]
fn os_version() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn os_version() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Tool;
    use std::path::Path;

    fn session(home: &Path, version: &str, id: &str, kind: &str) -> Session {
        let toml = format!("[tool]\nid = \"{id}\"\n[identity]\nkind = \"{kind}\"\n");
        Session::new(Tool::from_toml(version.to_owned(), toml).data_directory(home)).unwrap()
    }

    fn keyed(home: &Path) -> Session {
        session(home, "1.0.0", "com.example.key", "keyed")
    }

    #[test]
    fn the_key_is_the_same_in_every_run_and_there_is_none_before_there_is_a_salt() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(key(&keyed(home.path())), None);
        assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "to ask makes nothing");
        let id = machine_id(&keyed(home.path()));
        let first = key(&keyed(home.path()));
        assert!(first.is_some());
        assert_eq!((machine_id(&keyed(home.path())), key(&keyed(home.path()))), (id, first));
    }

    #[test]
    fn whatever_the_origin_says_changes_the_key() {
        let home = tempfile::tempdir().unwrap();
        machine_id(&keyed(home.path())).unwrap();
        let mut keys = vec![key(&keyed(home.path())).unwrap()];
        for (version, id, kind) in [
            ("1.0.1", "com.example.key", "keyed"),
            ("1.0.0", "com.example.other", "keyed"),
            ("1.0.0", "com.example.key", "random"),
            ("1.0.0", "com.example.key", "none"),
        ] {
            keys.push(key(&session(home.path(), version, id, kind)).unwrap());
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 5);
        let unkeyed = session(home.path(), "1.0.0", "com.example.key", "unkeyed");
        assert_eq!(key(&unkeyed), None, "that follows what is not cheap to look at");
    }

    #[test]
    fn a_salt_that_was_copied_or_made_anew_has_another_key() {
        let home = tempfile::tempdir().unwrap();
        let salt = home.path().join("identity");
        machine_id(&keyed(home.path())).unwrap();
        let mut keys = vec![key(&keyed(home.path())).unwrap()];
        let copied = tempfile::tempdir().unwrap();
        std::fs::copy(&salt, copied.path().join("identity")).unwrap();
        keys.push(key(&keyed(copied.path())).unwrap());
        identity::forget(home.path()).unwrap();
        assert_eq!(key(&keyed(home.path())), None);
        machine_id(&keyed(home.path())).unwrap();
        keys.push(key(&keyed(home.path())).unwrap());
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 3);
        std::fs::write(&salt, "").unwrap();
        assert_eq!(key(&keyed(home.path())), None, "it was wiped where it stands");
    }

    #[test]
    fn what_is_remembered_beside_the_salt_is_no_part_of_the_key() {
        let home = tempfile::tempdir().unwrap();
        // Sampling makes a salt before an id is asked for; and two hosts that share a home remember in turns.
        identity::seed(home.path(), Identity::Keyed, "com.example.key");
        let first = key(&keyed(home.path()));
        assert!(first.is_some());
        let before = std::fs::read(home.path().join("identity")).unwrap();
        assert_eq!(find(&keyed(home.path())).0, first);
        assert_ne!(std::fs::read(home.path().join("identity")).unwrap(), before, "it is remembered now");
        assert_eq!(key(&keyed(home.path())), first);
    }

    #[test]
    fn an_id_of_a_passing_salt_has_no_key_that_another_run_could_come_by() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("identity")).unwrap();
        let (key_of_directory, origin) = find(&keyed(home.path()));
        assert_eq!((key_of_directory, key(&keyed(home.path()))), (None, None));
        assert!(String::from_utf8(origin).unwrap().contains("machine_id"));
    }

    #[cfg(unix)]
    #[test]
    fn a_salt_that_others_may_write_has_another_key_than_the_one_it_was() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let (first, _) = find(&keyed(home.path()));
        let salt = home.path().join("identity");
        std::fs::set_permissions(&salt, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert_ne!(key(&keyed(home.path())), first);
        let (made_anew, _) = find(&keyed(home.path()));
        assert_eq!(made_anew, None, "it is another salt than the one that was looked at");
        let (next, _) = find(&keyed(home.path()));
        assert!(next.is_some() && next != first);
        assert_eq!(key(&keyed(home.path())), next);
    }
}
