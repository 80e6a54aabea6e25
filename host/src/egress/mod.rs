//! The one gate through which a component's requests leave.
//!
//! What is promised: a request goes to the granted scheme, host and port, below the granted path, or
//! nowhere; the address that is dialled is one that the grant allows; the component sees no
//! credential; nothing is followed, tried again or read without bound. How: a grant is parsed once
//! into a type that cannot be wrong ([`grant`]); a request is assembled from it and checked
//! ([`request`]); the address is judged where the name is resolved for the dial itself ([`dial`],
//! [`address`]), so that no other answer can come in between.

pub(crate) mod address;
pub(crate) mod answer;
#[cfg(feature = "wasi-http")]
pub(crate) mod by_url;
pub(crate) mod coding;
pub(crate) mod dial;
pub(crate) mod door;
pub(crate) mod gate;
pub(crate) mod grant;
pub(crate) mod headers;
pub(crate) mod proxy;
pub(crate) mod request;
pub(crate) mod resolve;
pub(crate) mod secret;
pub(crate) mod target;
pub(crate) mod tls;

#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod tables;
