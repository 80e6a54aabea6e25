//! Who the events happened to, as of now.

use super::Session;
use crate::backend::Origin;
use crate::identity::{self, Identity};
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

/// The origin as the journal's segments carry it.
pub(super) fn encoded(session: &Session) -> Vec<u8> {
    serde_json::to_vec(&origin(session, machine_id(session))).unwrap_or_default()
}

#[cfg(unix)]
fn os_version() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn os_version() -> String {
    String::new()
}
