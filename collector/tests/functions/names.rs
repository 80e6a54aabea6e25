//! Names of the author's that could be mistaken for the attribute's own.
#![allow(dead_code, non_upper_case_globals, reason = "names that do harm elsewhere")]

use std::future::Future;

use crate::seen::{one, succeeds, wait};

/// A `let` cannot shadow a `static`, and is a comparison with a `const`.
static guard: u8 = 1;
static future: u8 = 2;
static session: u8 = 3;
static extended: bool = true;
const out: u8 = 4;
const value: u8 = 5;
const error: &str = "six";
const body: u8 = 7;
const command: u8 = 8;

struct Probe;
struct Guard;
struct Command;
struct Report;

/// Methods that every type has, by any reference.
trait Everywhere: Sized {
    fn parts(&self) -> u8 {
        0
    }
    fn value(&self) -> u8 {
        0
    }
    fn error(&self) -> u8 {
        0
    }
    fn words(&self) -> u8 {
        0
    }
    fn report(&self) -> u8 {
        0
    }
    fn recorded(&self) -> u8 {
        0
    }
    fn metadata(&self) -> u8 {
        0
    }
    #[allow(clippy::wrong_self_convention, reason = "found before what takes a reference")]
    fn is_on(self) -> bool {
        false
    }
    fn end(self) {}
    fn code(self, _: i32) {}
    fn poll(self) {}
}

impl<T> Everywhere for T {}

#[derive(Debug, telemetry::Failure)]
enum Problem {
    #[failure(code = 9)]
    Refused,
}

#[derive(Clone, Copy, telemetry::Recordable)]
enum Format {
    Json,
}

#[derive(telemetry::Event)]
#[event(purpose = "To test.")]
struct Happened {
    #[field(purpose = "To test.", class = "usage", extended)]
    format: Format,
}

#[telemetry::command]
fn nothing() {
    assert_eq!((guard, future, session, out), (1, 2, 3, 4));
}

#[telemetry::command(record(format), metadata(n = value))]
fn fails(format: Format) -> Result<u8, Problem> {
    let _ = format;
    if value == 5 { Err(Problem::Refused) } else { Ok(value) }
}

#[telemetry::command(error_code = |it: &Problem| it.parts() + 3)]
fn gives_a_code() -> Result<u8, Problem> {
    Err(Problem::Refused)
}

#[telemetry::command(exit_code)]
fn is_a_code() -> Result<u8, &'static str> {
    if error.is_empty() { Err(error) } else { Ok(value) }
}

#[telemetry::command]
async fn awaited() -> Result<u8, Problem> {
    std::future::ready(guard + out).await;
    Err(Problem::Refused)
}

#[telemetry::command]
fn returned() -> impl Future<Output = Result<u8, Problem>> {
    let before = body + command;
    async move { if before == 15 { Err(Problem::Refused) } else { Ok(future) } }
}

#[test]
fn statics_and_constants_of_the_same_names_do_no_harm() {
    succeeds("nothing", (), nothing);
    let ((), events) =
        telemetry::capture(true, || telemetry::Declared::record(&Happened { format: Format::Json }));
    assert_eq!(events[0].attributes.len(), 1);
}

#[test]
fn methods_that_every_type_has_do_no_harm() {
    for run in [|| fails(Format::Json), || wait(awaited()), || wait(returned())] {
        let (_, event) = one(run);
        assert_eq!((event.exit_code, event.error_kind.as_deref()), (Some(9), Some("refused")));
    }
    assert_eq!(one(gives_a_code).1.exit_code, Some(3));
    assert_eq!(one(is_a_code).1.exit_code, Some(5));
}

#[test]
fn labels_of_the_authors_are_the_authors() {
    #[telemetry::command]
    fn looped() -> u8 {
        let mut reached = 0;
        'body: for n in 0..5 {
            for m in 0..5 {
                if n * m > 2 {
                    break 'body;
                }
                reached += 1;
            }
        }
        reached
    }
    succeeds("looped", 8, looped);
}

/// Where `Ok` and `Err` are an author's own.
mod answers {
    #[derive(Debug, PartialEq)]
    pub(super) enum Answer {
        Ok,
        Err,
    }

    use Answer::{Err, Ok};

    #[telemetry::command]
    pub(super) fn asked(yes: bool) -> Result<Answer, super::Problem> {
        std::result::Result::Ok(if yes { Ok } else { Err })
    }

    #[telemetry::command]
    pub(super) fn refused() -> Result<Answer, super::Problem> {
        std::result::Result::Err(super::Problem::Refused)
    }
}

#[test]
fn an_ok_and_an_err_of_the_authors_do_no_harm() {
    assert_eq!(one(|| answers::asked(false)).1.exit_code, Some(0));
    assert_eq!(one(|| answers::asked(true)).0.ok(), Some(answers::Answer::Ok));
    assert_eq!(one(answers::refused).1.exit_code, Some(9));
}
