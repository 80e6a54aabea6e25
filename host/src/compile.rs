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
    use crate::native_code::{self, Origin};
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    use crate::placed::Placed;

    /// For the processor, and where the system refuses executable memory for the interpreter. Both are kept:
    /// the code that does not load says of the next run, without compiling, that it is to be interpreted.
    pub(crate) fn compile(
        binary: Cow<'_, [u8]>,
        digest: &str,
        options: &LoadOptions,
    ) -> Result<(Engine, Component), LoadError> {
        let native = Way { target: Target::Native, digest, options };
        let refused = match native.cached()? {
            Some(Ok(loaded)) => return Ok(loaded),
            Some(Err(_)) => true,
            None => false,
        };
        let interpreter = Way { target: Target::Pulley, digest, options };
        let interpreter = cfg!(feature = "pulley-compiler").then_some(interpreter);
        if refused
            && let Some(interpreter) = &interpreter
            && let Some(Ok(loaded)) = interpreter.cached()?
        {
            return Ok(loaded);
        }
        let binary = binary.into_owned();
        let spare = interpreter.is_some().then(|| binary.clone());
        match (native.compile(binary)?, interpreter, spare) {
            (Ok(loaded), ..) => Ok(loaded),
            // What was compiled a moment ago does not load: the system refuses executable memory.
            (Err(_), Some(interpreter), Some(binary)) => interpreter.compile(binary)?.map_err(host),
            (Err(error), ..) => Err(host(error)),
        }
    }

    fn host(error: wasmtime::Error) -> LoadError {
        LoadError::Host(crate::text::reason(&format!("{error:#}")))
    }

    /// A component with its engine, or why the system does not let its code be loaded.
    type Loaded = wasmtime::Result<(Engine, Component)>;

    /// One of the two ways to run a component.
    struct Way<'a> {
        target: Target,
        digest: &'a str,
        options: &'a LoadOptions,
    }

    impl Way<'_> {
        fn cache(&self, engine: &Engine) -> Option<Cache> {
            let dir = self.options.cache.as_deref();
            dir.and_then(|dir| Cache::open(dir, engine, self.digest))
        }

        /// What is in the cache, if it is whole.
        fn cached(&self) -> Result<Option<Loaded>, LoadError> {
            if self.options.cache.is_none() {
                return Ok(None);
            }
            // Where there is no memory for that, or it may not be run, wasmtime's own may do.
            #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
            {
                let placed = Placed::new(self.target).map_err(host)?;
                let code = self.cache(&placed.engine).and_then(|cache| cache.read_placed());
                let loaded =
                    code.and_then(|code| native_code::deserialize_placed(&placed, code, Origin::Cache));
                if let Some(Ok(component)) = loaded {
                    return Ok(Some(Ok((placed.engine, component))));
                }
            }
            let engine = engine(self.target)?;
            let code = self.cache(&engine).and_then(|cache| cache.read());
            Ok(code.map(|code| self.load(engine, &code, Origin::Cache)))
        }

        fn compile(&self, binary: Vec<u8>) -> Result<Loaded, LoadError> {
            let engine = engine(self.target)?;
            let code = within_time(&engine, binary, self.options.limits.compile_time)?;
            if let Some(cache) = self.cache(&engine) {
                cache.write(&code);
            }
            Ok(self.load(engine, &code, Origin::JustCompiled))
        }

        fn load(&self, engine: Engine, code: &[u8], origin: Origin) -> Loaded {
            native_code::deserialize(&engine, code, origin).map(|component| (engine, component))
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
