//! What `wit/backend.wit` says, in Rust. Generated; the crate's root names what authors use.
#![allow(missing_docs, unreachable_pub)] // the WIT carries the documentation
#![allow(unsafe_code)] // the canonical ABI: generated code that reads and writes linear memory
#![allow(clippy::all, clippy::undocumented_unsafe_blocks)] // not written by hand

wit_bindgen::generate!({
    path: "wit",
    world: "backend",
    additional_derives: [PartialEq],
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "telemetry_backend_sdk::bindings",
});
