//! Write a telemetry backend as a WebAssembly component.
//!
//! A backend turns a batch of events into one vendor's HTTP requests and reads the vendor's answer.
//! It has no other power: no sockets, no files, no environment, no clock. It never sees a credential.
//! The host adds that after the request has left the component.
//!
//! An author's crate needs this one dependency and no configuration of cargo:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! telemetry-backend-sdk = "0.1"
//! ```
//!
//! ```
#![doc = include_str!("../examples/acme.rs")]
//! ```
//!
//! `cargo build --release --target wasm32-wasip2` writes the component. Built for
//! `wasm32-unknown-unknown` with `-C linker=wasm-component-ld` it has no WASI import at all.
//!
//! | to | use |
//! | --- | --- |
//! | say what the backend is and asks for | [`Description`], [`Setting`], [`Endpoint`], [`Limits`] |
//! | check the author's settings | [`Backend::configure`], [`Problem`] |
//! | build a request | [`Request::post`] and its methods |
//! | say what an answer means | [`Rules`] |
//! | keep a vendor's size limits | [`fit`] |
//! | write to the tool's debug log | [`log`] |
//! | test natively, without WebAssembly | [`testing`] |
//!
//! Outside WebAssembly nothing here calls the host, so a backend's mapping is ordinary, testable Rust.

#[doc(hidden)]
pub mod bindings;

mod backend;
mod describe;
pub mod fit;
#[doc(hidden)]
pub mod guest;
mod http;
pub mod json;
pub mod log;
mod rules;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod time;

pub use backend::{Backend, NoSettings};
pub use bindings::exports::telemetry::backend::exporter::{
    Credential, Description, Endpoint, Limits, Placement, Problem, Setting, Site,
};
pub use bindings::telemetry::backend::http::{
    Body, ContentCoding, Error as HttpError, Header, Method, Request, Response,
};
pub use bindings::telemetry::backend::types::{
    Attribute, Batch, Erasure, Event, Instant, Origin, Outcome, RetryAdvice, SendContext, Value, Verdict,
};
pub use http::Http;
pub use rules::{Exception, Meaning, Rules};

/// The contract that a component is built from, in WIT: for tools that make backends in other languages.
pub const WIT: &str = include_str!("../wit/backend.wit");

// An author's crate derives and builds JSON with these, so that it needs no dependency of its own.
pub use {serde, serde_json};

/// What a backend's source file needs: `use telemetry_backend_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Backend, Batch, Description, Endpoint, Erasure, Event, Http, Limits, NoSettings, Outcome, Problem,
        Request, Rules, SendContext, Setting, export,
    };
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::json;
}
