//! The one place with `unsafe`: turning bytes into code that runs.
//!
//! `wasmtime` cannot check that serialised code does what its compiler wrote, so it asks its caller to
//! promise where the bytes came from. The promise is kept by there being few callers only, each of
//! which has its reason written at [`Origin`].
#![allow(unsafe_code)]

use wasmtime::Engine;
use wasmtime::component::Component;

#[cfg(all(feature = "compiler", target_os = "linux"))]
use crate::sealed::Sealed;

/// Where serialised code came from. Making one of these is the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Compiled by this process a moment ago.
    #[cfg(feature = "compiler")]
    JustCompiled,
    /// From the cache: a file in a directory that only this user can write, owned by this user, whose
    /// checksum over key and content is right. Who can write there can replace the tool itself.
    #[cfg(feature = "compiler")]
    Cache,
    /// Part of this program: embedded when it was built. Who can change it can change the program.
    Embedded,
}

/// Serialised code, and where it lies.
#[derive(Clone, Copy)]
pub(crate) enum Code<'a> {
    /// In memory: it is copied to where it runs.
    Bytes(&'a [u8]),
    /// In a file that cannot change any more: it runs there.
    #[cfg(all(feature = "compiler", target_os = "linux"))]
    Sealed(&'a Sealed),
}

/// Makes a component of serialised code. Fails, and does not misbehave, on code for another version,
/// other settings or another processor.
pub(crate) fn deserialize(engine: &Engine, code: Code<'_>, origin: Origin) -> wasmtime::Result<Component> {
    let _promise = origin;
    // SAFETY: Both functions require bytes that `Component::serialize` or `precompile_component` of
    // wasmtime made and that nobody altered since. Every `Origin` says why that holds; wasmtime itself
    // checks version, settings and processor features before it uses them. `deserialize_file` requires besides
    // that the file stays as it is while the component lives: a sealed one can be neither written nor cut short,
    // and its memory is there for as long as it is mapped.
    unsafe {
        match code {
            Code::Bytes(bytes) => Component::deserialize(engine, bytes),
            #[cfg(all(feature = "compiler", target_os = "linux"))]
            Code::Sealed(file) => Component::deserialize_file(engine, file.path()),
        }
    }
}
