//! Reading a component: bounded, pinned, and known for what it is before anything is compiled.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::component::LoadOptions;
use crate::error::LoadError;

/// A component's binary form, with what is known of the file that it came from.
pub(crate) struct Binary<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    /// SHA-256 of what was read, in hexadecimal.
    pub(crate) digest: String,
    /// Size of what was read.
    pub(crate) size: u64,
}

/// Reads a file and takes it as [`of_bytes`] does.
pub(crate) fn of_path(path: &Path, options: &LoadOptions) -> Result<Binary<'static>, LoadError> {
    of_bytes(read_file(path, options.limits.file_bytes)?.into(), options)
}

/// Measures, pins, and turns text into binary.
pub(crate) fn of_bytes<'a>(bytes: Cow<'a, [u8]>, options: &LoadOptions) -> Result<Binary<'a>, LoadError> {
    known(bytes, digest, options)
}

/// The same, with the digest that it is said to have.
pub(crate) fn of_embedded(
    wasm: &'static [u8],
    sha256: &str,
    options: &LoadOptions,
) -> Result<Binary<'static>, LoadError> {
    // Where time is no matter, an author's mistake is found.
    if cfg!(debug_assertions) {
        check_pin(Some(sha256), &digest(wasm))?;
    }
    known(wasm.into(), |_| sha256.to_owned(), options)
}

fn known<'a>(
    bytes: Cow<'a, [u8]>,
    digest: impl FnOnce(&[u8]) -> String,
    options: &LoadOptions,
) -> Result<Binary<'a>, LoadError> {
    let size = bytes.len() as u64;
    if size > options.limits.file_bytes {
        return Err(LoadError::TooBig { most: options.limits.file_bytes });
    }
    let digest = digest(&bytes);
    check_pin(options.pin.as_deref(), &digest)?;
    Ok(Binary { bytes: to_binary(bytes)?, digest, size })
}

fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    let failed = |error| LoadError::Read { path: path.to_owned(), error };
    // Asked before opening: opening a pipe would wait for its other end.
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(failed(std::io::Error::other("it is not a regular file")));
    }
    if meta.len() > most {
        return Err(LoadError::TooBig { most });
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most { Err(LoadError::TooBig { most }) } else { Ok(bytes) }
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn check_pin(pin: Option<&str>, found: &str) -> Result<(), LoadError> {
    match pin {
        Some(expected) if !expected.eq_ignore_ascii_case(found) => {
            Err(LoadError::Pin { expected: crate::text::tidy(expected, 100), found: found.to_owned() })
        }
        _ => Ok(()),
    }
}

/// A component's binary form begins so; a core module's fifth byte is 1.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

fn to_binary(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, LoadError> {
    if bytes.starts_with(COMPONENT) {
        return Ok(bytes);
    }
    if bytes.starts_with(b"\0asm") {
        let what = if bytes.get(4..8) == Some(&[1, 0, 0, 0]) {
            "it is a core module; build with the target wasm32-wasip2, or with `linker = \"wasm-component-ld\"` for wasm32-unknown-unknown"
        } else {
            "it is of a version of WebAssembly components that this host does not know"
        };
        return Err(LoadError::NotAComponent(what.to_owned()));
    }
    from_text(&bytes).map(Cow::Owned)
}

#[cfg(feature = "wat")]
fn from_text(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let not = |why: &str| LoadError::NotAComponent(crate::text::reason(why));
    let text = std::str::from_utf8(bytes).map_err(|_| not("it is neither binary WebAssembly nor text"))?;
    if !text.contains("(component") {
        return Err(not("it does not begin as WebAssembly does"));
    }
    let binary = wat::parse_str(text).map_err(|error| not(&error.to_string()))?;
    if binary.starts_with(COMPONENT) { Ok(binary) } else { Err(not("the text is of a core module")) }
}

#[cfg(not(feature = "wat"))]
fn from_text(_: &[u8]) -> Result<Vec<u8>, LoadError> {
    Err(LoadError::NotAComponent("it does not begin as WebAssembly does".to_owned()))
}
