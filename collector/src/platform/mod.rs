//! What differs between systems, one file for each thing that does.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod bus_error;
pub(crate) mod child;
pub(crate) mod ci;
pub(crate) mod clock;
pub(crate) mod container;
pub(crate) mod detach;
pub(crate) mod directory;
pub(crate) mod exit;
pub(crate) mod file;
pub(crate) mod folder;
pub(crate) mod fork;
pub(crate) mod hardware;
pub(crate) mod host;
pub(crate) mod machine_id;
pub(crate) mod mapping;
pub(crate) mod private;
pub(crate) mod process;
pub(crate) mod random;
#[cfg(any(feature = "components", test))]
pub(crate) mod shared;
pub(crate) mod stamp;
pub(crate) mod terminal;
pub(crate) mod user;
pub(crate) mod whole;
pub(crate) mod writable;
