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
mod configuration;
mod derive;
mod derive_event;
mod derive_values;
mod expand;
mod function;
mod future;
mod main_function;
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

/// Starts the library, first thing in `main`.
///
/// Documented where it is re-exported, at `telemetry::main`.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    main_function::main(arguments.into(), item.into()).into()
}

/// Makes an enum safe to record: as its case's name.
///
/// Documented at `telemetry::command::Recordable`.
#[proc_macro_derive(Recordable, attributes(recordable))]
pub fn recordable(input: TokenStream) -> TokenStream {
    or_error(derive_values::recordable(input.into()))
}

/// Gives an error a kind: its case's name.
///
/// Documented at `telemetry::command::Failure`.
#[proc_macro_derive(Failure, attributes(failure))]
pub fn failure(input: TokenStream) -> TokenStream {
    or_error(derive_values::failure(input.into()))
}

/// Declares an event, each field with a purpose and a class.
///
/// Documented at `telemetry::Declared`.
#[proc_macro_derive(Event, attributes(event, field))]
pub fn event(input: TokenStream) -> TokenStream {
    or_error(derive_event::event(input.into()))
}

/// What stands in a `telemetry.toml`, parsed and checked while the tool is compiled.
///
/// Used by `telemetry::tool!`.
#[proc_macro]
pub fn configuration(path: TokenStream) -> TokenStream {
    or_error(configuration::embed(path.into()))
}

fn or_error(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded.unwrap_or_else(|error| error.into_compile_error()).into()
}
