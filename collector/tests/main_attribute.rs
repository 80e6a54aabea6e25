//! `#[telemetry::main]`: the library starts before anything else of `main`, and ends after it.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::process::ExitCode;

thread_local! {
    static STEPS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn step(what: &str) {
    STEPS.with_borrow_mut(|steps| steps.push(what.to_owned()));
}

fn steps() -> Vec<String> {
    STEPS.take()
}

/// Stands for the library, and says when it starts and ends.
mod library {
    pub(super) use telemetry::{__private, command};

    pub(super) struct Started;

    impl Drop for Started {
        fn drop(&mut self) {
            super::step("end");
        }
    }

    macro_rules! start {
        () => {{
            $crate::step("start");
            $crate::library::Started
        }};
        ($tool:expr) => {{
            $crate::step(&format!("start {}", $tool));
            $crate::library::Started
        }};
    }

    macro_rules! tool {
        ($path:literal) => {
            $path
        };
    }

    pub(super) use {start, tool};
}

/// Stands for a runtime's attribute: calls the future on a runtime that says when it starts.
macro_rules! runtime {
    ($run:ident, $name:ident, $out:ty) => {
        fn $name() -> $out {
            step("runtime");
            let mut future = std::pin::pin!($run());
            match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
                std::task::Poll::Ready(out) => out,
                std::task::Poll::Pending => panic!("nothing here waits"),
            }
        }
    };
}

#[telemetry::main(crate = library)]
fn plain() {
    step("body");
}

#[test]
fn a_main_that_returns_nothing() {
    plain();
    assert_eq!(steps(), ["start", "body", "end"]);
}

#[telemetry::main(crate = library, config = "other.toml")]
fn configured() -> Result<ExitCode, std::num::ParseIntError> {
    step("body");
    let _: u8 = "x".parse()?;
    Ok(ExitCode::SUCCESS)
}

#[test]
fn a_main_that_fails_and_names_its_configuration() {
    assert!(configured().is_err());
    assert_eq!(steps(), ["start other.toml", "body", "end"]);
}

/// With a command's attribute, which begins only when the library has started.
#[telemetry::main(crate = library)]
#[library::command(name = "whole", crate = library)]
#[allow(clippy::unnecessary_wraps, reason = "as a main has it")]
fn measured() -> Result<(), String> {
    step(if telemetry::begin("inside").is_on() { "on" } else { "off" });
    Ok(())
}

#[test]
fn a_main_that_is_a_command_too() {
    let (_, events) = telemetry::capture(false, measured);
    let names: Vec<&str> = events.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["inside", "whole"]);
    assert_eq!(steps(), ["start", "on", "end"]);
}

async fn body() -> u8 {
    step("body");
    7
}

#[telemetry::main(crate = library)]
fn asynchronous() -> u8 {
    runtime!(body, run, u8);
    run()
}

#[test]
fn the_library_starts_before_a_runtime_and_ends_after_it() {
    assert_eq!(asynchronous(), 7);
    assert_eq!(steps(), ["start", "runtime", "body", "end"]);
}

/// A real runtime's attribute below, which makes the function inside a plain one.
#[telemetry::main(crate = library)]
#[tokio::main(flavor = "current_thread")]
async fn below() -> Result<u8, String> {
    step(if tokio::runtime::Handle::try_current().is_ok() { "inside the runtime" } else { "outside" });
    tokio::task::yield_now().await;
    Ok(body().await)
}

#[test]
fn a_runtimes_attribute_stays_on_the_function_inside() {
    assert_eq!(below(), Ok(7));
    assert_eq!(steps(), ["start", "inside the runtime", "body", "end"]);
}

/// And above, where the runtime's attribute is the first to run.
#[tokio::main(flavor = "current_thread")]
#[telemetry::main(crate = library)]
async fn above() {
    step("body");
}

#[test]
fn a_runtimes_attribute_above_starts_the_library_first_too() {
    above();
    assert_eq!(steps(), ["start", "body", "end"]);
}

/// With a command in between.
#[telemetry::main(crate = library)]
#[telemetry::command(name = "whole")]
#[tokio::main(flavor = "current_thread")]
async fn all_three() -> ExitCode {
    step("body");
    ExitCode::from(3)
}

#[test]
fn a_command_around_a_runtime() {
    let (_, events) = telemetry::capture(false, all_three);
    assert_eq!((events.len(), events[0].exit_code), (1, Some(3)));
    assert_eq!(steps(), ["start", "body", "end"]);
}
