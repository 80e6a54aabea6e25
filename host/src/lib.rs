//! Loads a telemetry backend, a WebAssembly component, grants it one power, and calls it.
//!
//! The one power is to ask for an HTTP request to an endpoint that the tool's author granted. Whatever
//! is in the file, the tool that loads it keeps its memory, its time, its files, its terminal and its
//! secrets to itself: see [`limits`] for what a component may cost and [`Grant`] for where it may send.
//!
//! This package knows the contract (`wit/backend.wit`) and no more of the rest: a collector turns what it
//! has recorded into a [`types::Batch`] and hands it over.
//!
//! ```no_run
//! use telemetry_host::{Backend, Component, Door, Grant, GrantSpec, LoadOptions, Setup, Source};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let component = Component::load(Source::Path("otlp.wasm".as_ref()), &LoadOptions::default())?;
//! let grant = Grant::parse(GrantSpec {
//!     endpoint: "collector".into(),
//!     url: "https://otel.example.com".into(),
//!     ..GrantSpec::default()
//! })?;
//! let mut backend = Backend::start(&component, Setup::new("{}", Door::open()).grant(grant))?;
//! let outcome = backend.send(&Default::default(), &Default::default())?;
//! # Ok(()) }
//! ```
// No panic can come from what a component or a server says.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::todo)
)]

mod asks;
mod backend;
#[cfg(feature = "compiler")]
mod cache;
mod check;
mod compile;
mod component;
mod egress;
mod engine;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod inspect;
mod instance;
pub mod limits;
mod log;
mod meter;
#[cfg(feature = "compiler")]
mod module_size;
mod native_code;
#[cfg(all(feature = "compiler", target_os = "linux", target_arch = "x86_64"))]
mod placed;
#[cfg(feature = "compiler")]
mod precompile;
mod precompiled;
mod read;
mod single;
mod state;
mod text;
mod track;
pub mod types;
mod wasi;
#[cfg(feature = "wasi-http")]
mod wasi_http;

pub use backend::{Backend, Setup};
#[cfg(feature = "compiler")]
pub use cache::clear_cache;
pub use check::{Class as ImportClass, classify as classify_import};
pub use component::{Component, LoadOptions, Source};
pub use egress::address::{Class as AddressClass, classify as classify_address};
pub use egress::answer::{Answer, parse_retry_after};
pub use egress::door::{Denied, Door, Permit, Recorder};
pub use egress::gate::Exchanges;
pub use egress::grant::{Allow, Credential, Grant, GrantError, GrantSpec, Placement};
pub use egress::proxy::Proxies;
pub use egress::request::Outgoing;
pub use egress::resolve::{Addresses, Lookup, SystemLookup};
pub use egress::secret::Secret;
pub use error::{CallError, LoadError, Offence, StartError};
pub use inspect::{Import, Inspection, inspect};
pub use limits::Limits;
pub use log::{Level, LogLine, Stream};
#[cfg(feature = "compiler")]
pub use precompile::{
    CompileFor, precompile, precompile_bundle, precompile_for_tool, precompile_in_build_script,
};
pub use single::{PostError, Reached, post_json, reach};
