//! What differs between systems, one file each.

pub(crate) mod clock;
pub(crate) mod directory;
pub(crate) mod file;
pub(crate) mod folder;
pub(crate) mod fork;
pub(crate) mod host;
pub(crate) mod mapping;
