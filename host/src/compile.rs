//! From a component's binary form to code that runs: out of the cache, or compiled within its time.

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::component::LoadOptions;
use crate::error::LoadError;

#[cfg(not(feature = "compiler"))]
pub(crate) fn compile(_: Vec<u8>, _: &str, _: &LoadOptions) -> Result<(Engine, Component), LoadError> {
    Err(LoadError::NoCompiler)
}

#[cfg(feature = "compiler")]
pub(crate) use with_compiler::{compile, within_time};

#[cfg(feature = "compiler")]
mod with_compiler {
    use std::sync::mpsc::RecvTimeoutError;
    use std::time::Duration;

    use super::*;
    use crate::cache::Cache;
    use crate::component::engine;
    use crate::engine::Target;
    use crate::native_code::{self, Origin};

    pub(crate) fn compile(
        binary: Vec<u8>,
        digest: &str,
        options: &LoadOptions,
    ) -> Result<(Engine, Component), LoadError> {
        let native = engine(Target::Native)?;
        let cache = options.cache.as_deref().and_then(|dir| Cache::open(dir, &native, digest));
        let cached = |code: &[u8]| native_code::deserialize(&native, code, Origin::Cache).ok();
        if let Some(component) = cache.as_ref().and_then(|cache| cache.read(cached)) {
            return Ok((native, component));
        }
        let limit = options.limits.compile_time;
        let spare = cfg!(feature = "pulley-compiler").then(|| binary.clone());
        let code = within_time(&native, binary, limit)?;
        match native_code::deserialize(&native, &code, Origin::JustCompiled) {
            Ok(component) => {
                if let Some(cache) = cache {
                    cache.write(&code);
                }
                Ok((native, component))
            }
            // What was compiled a moment ago does not load: the system refuses executable memory.
            Err(error) => match spare {
                Some(binary) => interpreted(binary, limit),
                None => Err(LoadError::Host(crate::text::reason(&format!("{error:#}")))),
            },
        }
    }

    fn interpreted(binary: Vec<u8>, limit: Duration) -> Result<(Engine, Component), LoadError> {
        let pulley = engine(Target::Pulley)?;
        let code = within_time(&pulley, binary, limit)?;
        let component = native_code::deserialize(&pulley, &code, Origin::JustCompiled)
            .map_err(|error| LoadError::Host(crate::text::reason(&format!("{error:#}"))))?;
        Ok((pulley, component))
    }

    /// Compiles on a thread of its own. The compiler cannot be interrupted: when it takes too long, the
    /// thread is left to end by itself.
    pub(crate) fn within_time(
        engine: &Engine,
        binary: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, LoadError> {
        let engine = engine.clone();
        let (done, result) = std::sync::mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("telemetry-compile".to_owned())
            .stack_size(8 << 20)
            .spawn(move || drop(done.send(engine.precompile_component(&binary))))
            .map_err(|error| LoadError::Host(error.to_string()))?;
        match result.recv_timeout(limit) {
            Ok(code) => code.map_err(|error| LoadError::Compile(explain(&error))),
            Err(RecvTimeoutError::Timeout) => Err(LoadError::CompileTime(limit)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(LoadError::Compile("the compiler gave up on it".to_owned()))
            }
        }
    }

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
}
