//! Loading: read, measure, pin, compile, check. What comes out can be started.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::bindings::BackendPre;
use crate::check;
use crate::engine::{self, Target};
use crate::error::{CallError, LoadError};
use crate::limits::Limits;
use crate::native_code::{self, Origin};
use crate::state::State;
use crate::types::Description;
use crate::{instance, wasi};

/// Where a component comes from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Source<'a> {
    /// A file: a component's binary, or its text with the feature `wat`. Never native code.
    Path(&'a Path),
    /// The same from memory.
    Bytes(&'a [u8]),
    /// Compiled when the tool was built, by [`precompile`](crate::precompile), and embedded in it.
    ///
    /// This is code that runs as it stands. It must be part of the program itself (`include_bytes!`):
    /// bytes that were read at run time do not belong here.
    Precompiled(&'static [u8]),
}

/// How to load.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LoadOptions {
    /// What the component may cost.
    pub limits: Limits,
    /// The SHA-256 that the bytes must have, in hexadecimal.
    pub pin: Option<String>,
    /// A directory for compiled code; none for compiling each time.
    pub cache: Option<PathBuf>,
}

/// A component that was loaded, checked and compiled. Cheap to clone.
#[derive(Clone)]
pub struct Component(pub(crate) Arc<Loaded>);

pub(crate) struct Loaded {
    pub(crate) engine: Engine,
    pub(crate) pre: BackendPre<State>,
    pub(crate) limits: Limits,
    digest: String,
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("sha256", &self.0.digest).finish_non_exhaustive()
    }
}

impl Component {
    /// Loads a component. Nothing of it has run when this returns.
    pub fn load(source: Source<'_>, options: &LoadOptions) -> Result<Self, LoadError> {
        let limits = options.limits.clone();
        let (engine, component, digest) = match source {
            Source::Path(path) => compile(read_file(path, limits.file_bytes)?, options)?,
            Source::Bytes(bytes) => compile(bytes.to_vec(), options)?,
            Source::Precompiled(code) => {
                let digest = digest(code);
                check_pin(options.pin.as_deref(), &digest)?;
                let engine = engine(Target::Native)?;
                let component = native_code::deserialize(&engine, code, Origin::Embedded)
                    .map_err(|error| LoadError::Precompiled(crate::text::reason(&format!("{error:#}"))))?;
                (engine, component, digest)
            }
        };
        let linker = linker(&engine)?;
        let offences = check::offences(&engine, &component, &linker);
        if !offences.is_empty() {
            return Err(LoadError::Refused(offences));
        }
        let wrong =
            |error: wasmtime::Error| LoadError::WrongWorld(crate::text::reason(&format!("{error:#}")));
        let pre = linker.instantiate_pre(&component).map_err(wrong)?;
        let pre = BackendPre::new(pre).map_err(wrong)?;
        Ok(Self(Arc::new(Loaded { engine, pre, limits, digest })))
    }

    /// What it says of itself. Runs it, with no grant and `http` closed.
    pub fn describe(&self) -> Result<Description, CallError> {
        instance::describe(self)
    }

    /// The SHA-256 of the bytes that were loaded, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.0.digest
    }

    /// The limits that it was loaded with.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

fn engine(target: Target) -> Result<Engine, LoadError> {
    engine::engine(target).map_err(|error| LoadError::Host(format!("{error:#}")))
}

fn linker(engine: &Engine) -> Result<Linker<State>, LoadError> {
    let mut linker = Linker::new(engine);
    let linked = wasi::link(&mut linker).and_then(|()| {
        crate::bindings::Backend::add_to_linker::<_, wasmtime::component::HasSelf<_>>(
            &mut linker,
            |state: &mut State| state,
        )
    });
    linked.map_err(|error| LoadError::Host(format!("{error:#}")))?;
    Ok(linker)
}

fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    let failed = |error| LoadError::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(failed(std::io::Error::other("it is not a regular file")));
    }
    if meta.len() > most {
        return Err(LoadError::TooBig { most });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_pin(pin: Option<&str>, found: &str) -> Result<(), LoadError> {
    match pin {
        Some(expected) if !expected.eq_ignore_ascii_case(found) => {
            Err(LoadError::Pin { expected: crate::text::tidy(expected, 100), found: found.to_owned() })
        }
        _ => Ok(()),
    }
}

/// A component's binary form begins so; a core module's fifth byte is 1.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

fn to_binary(bytes: Vec<u8>) -> Result<Vec<u8>, LoadError> {
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
    from_text(&bytes)
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

type Compiled = (Engine, wasmtime::component::Component, String);

fn compile(bytes: Vec<u8>, options: &LoadOptions) -> Result<Compiled, LoadError> {
    if bytes.len() as u64 > options.limits.file_bytes {
        return Err(LoadError::TooBig { most: options.limits.file_bytes });
    }
    let digest = digest(&bytes);
    check_pin(options.pin.as_deref(), &digest)?;
    let binary = to_binary(bytes)?;
    let (engine, component) = compile_binary(binary, options)?;
    Ok((engine, component, digest))
}

#[cfg(not(feature = "compiler"))]
fn compile_binary(
    _: Vec<u8>,
    _: &LoadOptions,
) -> Result<(Engine, wasmtime::component::Component), LoadError> {
    Err(LoadError::NoCompiler)
}

#[cfg(feature = "compiler")]
fn compile_binary(
    binary: Vec<u8>,
    options: &LoadOptions,
) -> Result<(Engine, wasmtime::component::Component), LoadError> {
    let engine = engine(Target::Native)?;
    let (worker_engine, limit) = (engine.clone(), options.limits.compile_time);
    let (done, result) = std::sync::mpsc::sync_channel(1);
    // The compiler cannot be interrupted. When it takes too long its thread is left to end by itself.
    std::thread::Builder::new()
        .name("telemetry-compile".to_owned())
        .stack_size(8 << 20)
        .spawn(move || drop(done.send(worker_engine.precompile_component(&binary))))
        .map_err(|error| LoadError::Host(error.to_string()))?;
    let code = match result.recv_timeout(limit) {
        Ok(code) => code.map_err(|error| LoadError::Compile(explain(&error)))?,
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => return Err(LoadError::CompileTime(limit)),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
            return Err(LoadError::Compile("the compiler gave up on it".to_owned()));
        }
    };
    let component = native_code::deserialize(&engine, &code, Origin::JustCompiled)
        .map_err(|error| LoadError::Host(format!("{error:#}")))?;
    Ok((engine, component))
}

#[cfg(feature = "compiler")]
fn explain(error: &wasmtime::Error) -> String {
    let text = crate::text::reason(&format!("{error:#}"));
    if text.contains("async") {
        format!(
            "{text}. Likely cause: built with async; rebuild it for WASI 0.2 (for JavaScript with `--sync`)"
        )
    } else {
        text
    }
}
