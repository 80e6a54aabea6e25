//! What may be returned.

use std::ops::ControlFlow;
use std::process::{ExitCode, ExitStatus};

use telemetry::command::{Outcome, Report};

use crate::seen::{one, succeeds};

#[telemetry::command]
fn unit_in_words() -> () {}

#[test]
fn a_written_unit() {
    succeeds("unit-in-words", (), unit_in_words);
}

#[telemetry::command]
fn code(n: u8) -> ExitCode {
    ExitCode::from(n)
}

#[test]
fn an_exit_code_is_read() {
    for n in [0, 1, 77, 255] {
        let (_, event) = one(|| code(n));
        assert_eq!(event.exit_code, Some(i32::from(n)));
    }
}

#[telemetry::command]
fn code_inside(fail: bool) -> Result<ExitCode, String> {
    if fail { Err("x".into()) } else { Ok(ExitCode::from(4)) }
}

#[test]
fn an_exit_code_inside_of_a_result_is_read() {
    assert_eq!(one(|| code_inside(false)).1.exit_code, Some(4));
    assert_eq!(one(|| code_inside(true)).1.exit_code, Some(1));
}

#[telemetry::command]
fn status() -> std::io::Result<ExitStatus> {
    Ok(ExitStatus::default())
}

#[test]
fn the_status_of_another_program_is_read() {
    let (_, event) = one(status);
    assert_eq!(event.exit_code, Some(0));
}

#[telemetry::command]
fn option(n: u8) -> Option<u8> {
    n.checked_sub(1)
}

#[test]
fn nothing_found_is_success() {
    succeeds("option", None, || option(0));
}

#[telemetry::command]
fn integer() -> i32 {
    4
}

#[test]
fn an_integer_is_no_exit_code_by_itself() {
    succeeds("integer", 4, integer);
}

#[telemetry::command(exit_code)]
fn integer_on_request(n: i32) -> i32 {
    n
}

#[test]
fn an_integer_is_an_exit_code_on_request() {
    assert_eq!(one(|| integer_on_request(-2)).1.exit_code, Some(-2));
}

#[telemetry::command(exit_code)]
fn integer_in_a_result(n: u64) -> Result<u64, String> {
    Ok(n)
}

#[test]
fn an_integer_inside_of_a_result_is_an_exit_code_on_request() {
    assert_eq!(one(|| integer_in_a_result(3)).1.exit_code, Some(3));
    assert_eq!(one(|| integer_in_a_result(u64::MAX)).1.exit_code, Some(i32::MAX), "the nearest that fits");
}

#[telemetry::command]
fn unknown() -> ControlFlow<u8> {
    ControlFlow::Break(1)
}

#[test]
fn an_unknown_type_is_success() {
    succeeds("unknown", ControlFlow::Break(1), unknown);
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Clean,
    Findings,
}

impl Outcome for Verdict {
    fn report(&self) -> Report {
        match self {
            Self::Clean => Report::success(),
            Self::Findings => Report::failure("findings").code(2),
        }
    }
}

#[telemetry::command]
fn own_type(clean: bool) -> Verdict {
    if clean { Verdict::Clean } else { Verdict::Findings }
}

#[test]
fn a_type_of_the_authors_own_says_how_it_ended() {
    succeeds("own-type", Verdict::Clean, || own_type(true));
    let (_, event) = one(|| own_type(false));
    assert_eq!((event.exit_code, event.error_kind.as_deref()), (Some(2), Some("findings")));
}

#[telemetry::command]
fn own_type_inside() -> Result<Verdict, String> {
    Ok(Verdict::Findings)
}

#[test]
fn a_type_of_the_authors_own_is_read_inside_of_a_result() {
    assert_eq!(one(own_type_inside).1.exit_code, Some(2));
}

#[telemetry::command]
fn own_type_by_reference(verdict: &Verdict) -> &Verdict {
    verdict
}

#[test]
fn a_type_of_the_authors_own_is_read_through_a_reference() {
    assert_eq!(one(|| own_type_by_reference(&Verdict::Findings).report()).1.exit_code, Some(2));
}

type Outcomes<T> = Result<T, String>;

#[telemetry::command]
fn aliased() -> Outcomes<u8> {
    Err("x".into())
}

#[test]
fn a_result_under_another_name_is_a_result() {
    assert_eq!(one(aliased).1.exit_code, Some(1));
}

#[telemetry::command]
fn nested_result() -> Result<Result<u8, u8>, String> {
    Ok(Err(1))
}

#[test]
fn a_result_inside_of_a_result_is_read() {
    assert_eq!(one(nested_result).1.exit_code, Some(1));
}

#[telemetry::command]
fn tuple_and_array() -> ([u8; 2], (u8, &'static str)) {
    ([1, 2], (3, "a"))
}

#[test]
fn a_tuple_is_success() {
    succeeds("tuple-and-array", ([1, 2], (3, "a")), tuple_and_array);
}

#[telemetry::command]
fn infallible() -> Result<u8, std::convert::Infallible> {
    Ok(1)
}

#[test]
fn a_result_that_cannot_fail() {
    succeeds("infallible", Ok(1), infallible);
}

#[telemetry::command]
fn result_of_nothing(fail: bool) -> Result<(), ()> {
    if fail { Err(()) } else { Ok(()) }
}

#[test]
fn an_error_of_nothing_is_a_failure() {
    let (_, event) = one(|| result_of_nothing(true));
    assert_eq!((event.exit_code, event.error_kind.as_deref()), (Some(1), Some("()")));
}
