//! What a body may do.

use std::num::ParseIntError;
use std::process::ExitCode;

use crate::seen::{all, ended, one, succeeds};

#[telemetry::command]
fn nothing() {}

#[test]
fn an_empty_body_is_a_command() {
    succeeds("nothing", (), nothing);
}

#[telemetry::command]
fn early(stop: bool, steps: &mut Vec<u8>) {
    steps.push(1);
    if stop {
        return;
    }
    steps.push(2);
}

#[test]
fn an_early_return_of_nothing_ends_the_command() {
    let mut steps = Vec::new();
    succeeds("early", (), || early(true, &mut steps));
    assert_eq!(steps, [1]);
}

#[telemetry::command]
fn parse(text: &str) -> Result<i32, ParseIntError> {
    let number: i32 = text.parse()?;
    Ok(number + 1)
}

#[test]
fn a_question_mark_leaves_the_body_and_not_the_command() {
    let (returned, event) = one(|| parse("x"));
    assert!(returned.is_err());
    assert_eq!((event.exit_code, ended(&event)), (Some(1), "finished"));
    assert_eq!(event.error_kind.as_deref(), Some("core::num::error::ParseIntError"));
}

#[derive(Debug)]
struct Wrapped(#[allow(dead_code, reason = "shown by Debug")] ParseIntError);

impl From<ParseIntError> for Wrapped {
    fn from(error: ParseIntError) -> Self {
        Self(error)
    }
}

#[telemetry::command]
fn converted(text: &str) -> Result<i32, Wrapped> {
    Ok(text.parse::<i32>()?)
}

#[test]
fn a_question_mark_converts_to_the_written_error() {
    let (_, event) = one(|| converted("x"));
    assert!(event.error_kind.as_deref().is_some_and(|it| it.ends_with("Wrapped")), "{event:?}");
}

#[telemetry::command]
fn looped(limit: u32) -> u32 {
    let mut sum = 0;
    'outer: for row in 0.. {
        for column in 0..row {
            if sum > limit {
                break 'outer;
            }
            if column == 2 {
                continue 'outer;
            }
            sum += column;
        }
    }
    sum
}

#[test]
fn loops_labels_break_and_continue_work() {
    succeeds("looped", 6, || looped(5));
}

#[telemetry::command]
fn returned_in_a_loop(words: &[&str]) -> Option<usize> {
    for (at, word) in words.iter().enumerate() {
        if word.is_empty() {
            return Some(at);
        }
    }
    None
}

#[test]
fn a_return_inside_of_a_loop_returns_from_the_function() {
    succeeds("returned-in-a-loop", Some(1), || returned_in_a_loop(&["a", ""]));
}

#[telemetry::command]
fn factorial(n: u64) -> u64 {
    if n < 2 { 1 } else { n * factorial(n - 1) }
}

#[test]
fn recursion_records_each_call() {
    let (returned, events) = all(|| factorial(20));
    assert_eq!(returned, 2_432_902_008_176_640_000);
    assert_eq!(events.len(), 20, "also beyond what the thread's stack has room for");
}

#[telemetry::command]
fn with_items() -> u8 {
    const STEP: u8 = 2;
    struct Counter(u8);
    impl Counter {
        fn next(&mut self) -> u8 {
            self.0 += STEP;
            self.0
        }
    }
    use std::cmp::max;
    max(Counter(0).next(), 1)
}

#[test]
fn items_inside_of_a_body_stay_there() {
    succeeds("with-items", 2, with_items);
}

#[telemetry::command]
fn inner_attributes() -> u8 {
    #![allow(unused_variables, reason = "what is tested")]
    let unused = 1;
    7
}

#[test]
fn an_inner_attribute_reaches_the_body() {
    succeeds("inner-attributes", 7, inner_attributes);
}

macro_rules! stop {
    ($value:expr) => {
        return $value
    };
}

#[telemetry::command]
fn by_macro(n: u8) -> Result<u8, String> {
    if n > 1 {
        stop!(Err("too many".to_owned()));
    }
    stop!(Ok(n))
}

#[test]
fn a_return_hidden_in_a_macro_is_seen() {
    let (returned, event) = one(|| by_macro(2));
    assert_eq!((returned, event.exit_code), (Err("too many".to_owned()), Some(1)));
}

macro_rules! commands {
    ($($name:ident => $value:expr),*) => {
        $(
            #[telemetry::command]
            fn $name() -> u8 {
                let guard = $value;
                let out = guard;
                out
            }
        )*
    };
}

commands!(first => 1, second => 2);

#[test]
fn a_function_written_by_a_macro_is_named_by_its_own_name() {
    succeeds("first", 1, first);
    succeeds("second", 2, second);
}

macro_rules! passed_on {
    ($visibility:vis $name:ident($($parameter:ident: $type:ty),*) -> $out:ty $body:block) => {
        #[telemetry::command(record($($parameter),*))]
        $visibility fn $name($($parameter: $type),*) -> $out $body
    };
}

passed_on!(pub(crate) passed(n: u8) -> Result<u8, String> {
    if n == 0 { Err(String::new()) } else { Ok(n) }
});

passed_on!(pub(crate) passed_nothing(n: &u8) -> () { let _ = n; });

#[test]
fn a_function_whose_parts_a_macro_passed_on_is_read_through() {
    assert_eq!(one(|| passed(0)).1.exit_code, Some(1));
    succeeds("passed-nothing", (), || passed_nothing(&1));
}

#[telemetry::command]
fn every_name_of_ours(guard: u8, out: u8, task: u8, future: u8, value: u8) -> Result<u8, u8> {
    let error = guard + out;
    let _guard = task + future + value;
    if error > 200 { Err(error) } else { Ok(error + _guard) }
}

#[test]
fn no_name_of_the_author_meets_one_of_the_attribute() {
    succeeds("every-name-of-ours", Ok(15), || every_name_of_ours(1, 2, 3, 4, 5));
}

mod shadowed {
    //! The prelude's names mean something else here.
    #![allow(non_upper_case_globals, dead_code, reason = "what is tested")]

    pub(crate) struct Option;
    pub(crate) struct Result;
    pub(crate) struct Box;
    pub(crate) struct Vec;
    pub(crate) struct Probe;
    pub(crate) struct Some(pub(crate) u8);
    pub(crate) mod std {}
    pub(crate) mod core {}
    pub(crate) mod telemetry {}

    #[::telemetry::command]
    pub(crate) fn shadowed(some: Some) -> Some {
        Some(some.0 + 1)
    }

    #[::telemetry::command(record(some))]
    pub(crate) async fn shadowed_future(some: u8) -> Some {
        Some(some + 1)
    }
}

#[test]
fn nothing_is_captured_by_names_of_the_prelude_that_the_author_took() {
    let (returned, _) = one(|| shadowed::shadowed(shadowed::Some(1)).0);
    assert_eq!(returned, 2);
    let (returned, _) = one(|| crate::seen::wait(shadowed::shadowed_future(1)).0);
    assert_eq!(returned, 2);
}

#[telemetry::command]
fn raw_names(r#type: u8) -> u8 {
    r#type
}

#[telemetry::command]
fn r#match() -> u8 {
    1
}

#[test]
fn a_raw_identifier_is_named_without_its_mark() {
    succeeds("match", 1, r#match);
    succeeds("raw-names", 3, || raw_names(3));
}

#[telemetry::command]
fn never() -> ! {
    std::panic::panic_any("over")
}

#[test]
fn a_function_that_never_returns_is_recorded_when_it_unwinds() {
    let (caught, event) = one(|| std::panic::catch_unwind(|| never()).is_err());
    assert!(caught);
    assert_eq!((event.exit_code, ended(&event)), (Some(101), "panicked"));
}

#[telemetry::command]
fn panics(text: &str) -> Result<i32, ParseIntError> {
    Ok(text.parse::<i32>().unwrap())
}

#[test]
fn a_panic_is_recorded_and_goes_on() {
    let (caught, event) = one(|| std::panic::catch_unwind(|| panics("x")).is_err());
    assert!(caught);
    assert_eq!(
        (event.exit_code, ended(&event), event.error_kind.as_deref()),
        (Some(101), "panicked", Some("panic"))
    );
}

#[telemetry::command]
fn catches() -> bool {
    std::panic::catch_unwind(|| panic!("inside")).is_err()
}

#[test]
fn a_panic_that_the_body_catches_is_no_end() {
    succeeds("catches", true, catches);
}

struct RunsACommand;

impl Drop for RunsACommand {
    fn drop(&mut self) {
        nothing();
    }
}

#[test]
fn a_command_that_runs_while_the_thread_unwinds_ends_by_itself() {
    let (_, event) = one(|| {
        std::panic::catch_unwind(|| {
            let _runs = RunsACommand;
            panic!("around it");
        })
        .is_err()
    });
    assert_eq!((event.exit_code, ended(&event)), (Some(0), "finished"));
}

#[telemetry::command]
extern "C" fn exported(n: i64) -> i64 {
    n + 1
}

#[test]
fn an_extern_function_keeps_its_calling_convention() {
    let plain: extern "C" fn(i64) -> i64 = exported;
    succeeds("exported", 3, || plain(2));
}

/// A command that a program may be.
#[telemetry::command]
fn main() -> ExitCode {
    ExitCode::from(3)
}

#[test]
fn a_function_called_main_is_a_command() {
    let (_, event) = one(main);
    assert_eq!((&*event.name, event.exit_code), ("main", Some(3)));
}

#[cfg(any())]
#[telemetry::command(this is never read)]
fn configured_away() {}

#[cfg_attr(all(), telemetry::command(name = "configured"))]
fn configured_in() {}

#[test]
fn configuration_decides_before_the_attribute() {
    succeeds("configured", (), configured_in);
}
