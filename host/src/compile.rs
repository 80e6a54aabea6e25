//! From a component's binary form to code that runs: out of the cache, or compiled within its time.

use std::borrow::Cow;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::component::LoadOptions;
use crate::error::LoadError;

#[cfg(not(feature = "compiler"))]
pub(crate) fn compile(_: Cow<'_, [u8]>, _: &str, _: &LoadOptions) -> Result<(Engine, Component), LoadError> {
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
    use crate::module_size;
    use crate::native_code::{self, Code, Origin};

    /// For the processor, and where the system refuses executable memory for the interpreter. Both are kept:
    /// the code that does not load says of the next run, without compiling, that it is to be interpreted.
    pub(crate) fn compile(
        binary: Cow<'_, [u8]>,
        digest: &str,
        options: &LoadOptions,
    ) -> Result<(Engine, Component), LoadError> {
        let native = Way::of(Target::Native, digest, options)?;
        let refused = match native.cached() {
            Some(Ok(component)) => return Ok((native.engine, component)),
            Some(Err(_)) => true,
            None => false,
        };
        let interpreter = if cfg!(feature = "pulley-compiler") {
            Some(Way::of(Target::Pulley, digest, options)?)
        } else {
            None
        };
        if refused
            && let Some(interpreter) = &interpreter
            && let Some(Ok(component)) = interpreter.cached()
        {
            return Ok((interpreter.engine.clone(), component));
        }
        let binary = binary.into_owned();
        let spare = interpreter.is_some().then(|| binary.clone());
        let compiled = native.compile(binary, options.limits.compile_time)?;
        match (compiled, interpreter, spare) {
            (Ok(component), ..) => Ok((native.engine, component)),
            // What was compiled a moment ago does not load: the system refuses executable memory.
            (Err(_), Some(interpreter), Some(binary)) => {
                let component = interpreter.compile(binary, options.limits.compile_time)?.map_err(host)?;
                Ok((interpreter.engine, component))
            }
            (Err(error), ..) => Err(host(error)),
        }
    }

    fn host(error: wasmtime::Error) -> LoadError {
        LoadError::Host(crate::text::reason(&format!("{error:#}")))
    }

    /// One of the two ways to run a component, with the place of its code.
    struct Way {
        engine: Engine,
        cache: Option<Cache>,
    }

    impl Way {
        fn of(target: Target, digest: &str, options: &LoadOptions) -> Result<Self, LoadError> {
            let engine = engine(target)?;
            let cache = options.cache.as_deref().and_then(|dir| Cache::open(dir, &engine, digest));
            Ok(Self { engine, cache })
        }

        /// What is in the cache, if it is whole, and whether it loads.
        fn cached(&self) -> Option<wasmtime::Result<Component>> {
            let cache = self.cache.as_ref()?;
            let load = |code: Code<'_>| native_code::deserialize(&self.engine, code, Origin::Cache);
            // A system may refuse to run what is in a file and let memory be run, so that decides.
            #[cfg(target_os = "linux")]
            if let Some(component) = cache.read_sealed().and_then(|code| load(Code::Sealed(&code)).ok()) {
                return Some(Ok(component));
            }
            Some(load(Code::Bytes(&cache.read()?)))
        }

        /// The inner error is of the system, which does not let the code be loaded.
        fn compile(
            &self,
            binary: Vec<u8>,
            limit: Duration,
        ) -> Result<wasmtime::Result<Component>, LoadError> {
            let code = within_time(&self.engine, binary, limit)?;
            if let Some(cache) = &self.cache {
                cache.write(&code);
            }
            Ok(native_code::deserialize(&self.engine, Code::Bytes(&code), Origin::JustCompiled))
        }
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
            .spawn(move || {
                // First the engine, which finds out whether it is valid.
                let compiled = engine.precompile_component(&binary).map_err(|error| explain(&error));
                drop(done.send(compiled.and_then(|code| module_size::check(&binary).map(|()| code))));
            })
            .map_err(|error| LoadError::Host(error.to_string()))?;
        match result.recv_timeout(limit) {
            Ok(code) => code.map_err(LoadError::Compile),
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
