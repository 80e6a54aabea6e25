//! The journal under real processes: killed, forked, many at once, and refused by the system.
//!
//! A test runs this same binary again as the program under test; `program` says what it does then.
#![cfg(unix)]
#![allow(unsafe_code, reason = "a test of fork must fork")]

mod crowds;
mod damage;
mod kills;
#[path = "../probe/needs.rs"]
mod needs;
mod program;
mod refused;
mod scene;
mod words;

/// Not a test of its own: what the tests run as another process.
#[test]
fn program() {
    program::run();
}
