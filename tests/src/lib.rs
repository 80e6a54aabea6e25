//! What the end-to-end tests share: a user's home, the example tool in it, and a vendor on loopback
//! that answers as a script says.

mod home;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod memory;
mod terminal;
mod vendor;

pub use home::{Home, Ran};
#[cfg(target_os = "linux")]
pub use machine::Machine;
#[cfg(target_os = "linux")]
pub use memory::refuse_executable_memory;
pub use terminal::Terminal;
pub use vendor::{Answer, Request, Vendor};

use std::time::{Duration, Instant};

/// How long a test waits for something that must happen. Only a failing test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `what` is true, and fails with its name if it never is.
///
/// # Panics
/// Where it does not come true.
pub fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "did not happen: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
