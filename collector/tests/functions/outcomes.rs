//! What is recorded of an error, and what only under extended collection.

use std::fmt;
use std::io;

use telemetry::command::Failure as _;

use crate::seen::{extended, one};

#[derive(Debug, telemetry::Failure)]
enum Problem {
    NotFound,
    #[failure(code = 64, kind = "usage")]
    WrongUsage(String),
    #[failure(code = 3)]
    Refused {
        by: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => out.write_str("not found"),
            Self::WrongUsage(how) => write!(out, "wrong usage: {how}"),
            Self::Refused { by } => write!(out, "refused by {by}"),
        }
    }
}

#[telemetry::command]
fn declared(problem: Problem) -> Result<(), Problem> {
    Err(problem)
}

#[test]
fn a_declared_error_is_named_by_its_case_and_gives_its_code() {
    for (problem, kind, code) in [
        (Problem::NotFound, "not-found", 1),
        (Problem::WrongUsage("x".into()), "usage", 64),
        (Problem::Refused { by: "y".into() }, "refused", 3),
    ] {
        let (_, event) = one(|| declared(problem));
        assert_eq!((event.error_kind.as_deref(), event.exit_code), (Some(kind), Some(code)));
        assert_eq!(event.error, None, "no text outside of extended collection");
    }
}

#[test]
fn an_errors_text_is_recorded_under_extended_collection_only() {
    let (_, events) = extended(|| declared(Problem::Refused { by: "y".into() }));
    assert_eq!(events[0].error.as_deref(), Some("refused by y"));
}

#[derive(Debug, telemetry::Failure)]
#[failure(kind = "broken", code = 70)]
struct Broken;

#[telemetry::command]
fn wordless() -> Result<(), Broken> {
    Err(Broken)
}

#[test]
fn an_error_without_words_is_recorded_without_words() {
    let (_, events) = extended(wordless);
    let event = &events[0];
    assert_eq!(
        (event.error_kind.as_deref(), event.exit_code, &event.error),
        (Some("broken"), Some(70), &None)
    );
}

#[telemetry::command]
fn of_the_system() -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::PermissionDenied))
}

#[test]
fn an_error_of_the_system_is_named_by_its_kind() {
    assert_eq!(one(of_the_system).1.error_kind.as_deref(), Some("io::PermissionDenied"));
}

#[telemetry::command]
fn boxed(of_the_system: bool) -> Result<(), Box<dyn std::error::Error>> {
    if of_the_system {
        std::fs::read("/nowhere/at/all")?;
    }
    Err("in words")?
}

#[test]
fn a_boxed_error_is_named_by_what_is_inside_where_that_is_known() {
    assert_eq!(one(|| boxed(true)).1.error_kind.as_deref(), Some("io::NotFound"));
    assert_eq!(one(|| boxed(false)).1.error_kind.as_deref(), Some("dyn Error"));
}

#[telemetry::command]
fn boxed_and_sent() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(io::Error::from(io::ErrorKind::TimedOut))?
}

#[test]
fn a_boxed_error_that_is_sent_is_read_too() {
    assert_eq!(one(boxed_and_sent).1.error_kind.as_deref(), Some("io::TimedOut"));
}

#[telemetry::command]
fn of_another_crate(of_the_system: bool) -> anyhow::Result<u8> {
    if of_the_system {
        let text = std::fs::read_to_string("/nowhere/at/all")?;
        return Ok(text.len().try_into()?);
    }
    anyhow::bail!("in words, {}", 2);
}

#[telemetry::command(error_code = |error: &anyhow::Error| if error.is::<io::Error>() { 74 } else { 1 })]
async fn of_another_crate_with_a_code() -> anyhow::Result<()> {
    use anyhow::Context as _;
    std::fs::read("/nowhere/at/all").context("while reading").map(drop)
}

#[test]
fn an_error_of_any_type_is_named_by_its_type_and_its_words_are_kept_for_extended_collection() {
    for of_the_system in [true, false] {
        let (_, event) = one(|| of_another_crate(of_the_system));
        assert_eq!((event.error_kind.as_deref(), event.exit_code), (Some("anyhow::Error"), Some(1)));
        assert_eq!(event.error, None);
    }
    let (_, events) = extended(|| of_another_crate(false));
    assert_eq!(events[0].error.as_deref(), Some("in words, 2"));
    let (_, event) = one(|| crate::seen::wait(of_another_crate_with_a_code()));
    assert_eq!(event.exit_code, Some(74));
}

#[telemetry::command(error_code = 9)]
fn always_nine() -> Result<(), Problem> {
    Err(Problem::NotFound)
}

#[test]
fn the_author_gives_every_error_a_code() {
    assert_eq!(one(always_nine).1.exit_code, Some(9));
}

const EXIT_DATA: u8 = 65;

#[telemetry::command(error_code = EXIT_DATA)]
fn by_constant() -> Result<(), String> {
    Err(String::new())
}

#[test]
fn a_constant_gives_the_code() {
    assert_eq!(one(by_constant).1.exit_code, Some(65));
}

fn code_of(problem: &Problem) -> i32 {
    problem.exit_code() + 1
}

#[telemetry::command(error_code = code_of)]
fn by_function() -> Result<u8, Problem> {
    Err(Problem::WrongUsage(String::new()))
}

#[test]
fn a_function_gives_the_code() {
    assert_eq!(one(by_function).1.exit_code, Some(65));
}

#[telemetry::command(error_code = |problem| problem.exit_code() * 2)]
fn by_closure() -> Result<u8, Problem> {
    Err(Problem::Refused { by: String::new() })
}

#[test]
fn a_closure_gives_the_code_without_naming_the_type() {
    assert_eq!(one(by_closure).1.exit_code, Some(6));
}

#[telemetry::command(error_code = 9)]
fn succeeds_anyway() -> Result<u8, Problem> {
    Ok(1)
}

#[test]
fn the_code_of_errors_leaves_success_alone() {
    assert_eq!(one(succeeds_anyway).1.exit_code, Some(0));
}

#[derive(Debug)]
struct Holds<T>(#[allow(dead_code, reason = "what must not be named")] T);

#[derive(Debug)]
struct PrivateName;

#[telemetry::command]
fn generic_error() -> Result<(), Holds<PrivateName>> {
    Err(Holds(PrivateName))
}

#[test]
fn the_arguments_of_an_errors_type_are_not_recorded() {
    let (_, event) = one(generic_error);
    assert!(event.error_kind.as_deref().is_some_and(|it| it.ends_with("::Holds")), "{event:?}");
}

#[test]
fn arguments_are_recorded_under_extended_collection_only_and_for_the_outermost_command() {
    #[telemetry::command]
    fn outer() {
        let _ = of_the_system();
    }
    let given: Vec<String> = std::env::args().skip(1).collect();
    let (_, events) = extended(outer);
    assert_eq!((&*events[0].name, events[0].args.len()), ("of-the-system", 0));
    assert_eq!(events[1].args, given);
    let (_, event) = one(of_the_system);
    assert!(event.args.is_empty());
}
