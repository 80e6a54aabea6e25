//! Components that tests make on the spot, without a toolchain: a core module in text form, and the
//! contract's WIT round it.

mod guest;
mod wasi;
mod wasi_http;

pub use guest::Guest;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// The contract.
pub const WIT: &str = include_str!("../../../wit/backend.wit");

/// A component of the contract's world round a core module in text form.
///
/// # Panics
/// Where the module does not fit the world, with the module's text.
#[must_use]
pub fn component_of(core: &str) -> Vec<u8> {
    component_in(core, "", "backend")
}

/// The same for a world of another WIT package, which may include the contract's.
///
/// # Panics
/// Where the module does not fit the world, with the module's text.
#[must_use]
pub fn component_in(core: &str, wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    let mut package = resolve.push_str("backend.wit", WIT).expect("the contract");
    if !wit.is_empty() {
        package = resolve.push_str("test.wit", wit).unwrap_or_else(|error| panic!("{error:?}\n{wit}"));
    }
    let world = resolve.select_world(&[package], Some(world)).expect("the world");
    let mut module = wat::parse_str(core).unwrap_or_else(|error| panic!("{error}\n{core}"));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap_or_else(|error| panic!("{error:?}\n{core}"))
        .encode()
        .unwrap_or_else(|error| panic!("{error:?}\n{core}"))
}
