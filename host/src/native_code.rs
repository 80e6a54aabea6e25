//! The one place with `unsafe`: turning bytes into code that runs.
//!
//! `wasmtime` cannot check that serialised code does what its compiler wrote, so it asks its caller to
//! promise where the bytes came from. The promise is kept by there being few callers only, each of
//! which has its reason written at [`Origin`].
#![allow(unsafe_code)]

use wasmtime::Engine;
use wasmtime::component::Component;

#[cfg(all(feature = "compiler", target_os = "linux", target_arch = "x86_64"))]
use crate::placed::{Draft, Placed};

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

/// Makes a component of serialised code. Fails, and does not misbehave, on code for another version,
/// other settings or another processor.
pub(crate) fn deserialize(engine: &Engine, code: &[u8], origin: Origin) -> wasmtime::Result<Component> {
    let _promise = origin;
    // SAFETY: `deserialize` requires bytes that `Component::serialize` or `precompile_component` of
    // wasmtime made and that nobody altered since. Every `Origin` says why that holds; wasmtime itself
    // checks version, settings and processor features before it uses them.
    unsafe { Component::deserialize(engine, code) }
}

/// The same, where the code lies in the engine's own memory: it is not copied. None where it cannot be run there.
#[cfg(all(feature = "compiler", target_os = "linux", target_arch = "x86_64"))]
pub(crate) fn deserialize_placed(
    placed: &Placed,
    code: Draft,
    origin: Origin,
) -> Option<wasmtime::Result<Component>> {
    let _promise = origin;
    let code = placed.keep(code)?;
    // SAFETY: As above. `deserialize_raw` requires besides that the memory lives as long as the component, which
    // holds its engine, which holds the memory; and that nobody changes it, to which end it is read-only, and
    // is in no hands but those of `Placed`, which hands out no way to write.
    Some(unsafe { Component::deserialize_raw(&placed.engine, code) })
}

/// Lets what lies there be run. Fails where the system refuses that.
#[cfg(all(feature = "compiler", target_os = "linux", target_arch = "x86_64"))]
pub(crate) fn make_executable(text: &[u8]) -> std::io::Result<()> {
    use rustix::mm::{MprotectFlags, mprotect};
    let from = text.as_ptr().cast_mut().cast();
    // SAFETY: `text` is borrowed, so the memory is there, and nobody writes to it as long as anybody reads it; it can
    // be read as before. What else lies in its first and last page can be run, too, which wasmtime's own code is
    // aligned to pages for.
    Ok(unsafe { mprotect(from, text.len(), MprotectFlags::READ | MprotectFlags::EXEC) }?)
}
