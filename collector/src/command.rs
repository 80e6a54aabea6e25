//! Commands: what runs, how long, and how it ended.
//!
//! [`#[telemetry::command]`](macro@crate::command) is the usual way to record one. What stands behind it
//! is here, for those who do not use macros and for types that say more about how they end than
//! success:
//!
//! - [`begin`] starts a command on this thread and gives its [`Guard`]; [`future`] does it for a future.
//! - [`Outcome`] reads an exit code from what a function returned, [`Failure`] a kind from an error.
//! - [`Recordable`], [`Text`] and [`Metadata`] say what may become an attribute, and how.
//!
//! While nothing may be recorded, a command costs one atomic load. Nothing here panics, prints or
//! changes what the tool returns.

#[doc(hidden)]
pub mod by_type;
mod frame;
mod future;
mod guard;
mod outcome;
#[doc(hidden)]
pub mod private;
mod stack;
mod value;

pub(crate) use frame::PARENT;
pub use future::{Command, future};
pub use guard::{Guard, begin};
pub use outcome::{Failure, Outcome, Report};
pub use value::{Metadata, Recordable, Text};

pub(crate) use stack::withdraw_all;
pub(crate) use stack::{end_all, end_all_on_abort};
