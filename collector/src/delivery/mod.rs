//! How events leave the journal: what may be sent when, and what becomes of it.
//!
//! Most of it is policy: it takes what happened and the time, and says what to do next. It does no
//! I/O, reads no clock and draws no randomness but from what it is handed, so that tests and a simulated
//! fleet drive it in virtual time.
//!
//! | file | reason to exist |
//! | --- | --- |
//! | [`rules`] | every figure, named and with the reason for its size |
//! | [`schedule`] | the state of delivery that outlives a sender |
//! | `batches` | which batch is next |
//! | [`policy`] | what the end of an attempt means |
//! | [`starts`] | whether this run may start a sender |
//! | [`backoff`], [`retry_after`] | how long to wait |
//! | [`request`] | what names a request |
//! | [`limits`] | how much a batch may hold |
//! | [`sampling`] | which kinds of event this machine takes part in |
//! | [`ledger`] | what was sent, for the user's eyes |
//! | [`files`] | the two small files that the policy's state lives in |
//! | [`configured`] | the rules that a tool's configuration makes |
//! | [`recorded`] | what the journal holds, as events |
//! | [`sender`] | drains the journal into a backend, as the policy says |
//! | [`start`] | the ways a sender is started |
//! | [`helper`] | the program beside a tool that only records |

mod after;
pub mod backoff;
mod batches;
mod clock;
pub(crate) mod codec;
pub(crate) mod configured;
pub(crate) mod files;
pub(crate) mod helper;
pub(crate) mod ledger;
pub mod limits;
pub mod policy;
pub(crate) mod recorded;
pub mod request;
pub mod retry_after;
pub mod rules;
pub mod sampling;
pub mod schedule;
pub(crate) mod sender;
mod spread;
pub(crate) mod start;
pub mod starts;

pub use codec::Unreadable;
pub use ledger::Delivery;

#[cfg(test)]
mod tests;
