//! Every rule of Rust's functions that the attribute has to leave as it is, one function for each: it
//! compiles, returns what it did, and records what it should.
#![forbid(unsafe_code)]
#![allow(
    clippy::boxed_local,
    clippy::let_and_return,
    clippy::multiple_bound_locations,
    clippy::needless_arbitrary_self_type,
    clippy::unused_unit,
    reason = "the shapes are what is tested"
)]

mod awaited;
mod bodies;
mod by_hand;
mod futures;
mod generic;
mod methods;
mod names;
mod nested;
mod outcomes;
mod parameters;
mod receivers;
mod recorded;
mod returned;
mod seen;
