//! Loading: what was read and compiled is checked; what comes out can be started.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::check;
use crate::engine::{self, Target};
use crate::error::{CallError, LoadError, Offence};
use crate::limits::Limits;
use crate::native_code::{self, Origin};
use crate::precompiled::{Artefact, Part};
use crate::read::{self, Binary};
use crate::state::State;
use crate::track::{self, Prepared, Spoken};
use crate::types::Description;
use crate::{compile, instance, wasi};

/// Where a component comes from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Source<'a> {
    /// A file: a component's binary, or its text with the feature `wat`. Never native code.
    Path(&'a Path),
    /// The same from memory.
    Bytes(&'a [u8]),
    /// The same as part of the program itself, with the SHA-256 that it had when the program was built. To reckon
    /// it at run time is a seventh of what loading out of the cache costs.
    Embedded {
        /// The component's binary.
        wasm: &'static [u8],
        /// In hexadecimal. Believed: a pin is compared with it, and code that was compiled is kept under it. Only a
        /// debug build reckons it again, and refuses another component.
        sha256: &'static str,
    },
    /// Compiled when the tool was built, by [`precompile`](crate::precompile), and embedded in it.
    ///
    /// This is code that runs as it stands. It must be part of the program itself (`include_bytes!`):
    /// bytes that were read at run time do not belong here.
    Precompiled(&'static [u8]),
    /// One of several that were compiled together, by [`precompile_bundle`](crate::precompile_bundle). Of the
    /// bundle the same holds as of [`Source::Precompiled`].
    Bundled {
        /// What they were compiled into.
        bundle: &'static [u8],
        /// The name that this one was given then.
        name: &'a str,
    },
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
    pub(crate) pre: Arc<dyn Prepared>,
    pub(crate) limits: Limits,
    digest: String,
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("sha256", &self.0.digest).finish_non_exhaustive()
    }
}

/// A component that was compiled, with what is known of it, before it was checked.
pub(crate) struct Compiled {
    pub(crate) engine: Engine,
    pub(crate) component: wasmtime::component::Component,
    pub(crate) digest: String,
    pub(crate) size: u64,
}

impl Compiled {
    pub(crate) fn load(source: Source<'_>, options: &LoadOptions) -> Result<Self, LoadError> {
        let binary = match source {
            Source::Path(path) => read::of_path(path, options)?,
            Source::Bytes(bytes) => read::of_bytes(bytes.into(), options)?,
            Source::Embedded { wasm, sha256 } => read::of_embedded(wasm, sha256, options)?,
            Source::Precompiled(artefact) => return Self::precompiled(artefact, "", options),
            Source::Bundled { bundle, name } => return Self::precompiled(bundle, name, options),
        };
        let Binary { bytes, digest, size } = binary;
        let (engine, component) = compile::compile(bytes, &digest, options)?;
        Ok(Self { engine, component, digest, size })
    }

    /// The first part of this name that runs here.
    fn precompiled(artefact: &[u8], name: &str, options: &LoadOptions) -> Result<Self, LoadError> {
        let artefact = Artefact::read(artefact)?;
        let mut unpacked = artefact.unpack();
        let mut refused = None;
        for part in artefact.parts.iter().filter(|part| part.name == name) {
            read::check_pin(options.pin.as_deref(), &part.digest)?;
            let loaded = engine_of(part).and_then(|engine| {
                let code = unpacked.code(part)?;
                let component = native_code::deserialize(&engine, &code, Origin::Embedded)
                    .map_err(|error| LoadError::Precompiled(crate::text::reason(&format!("{error:#}"))))?;
                Ok((engine, component))
            });
            match loaded {
                Ok((engine, component)) => {
                    let (digest, size) = (part.digest.clone(), part.length);
                    return Ok(Self { engine, component, digest, size });
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(|| {
            let names: Vec<&str> = artefact.parts.iter().map(|part| part.name.as_str()).collect();
            LoadError::Precompiled(format!("it holds no component `{name}`, only {names:?}"))
        }))
    }
}

impl Component {
    /// Loads a component. Nothing of it has run when this returns.
    pub fn load(source: Source<'_>, options: &LoadOptions) -> Result<Self, LoadError> {
        Self::check(Compiled::load(source, options)?, options)
    }

    pub(crate) fn check(compiled: Compiled, options: &LoadOptions) -> Result<Self, LoadError> {
        let Compiled { engine, component, digest, .. } = compiled;
        let linker = linker(&engine, &component)?;
        let offences = || match check::offences(&engine, &component, &linker) {
            offences if offences.is_empty() => Ok(()),
            offences => Err(LoadError::Refused(offences)),
        };
        let track = match track::spoken(&engine, &component) {
            Spoken::Known(_, track) => track,
            Spoken::Unknown(found) => {
                // That its imports are of that version too says nothing more; what else it imports does.
                let own = |offence: &Offence| check::is_of_the_contract(&offence.import);
                let all = check::offences(&engine, &component, &linker);
                if all.iter().all(own) {
                    return Err(LoadError::UnknownTrack { found, known: track::known() });
                }
                return Err(LoadError::Refused(all));
            }
            Spoken::None => {
                offences()?;
                let why = "it exports no `telemetry:backend/exporter`";
                return Err(LoadError::WrongWorld(why.to_owned()));
            }
        };
        if !check::may_have_all(&engine, &component) {
            offences()?;
        }
        let pre = match linker.instantiate_pre(&component).and_then(|pre| track.prepare(pre)) {
            Ok(pre) => pre,
            Err(error) => {
                // Looking for each function that is missing takes longer than all the rest of loading.
                offences()?;
                return Err(LoadError::WrongWorld(crate::text::reason(&format!("{error:#}"))));
            }
        };
        Ok(Self(Arc::new(Loaded { engine, pre, limits: options.limits.clone(), digest })))
    }

    /// What it says of itself. Runs it, with no grant and `http` closed.
    pub fn describe(&self) -> Result<Description, CallError> {
        instance::describe(self)
    }

    /// The SHA-256 of the component that was loaded, in hexadecimal; of a precompiled one, that of the
    /// file that it was made of.
    pub fn sha256(&self) -> &str {
        &self.0.digest
    }

    /// The limits that it was loaded with.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The median of so many instantiations, for the benchmark.
    #[doc(hidden)]
    pub fn time_to_instantiate(&self, runs: usize) -> std::time::Duration {
        instance::time_to_instantiate(self, runs)
    }

    /// Whether its code is interpreted rather than run by the processor.
    pub fn is_interpreted(&self) -> bool {
        self.0.engine.is_pulley()
    }
}

/// An engine, or why there is none.
pub(crate) fn engine(target: Target) -> Result<Engine, LoadError> {
    engine::engine(target).map_err(|error| LoadError::Host(format!("{error:#}")))
}

/// The engine for a part, without unpacking it.
fn engine_of(part: &Part) -> Result<Engine, LoadError> {
    if part.target == Target::Pulley && !cfg!(feature = "pulley") {
        let why = "it is for the interpreter, which is not part of this program: build it with the feature `pulley`";
        return Err(LoadError::Precompiled(why.to_owned()));
    }
    engine(part.target)
}

/// What a component may import, linked; of WASI only the packages that this one does import.
pub(crate) fn linker(
    engine: &Engine,
    component: &wasmtime::component::Component,
) -> Result<Linker<State>, LoadError> {
    let mut linker = Linker::new(engine);
    let whole = component.component_type();
    let imports: Vec<&str> = whole.imports(engine).map(|(name, _)| name).collect();
    let linked = wasi::link(&mut linker, |package| imports.iter().any(|import| import.starts_with(package)));
    #[cfg(feature = "wasi-http")]
    let linked = linked.and_then(|()| crate::wasi_http::link(&mut linker));
    let linked = linked.and_then(|()| track::link(&mut linker));
    linked.map_err(|error| LoadError::Host(format!("{error:#}")))?;
    Ok(linker)
}
