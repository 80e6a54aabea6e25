//! The attributes of cli-telemetry.
//!
//! Use them through the library, which re-exports them: `#[telemetry::command]` and its
//! neighbours. They emit calls into `telemetry::__private` and hold no logic of their own, so that
//! what a tool links is decided by the library's version alone.
//!
//! Each attribute is parsed and expanded apart: [`arguments`] and [`function`] read tokens into what
//! they mean, [`expand`] writes the code. A function's body is never parsed unless it returns a
//! future, which keeps a thousand annotated functions cheap to compile.
#![forbid(unsafe_code)]

mod arguments;
mod expand;
mod function;
mod future;
mod types;

use proc_macro::TokenStream;

/// Records each run of a function as a command.
///
/// What it does, what it records and its arguments are documented where it is re-exported, at
/// `telemetry::command`.
#[proc_macro_attribute]
pub fn command(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::command(arguments.into(), item.into()).into()
}
