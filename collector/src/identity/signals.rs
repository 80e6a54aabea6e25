//! What tells one machine and one user from another. Each signal may be missing.
//!
//! On Linux they are read directly, and not by the crates that are used elsewhere (`machine-uid`,
//! `mac_address`, `whoami`): an id that differs in one signal is another id, and the ancestor's rules are not
//! those crates' defaults. It takes `/etc/machine-id` and no other file (`platform/machine_id.rs`), the first
//! interface in index order, an address of zeros included (`platform/hardware.rs`), and the user's name as
//! Go finds it without the C library (`platform/user.rs`). The tool's tree has three crates less by it.

use crate::platform;

/// The machine's signals, as the unkeyed id has them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signals {
    /// The operating system's machine id. On Linux only `/etc/machine-id`, trimmed.
    pub os_machine_id: Option<String>,
    /// The hardware address of the first interface, in index order, that is no loopback and has one:
    /// lower-case hexadecimal pairs joined by colons.
    pub mac: Option<String>,
    /// The host's name.
    pub hostname: Option<String>,
    /// The user's name.
    pub user: Option<String>,
}

impl Signals {
    /// The signals of this machine and user.
    #[must_use]
    pub fn read() -> Self {
        Self {
            os_machine_id: platform::machine_id::read(),
            mac: platform::hardware::first_address(),
            hostname: platform::user::hostname(),
            user: platform::user::name(),
        }
    }
}
