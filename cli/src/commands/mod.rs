//! The subcommands: each reads its arguments, does one thing, and shows it.

pub(crate) mod dev;
pub(crate) mod export;
pub(crate) mod inspect;
pub(crate) mod new;
pub(crate) mod precompile;
pub(crate) mod receive;
pub(crate) mod send;
