//! What an author's lints say about annotated code: nothing. And the library under another name.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(unused, rust_2018_idioms, rust_2021_compatibility, rust_2024_compatibility, unreachable_pub)]
#![deny(
    unused_qualifications,
    unused_results,
    single_use_lifetimes,
    trivial_casts,
    elided_lifetimes_in_paths
)]
#![deny(let_underscore_drop, missing_debug_implementations, variant_size_differences)]

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

/// The library, under another name.
use telemetry as usage;

/// A choice.
#[derive(Clone, Copy, Debug, telemetry::Recordable)]
pub enum Format {
    /// One.
    Json,
    /// Another.
    Text(u8),
}

/// An error.
#[derive(Debug, telemetry::Failure)]
pub enum Problem {
    /// One.
    Missing,
    /// Another.
    #[failure(code = 2)]
    Refused(String),
}

/// An event.
#[derive(Debug, telemetry::Event)]
#[event(purpose = "To test.")]
pub struct Happened {
    /// How.
    #[field(purpose = "To test.", class = "usage")]
    pub format: Format,
    /// Where.
    #[field(purpose = "To test.", class = "content", text, extended)]
    pub place: String,
}

/// Nothing.
#[telemetry::command]
pub fn nothing() {}

/// A value.
///
/// # Errors
/// Never.
#[telemetry::command(record(format, text(name)), metadata(length = name.len()), error_code = 3)]
pub fn value(format: Format, name: &str) -> Result<usize, Problem> {
    let _ = format;
    if name.is_empty() {
        return Err(Problem::Missing);
    }
    Ok(name.len())
}

/// An exit code.
#[telemetry::command(exit_code)]
#[must_use]
pub fn integer() -> i32 {
    0
}

/// A future.
///
/// # Errors
/// Never.
#[telemetry::command(record(count))]
pub async fn future(count: u8) -> Result<u8, Problem> {
    nothing();
    std::future::ready(()).await;
    Ok(count)
}

/// A returned future.
#[telemetry::command]
pub fn returned(count: u8) -> impl Future<Output = u8> + Send {
    let more = count + 1;
    async move { more }
}

/// A boxed future.
#[telemetry::command]
#[must_use]
pub fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
    Box::pin(async move { text.len() })
}

/// A type.
#[derive(Debug, Default)]
pub struct Tool {
    runs: u8,
}

impl Tool {
    /// A method.
    #[telemetry::command(crate = usage, metadata(runs = self.runs))]
    #[must_use]
    pub fn run(&self) -> ExitCode {
        ExitCode::from(self.runs)
    }

    /// A mutable one.
    #[telemetry::command(crate = crate::usage)]
    pub fn change(&mut self) -> &mut u8 {
        self.runs += 1;
        &mut self.runs
    }
}

/// A generic one.
///
/// # Errors
/// Where the condition does not hold.
#[telemetry::command(metadata(count = N))]
pub fn generic<'a, T, E, const N: usize>(
    all: &'a [T; N],
    check: impl Fn(&T) -> Result<(), E>,
) -> Result<&'a T, E>
where
    T: Clone + 'a,
    [T; N]: Sized,
{
    let [first, ..] = all.as_slice() else { unreachable!("it has {N}") };
    check(first)?;
    Ok(first)
}

/// A trait with futures.
#[async_trait::async_trait]
pub trait Service {
    /// A future.
    ///
    /// # Errors
    /// Where there is nothing to call.
    async fn call(&self, name: &str) -> Result<usize, Problem>;
}

#[async_trait::async_trait]
impl Service for Tool {
    #[telemetry::command(name = "service/call", record(text(name)))]
    async fn call(&self, name: &str) -> Result<usize, Problem> {
        std::future::ready(()).await;
        if name.is_empty() {
            return Err(Problem::Missing);
        }
        Ok(usize::from(self.runs) + name.len())
    }
}

/// A trait with futures of the language's own.
pub trait Native {
    /// A future.
    fn go(&self) -> impl Future<Output = u8> + Send;
}

impl Native for Tool {
    #[telemetry::command(name = "native/go")]
    async fn go(&self) -> u8 {
        std::future::ready(self.runs).await
    }
}

/// A whole tool's `main`, which is not called here.
mod whole {
    use std::process::ExitCode;

    /// Begins the library as `#[telemetry::main]` does.
    #[telemetry::main(config = "examples/greet.toml")]
    #[telemetry::command(name = "whole")]
    pub(super) fn main() -> ExitCode {
        ExitCode::SUCCESS
    }

    /// And on a runtime.
    #[telemetry::main(config = "examples/greet.toml")]
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn asynchronous() -> Result<(), super::Problem> {
        super::future(1).await.map(drop)
    }
}

#[test]
fn an_authors_strictest_lints_find_nothing() {
    let ((), events) = telemetry::capture(false, || {
        nothing();
        assert!(value(Format::Text(1), "").is_err());
        assert_eq!(*Tool::default().change(), 1);
        let _ = Tool::default().run();
        assert_eq!(integer(), 0);
    });
    assert_eq!(events.len(), 5);
    drop((future(1), returned(1), boxed("a")));
    drop((Tool::default().call("a"), Tool::default().go()));
    assert_eq!(generic(&[1, 2], |_| Ok::<_, Problem>(())).unwrap_or(&0), &1);
    let _: fn() -> ExitCode = whole::main;
    let _: fn() -> Result<(), Problem> = whole::asynchronous;
}
