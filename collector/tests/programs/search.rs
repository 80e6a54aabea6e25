//! ripgrep, fd and bat: one command, with an exit code or a truth value out of a boxed error's `Result`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::{is, told};

/// What `anyhow::Result` is to these programs.
type Anyhow<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

mod ripgrep {
    use super::*;

    #[derive(Parser, Debug)]
    pub(super) struct HiArgs {
        pub(super) pattern: String,
        #[arg(long)]
        pub(super) quiet: bool,
        #[arg(long, default_value_t = 1)]
        pub(super) threads: usize,
    }

    impl HiArgs {
        pub(super) fn matches_possible(&self) -> bool {
            !self.pattern.is_empty()
        }
    }

    #[derive(Clone, Copy, telemetry::Recordable)]
    pub(super) enum SearchMode {
        Standard,
        Count,
    }

    #[telemetry::command(name = "rg")]
    pub(super) fn run(result: Anyhow<HiArgs>) -> Anyhow<ExitCode> {
        let args = result?;
        let matched = match args.threads {
            1 => search(&args, SearchMode::Standard)?,
            _ => search_parallel(&args, SearchMode::Count)?,
        };
        Ok(ExitCode::from(if matched { 0 } else { 1 }))
    }

    #[telemetry::command(name = "rg/search", record(mode), metadata(quiet = args.quiet))]
    fn search(args: &HiArgs, mode: SearchMode) -> Anyhow<bool> {
        let started_at = if args.quiet { None } else { Some(Instant::now()) };
        let _ = (started_at, mode);
        Ok(args.matches_possible())
    }

    #[telemetry::command(name = "rg/search-parallel", record(mode), metadata(threads = args.threads))]
    fn search_parallel(args: &HiArgs, mode: SearchMode) -> Anyhow<bool> {
        let _ = mode;
        Ok(args.matches_possible())
    }
}

#[test]
fn ripgrep() {
    let parse = |words: &[&str]| ripgrep::HiArgs::try_parse_from(words).map_err(Into::into);
    let events = told(|| ripgrep::run(parse(&["rg", "x"])));
    assert_eq!(events, [is("rg/search", 0, None), is("rg", 0, None)]);
    let events = told(|| ripgrep::run(parse(&["rg", "", "--threads", "2"])));
    assert_eq!(events, [is("rg/search-parallel", 0, None), is("rg", 1, None)]);
    assert_eq!(told(|| ripgrep::run(parse(&["rg", "--nothing"])))[0].1, Some(1));
}

mod fd {
    use super::*;

    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    pub(super) enum ExitCode {
        Success,
        HasResults(bool),
        GeneralError,
        KilledBySigint,
    }

    impl telemetry::command::Outcome for ExitCode {
        fn report(&self) -> telemetry::command::Report {
            let code: i32 = match self {
                Self::Success | Self::HasResults(true) => 0,
                Self::HasResults(false) | Self::GeneralError => 1,
                Self::KilledBySigint => 130,
            };
            telemetry::command::Report::success().code(code)
        }
    }

    #[telemetry::command(name = "fd")]
    pub(super) fn run(killed: bool) -> Anyhow<ExitCode> {
        if killed { Ok(ExitCode::KilledBySigint) } else { scan(&[PathBuf::from(".")], vec![], Config) }
    }

    pub(super) struct Config;

    #[telemetry::command(name = "fd/scan", metadata(paths = paths.len()))]
    pub(super) fn scan(paths: &[PathBuf], patterns: Vec<String>, config: Config) -> Anyhow<ExitCode> {
        let _ = config;
        Ok(ExitCode::HasResults(paths.len() > patterns.len() + 1))
    }
}

#[test]
fn fd() {
    assert_eq!(told(|| fd::run(true)), [is("fd", 130, None)]);
    assert_eq!(told(|| fd::run(false)), [is("fd/scan", 1, None), is("fd", 1, None)]);
}

mod bat {
    use super::*;

    pub(super) struct App {
        pub(super) clear_cache: bool,
    }
    pub(super) struct Config<'a> {
        pub(super) languages: Vec<&'a str>,
    }

    #[telemetry::command(name = "bat/cache", metadata(clear = matches.clear_cache))]
    pub(super) fn run_cache_subcommand(
        matches: &App,
        config_dir: &str,
        default: &std::path::Path,
    ) -> io::Result<()> {
        let _ = (config_dir, default);
        if matches.clear_cache { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) }
    }

    #[telemetry::command(name = "bat/list-languages")]
    pub(super) fn get_languages(config: &Config<'_>, cache_dir: &std::path::Path) -> io::Result<String> {
        let _ = cache_dir;
        let mut result: String = String::new();
        for language in &config.languages {
            result += language;
        }
        Ok(result)
    }

    #[telemetry::command(name = "bat")]
    pub(super) fn run_controller(inputs: Vec<String>, config: &Config<'_>) -> io::Result<bool> {
        Ok(inputs.len() <= config.languages.len())
    }
}

#[test]
fn bat() {
    let (config, path) = (bat::Config { languages: vec!["rust"] }, std::path::Path::new("/"));
    let events = told(|| {
        let _ = bat::run_controller(vec![], &config);
        let _ = bat::get_languages(&config, path);
        let _ = bat::run_cache_subcommand(&bat::App { clear_cache: true }, "", path);
    });
    let expected =
        [is("bat", 0, None), is("bat/list-languages", 0, None), is("bat/cache", 1, Some("io::NotFound"))];
    assert_eq!(events, expected);
}
