//! The command functions of twelve open-source programs that use clap: the signatures as their sources
//! have them, with small bodies of our own. Each takes the attribute without a change to its signature.
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "what a body does not use, the signature still names")]

mod asynchronous;
mod recipes;
mod search;
mod toolchain;
mod versions;

use telemetry::event::Event;

/// Name, exit code and error kind of each command that `run` is.
fn told<R>(run: impl FnOnce() -> R) -> Vec<(String, Option<i32>, Option<String>)> {
    let (_, events) = telemetry::capture(false, run);
    let one = |it: Event<'_>| (it.name.into_owned(), it.exit_code, it.error_kind.map(|it| it.into_owned()));
    events.into_iter().map(one).collect()
}

fn is(name: &str, code: i32, kind: Option<&str>) -> (String, Option<i32>, Option<String>) {
    (name.to_owned(), Some(code), kind.map(str::to_owned))
}
