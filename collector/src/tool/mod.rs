//! What the author declares: the tool, its configuration, and what cannot be said in a file.

mod config;
mod duration;
#[doc(hidden)]
pub mod found;
mod grants;
mod keys;
mod otel;
#[doc(hidden)]
pub mod shipping;
mod sites;
mod tables;
#[cfg(any(feature = "config-file", test))]
mod text;

pub use config::{Config, ConfigError};
pub use grants::{Credential, CredentialSource, Endpoint, Placement};
pub use tables::{Consent, Delivery, ErasureTable, IdentityKind, JournalCaps, Mode, Semantics, ToolTable};

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::{Backend, Erasure};

/// Makes the author's own backend, in the process that sends.
pub(crate) type MakeBackend = Arc<dyn Fn() -> Box<dyn Backend> + Send + Sync>;

/// What no backend is: for the compiler's message where a tool that only records is given one of its own.
#[cfg(not(feature = "sender"))]
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a tool that only records sends through no backend of its own",
    label = "needs the feature `sender` of cli-telemetry",
    note = "add it to the dependency: `features = [\"sender\"]`"
)]
pub trait NeedsTheFeatureSender {}

/// The author's own way to ask for an erasure.
pub(crate) type Erase = Arc<dyn Fn(&[String]) -> Erasure + Send + Sync>;

/// A component that the author embedded in the tool, by the name that `[backend] use` gives.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "components"),
    allow(dead_code, reason = "only a build that sends loads components")
)]
pub(crate) struct Embedded {
    pub(crate) name: Cow<'static, str>,
    pub(crate) code: Code,
}

/// What was embedded.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "components"),
    allow(dead_code, reason = "only a build that sends loads components")
)]
pub(crate) enum Code {
    Wasm(Cow<'static, [u8]>),
    Precompiled(&'static [u8]),
}

/// Reads the configuration. A function, so that of all the ways to have one only that which a tool takes is linked.
type Read = Arc<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

/// A tool as its author declares it: what [`start`](crate::start()) takes.
///
/// [`tool!`](crate::tool!) makes one from the `telemetry.toml` beside the tool's `Cargo.toml`; the
/// methods add what a file cannot say, or replace the file.
///
/// ```
/// use telemetry::Tool;
///
/// let tool = Tool::from_toml("1.0.0", r#"
///     [tool]
///     id = "com.example.greet"
///     [backend]
///     use = "noop"
/// "#);
/// assert_eq!(tool.config().unwrap().tool.id, "com.example.greet");
/// ```
#[derive(Clone)]
pub struct Tool {
    version: Cow<'static, str>,
    read: Read,
    /// The file that it is read from when the tool runs, if it is.
    file: Option<PathBuf>,
    debug_build: bool,
    data_directory: Option<PathBuf>,
    pub(crate) backend: Option<(Cow<'static, str>, MakeBackend)>,
    pub(crate) embedded: Vec<Embedded>,
    pub(crate) logger: Option<crate::diagnostics::Logger>,
    pub(crate) metadata: Vec<crate::event::Attribute<'static>>,
    pub(crate) erase: Option<Erase>,
}

impl Tool {
    /// What [`tool!`](crate::tool!) makes: a tool whose configuration was parsed when it was compiled.
    #[doc(hidden)]
    pub fn embedded(version: impl Into<Cow<'static, str>>, found: &'static found::Found) -> Self {
        Self::new(version.into(), Arc::new(move || Config::embedded(found)))
    }

    /// A tool whose configuration is this TOML text, which is parsed when the tool starts. `version` is the
    /// tool's own, as a rule `env!("CARGO_PKG_VERSION")`. Needs the feature `config-file`;
    /// [`tool!`](crate::tool!) does not, which parses a file when the tool is compiled.
    #[cfg(any(feature = "config-file", test))]
    pub fn from_toml(version: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self::new(version.into(), Arc::new(move || Config::parse(&text, "telemetry.toml (embedded)")))
    }

    /// A tool whose configuration was built in code.
    pub fn from_config(version: impl Into<Cow<'static, str>>, config: Config) -> Self {
        Self::new(version.into(), Arc::new(move || config.clone().checked("the configuration built in code")))
    }

    fn new(version: Cow<'static, str>, read: Read) -> Self {
        Self {
            version,
            read,
            file: None,
            debug_build: cfg!(debug_assertions),
            data_directory: None,
            backend: None,
            embedded: Vec::new(),
            logger: None,
            metadata: Vec::new(),
            erase: None,
        }
    }

    /// Says this with every event that does not say it itself. For the tool's schema it is declared by
    /// [`Entry::everywhere`](crate::schema::Entry::everywhere).
    #[must_use]
    pub fn metadata(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<crate::event::Value<'static>>,
    ) -> Self {
        self.metadata.push(crate::event::Attribute::new(key, value));
        self
    }

    /// Reads the configuration from this file when the tool starts, in place of what was embedded.
    /// Relative paths in it are relative to its directory. Needs the feature `config-file`.
    ///
    /// A file that cannot be read or is not understood names no tool and no destination: while it is so,
    /// nothing is recorded or sent, the user's `status` says what is wrong in which line, and what earlier
    /// runs recorded stays and is sent once it is mended. A *backend* that cannot be used is another matter:
    /// recording goes on, and the events are held.
    ///
    /// Whoever chooses the file chooses where data goes: take the path from a place that only the
    /// author or the machine's administrator can write, never from the working directory.
    #[cfg(feature = "config-file")]
    #[must_use]
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.file = Some(path.clone());
        self.read = Arc::new(move || Config::read(&path));
        self
    }

    /// Keeps everything in this directory in place of the platform's state directory.
    #[must_use]
    pub fn data_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_directory = Some(path.into());
        self
    }

    /// Sends through the author's own backend. `make` is called in the process that sends, which is
    /// seldom the one that records. `destination` is what the user consents to, as in
    /// `"Example Corp at telemetry.example.com"`. Needs the feature `sender`: without it the tool only records.
    #[cfg(feature = "sender")]
    #[must_use]
    pub fn backend<B: Backend + 'static>(
        mut self,
        destination: impl Into<Cow<'static, str>>,
        make: impl Fn() -> B + Send + Sync + 'static,
    ) -> Self {
        self.backend = Some((destination.into(), Arc::new(move || Box::new(make()))));
        self
    }

    /// Says what is missing where the author's own backend could not be used.
    #[cfg(not(feature = "sender"))]
    #[doc(hidden)]
    #[must_use]
    pub fn backend<B: NeedsTheFeatureSender>(
        self,
        _: impl Into<Cow<'static, str>>,
        _: impl Fn() -> B + Send + Sync + 'static,
    ) -> Self {
        self
    }

    /// Embeds a component, as a rule with `include_bytes!`, that `[backend] use = "<name>"` then
    /// names.
    #[must_use]
    pub fn component(
        mut self,
        name: impl Into<Cow<'static, str>>,
        wasm: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        self.embedded.push(Embedded { name: name.into(), code: Code::Wasm(wasm.into()) });
        self
    }

    /// The same for a component that was compiled when the tool was built, so that the tool needs no
    /// compiler: by `telemetry_host::precompile_in_build_script` or `telemetry-kit precompile`. With either it
    /// is there for the processor and for the interpreter, which serves where executable memory is refused.
    ///
    /// This is code that runs as it stands. It must be part of the program (`include_bytes!`), never
    /// something that was read at run time.
    #[must_use]
    pub fn precompiled(mut self, name: impl Into<Cow<'static, str>>, artefact: &'static [u8]) -> Self {
        self.embedded.push(Embedded { name: name.into(), code: Code::Precompiled(artefact) });
        self
    }

    /// Asks for erasure in the author's own way. `erase` gets every machine id that something was sent under
    /// and has no receipt yet; it is called again, with growing waits, where it says to try again, in this
    /// process or in one that sends.
    #[must_use]
    pub fn erasure(mut self, erase: impl Fn(&[String]) -> Erasure + Send + Sync + 'static) -> Self {
        self.erase = Some(Arc::new(erase));
        self
    }

    /// Hands diagnostics (answers that were not success, losses, fallbacks) to the tool's own
    /// logger. Nothing is ever printed otherwise.
    ///
    /// The logger is called in the sender, too, which is a process of its own: it has given up every file and socket that
    /// was open before `start!`, so that it holds nothing of the process that started it. What is written to one of those there
    /// is lost; a logger that is to be heard from the sender opens its file when it is called.
    #[must_use]
    pub fn logger(
        mut self,
        logger: impl Fn(&crate::diagnostics::Diagnostic) + Send + Sync + 'static,
    ) -> Self {
        self.logger = Some(crate::diagnostics::Logger::new(logger));
        self
    }

    /// Says whether this is a debug build, whose events stay on the machine unless
    /// `send_from_debug_builds` is set. [`tool!`](crate::tool!) says it by itself.
    #[must_use]
    pub fn debug_build(mut self, debug: bool) -> Self {
        self.debug_build = debug;
        self
    }

    /// The configuration, read and checked.
    ///
    /// # Errors
    /// Where the file cannot be read, or the text is not a valid configuration; the message names
    /// the file, the line and what would be right.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = (self.read)()?;
        let applied = otel::apply(&mut config, |name| std::env::var(name).ok());
        applied.map(|()| config).map_err(|problem| ConfigError::new("the environment", problem))
    }

    /// What relative paths in the configuration are relative to: the directory of the file, or of
    /// the executable where the configuration is embedded. Never the working directory.
    pub(crate) fn base_directory(&self) -> Option<PathBuf> {
        let of = match &self.file {
            Some(file) => std::path::absolute(file).ok()?,
            None => std::env::current_exe().ok()?,
        };
        of.parent().map(Path::to_path_buf)
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn is_debug_build(&self) -> bool {
        self.debug_build
    }

    pub(crate) fn chosen_data_directory(&self) -> Option<&Path> {
        self.data_directory.as_deref()
    }
}
