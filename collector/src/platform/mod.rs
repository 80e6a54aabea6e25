//! What differs between systems, one file each.

pub(crate) mod file;
pub(crate) mod folder;
pub(crate) mod host;
