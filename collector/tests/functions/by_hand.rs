//! A command that is begun by hand ends as one under the attribute, whatever it returns.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use telemetry::command::{Outcome, Report};
use telemetry::event::Event;

use crate::seen::{all, ended, extended, wait};

#[derive(Debug, telemetry::Failure)]
enum Problem {
    NotFound,
    #[failure(code = 64, kind = "usage")]
    WrongUsage(&'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => out.write_str("not found"),
            Self::WrongUsage(how) => write!(out, "wrong usage: {how}"),
        }
    }
}

/// Without words.
#[derive(Debug, telemetry::Failure)]
#[failure(code = 70)]
struct Broken;

enum Verdict {
    Findings,
}

impl Outcome for Verdict {
    fn report(&self) -> Report {
        match self {
            Self::Findings => Report::failure("findings").code(2),
        }
    }
}

/// Says nothing about itself.
#[derive(Debug)]
struct Silent;

/// What is seen of how a command ended.
fn end(event: &Event<'_>) -> (Option<i32>, Option<String>, Option<String>, &'static str) {
    let owned = |it: &Option<std::borrow::Cow<'_, str>>| it.as_deref().map(str::to_owned);
    (event.exit_code, owned(&event.error_kind), owned(&event.error), ended(event))
}

/// The same command in several ways, first under the attribute.
fn agree(what: &str, ways: &[fn()]) {
    for seen in [all::<()>, extended::<()>] {
        let ends: Vec<_> = ways.iter().map(|way| seen(*way).1.iter().map(end).collect::<Vec<_>>()).collect();
        assert_eq!(ends[0].len(), 1, "{what}: one command");
        assert!(ends.iter().all(|it| *it == ends[0]), "{what}: {ends:#?}");
    }
}

macro_rules! by_attribute {
    ($type:ty, $value:expr) => {{
        #[telemetry::command(name = "same")]
        fn run() -> $type {
            $value
        }
        || {
            let _: $type = run();
        }
    }};
}

macro_rules! by_report {
    ($type:ty, $value:expr) => {
        || {
            let mut command = telemetry::begin("same");
            let returned: $type = $value;
            command.end(telemetry::report!(&returned));
        }
    };
}

macro_rules! all_ways {
    ($($type:ty = $value:expr;)*) => {$(
        agree(stringify!($type = $value), &[
            by_attribute!($type, $value),
            || {
                #[telemetry::command(name = "same")]
                async fn run() -> $type {
                    $value
                }
                let _: $type = wait(run());
            },
            || {
                let command = telemetry::begin("same");
                let returned: $type = $value;
                command.finish(&returned);
            },
            || {
                let _: $type = wait(telemetry::command::future("same", async { $value }));
            },
            by_report!($type, $value),
        ]);
    )*};
}

#[test]
fn what_says_how_it_ended_ends_by_hand_as_under_the_attribute() {
    all_ways! {
        bool = false;
        u8 = 3;
        String = "text".to_owned();
        Option<u8> = None;
        ExitCode = ExitCode::from(4);
        Verdict = Verdict::Findings;
        Result<(), io::Error> = Ok(());
        Result<u32, io::Error> = Ok(3);
        Result<Option<ExitCode>, io::Error> = Ok(Some(ExitCode::from(4)));
        Result<ExitCode, io::Error> = Ok(ExitCode::from(4));
        Result<ExitCode, Box<dyn Error>> = Ok(ExitCode::FAILURE);
        Result<Verdict, String> = Ok(Verdict::Findings);
        Result<(), io::Error> = Err(io::ErrorKind::NotFound.into());
        Result<(), Problem> = Err(Problem::NotFound);
        Result<ExitCode, Problem> = Err(Problem::WrongUsage("twice"));
        Result<(), Broken> = Err(Broken);
        Result<(), &'static Problem> = Err(&Problem::NotFound);
        Result<u8, String> = Err("text".to_owned());
        Result<u8, &'static str> = Err("text");
        Result<u8, std::num::ParseIntError> = "x".parse();
        Result<u8, Box<dyn Error>> = Err("in words".into());
        Result<u8, Box<dyn Error + Send + Sync>> = Err(io::Error::from(io::ErrorKind::TimedOut).into());
        Result<Result<u8, Problem>, io::Error> = Ok(Err(Problem::WrongUsage("inside")));
    }
}

#[test]
fn what_says_nothing_is_read_by_the_macro_as_by_the_attribute() {
    macro_rules! both_ways {
        ($($type:ty = $value:expr;)*) => {$(
            agree(stringify!($type = $value), &[by_attribute!($type, $value), by_report!($type, $value)]);
        )*};
    }
    both_ways! {
        Silent = Silent;
        Result<Silent, Problem> = Ok(Silent);
        Result<Silent, Silent> = Err(Silent);
        Result<ExitCode, Silent> = Ok(ExitCode::from(4));
        Result<Result<u8, Silent>, Silent> = Ok(Err(Silent));
        Result<(), fmt::Error> = Err(fmt::Error);
        [Result<u8, Silent>; 1] = [Err(Silent)];
    }
}

#[test]
fn an_exit_code_inside_of_a_success_is_recorded_by_hand() {
    let (_, events) = all(|| {
        telemetry::begin("by-hand").finish(&Ok::<_, io::Error>(ExitCode::from(4)));
        telemetry::begin("by-hand").finish(&Err::<(), _>(Problem::WrongUsage("twice")));
    });
    assert_eq!((events[0].exit_code, events[1].exit_code), (Some(4), Some(64)));
    assert_eq!(events[1].error_kind.as_deref(), Some("usage"));
}
