//! just, zoxide and starship: an error that is an exit code, a trait for subcommands, and nothing returned.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{is, told};

mod just {
    use super::*;

    #[derive(Parser)]
    struct Arguments {
        recipe: Option<String>,
    }

    #[telemetry::command(name = "just", error_code = |code| *code)]
    pub(super) fn run(args: impl Iterator<Item = impl Into<OsString> + Clone>) -> Result<(), i32> {
        let arguments = Arguments::try_parse_from(args).map_err(|error| error.exit_code())?;
        let config = Config { recipe: arguments.recipe };
        let loader = Loader(String::new());
        config.run(&loader).map_err(|error| error.code().unwrap_or(1))
    }

    pub(super) struct Loader(String);

    #[derive(Debug, telemetry::Failure)]
    pub(super) enum Error<'src> {
        UnknownRecipe(&'src str),
    }

    impl Error<'_> {
        fn code(&self) -> Option<i32> {
            match self {
                Self::UnknownRecipe(_) => Some(4),
            }
        }
    }

    pub(super) type RunResult<'a, T = ()> = Result<T, Error<'a>>;

    struct Config {
        recipe: Option<String>,
    }

    impl Config {
        #[telemetry::command(name = "just/run")]
        fn run<'src>(self, loader: &'src Loader) -> RunResult<'src> {
            match self.recipe {
                Some(_) => Err(Error::UnknownRecipe(&loader.0)),
                None => Ok(()),
            }
        }
    }
}

#[test]
fn just() {
    let events = told(|| just::run(["just", "build"].iter()));
    assert_eq!(events, [is("just/run", 1, Some("unknown-recipe")), is("just", 4, Some("i32"))]);
    assert_eq!(told(|| just::run(["just", "--nothing"].iter())), [is("just", 2, Some("i32"))]);
}

mod zoxide {
    use super::*;

    pub(super) trait Run {
        fn run(&self) -> std::io::Result<()>;
    }

    #[derive(Debug, Parser)]
    pub(super) enum Cmd {
        Add(Add),
        Query(Query),
    }

    #[derive(Debug, Args)]
    pub(super) struct Add {
        #[arg(num_args = 1..)]
        paths: Vec<PathBuf>,
        #[arg(long)]
        score: Option<f64>,
    }

    #[derive(Debug, Args)]
    pub(super) struct Query {
        keywords: Vec<String>,
        #[arg(long)]
        all: bool,
    }

    impl Run for Cmd {
        #[telemetry::command(name = "zoxide")]
        fn run(&self) -> std::io::Result<()> {
            match self {
                Cmd::Add(cmd) => cmd.run(),
                Cmd::Query(cmd) => cmd.run(),
            }
        }
    }

    impl Run for Add {
        #[telemetry::command(name = "zoxide/add", metadata(score = self.score, paths = self.paths.len()))]
        fn run(&self) -> std::io::Result<()> {
            for path in &self.paths {
                if path.as_os_str().is_empty() {
                    continue;
                }
            }
            Ok(())
        }
    }

    impl Run for Query {
        #[telemetry::command(name = "zoxide/query", metadata(all = self.all))]
        fn run(&self) -> std::io::Result<()> {
            if self.keywords.is_empty() { Err(std::io::ErrorKind::NotFound.into()) } else { Ok(()) }
        }
    }
}

#[test]
fn zoxide() {
    use zoxide::Run;
    let run = |words: &[&str]| told(|| zoxide::Cmd::parse_from(words).run());
    assert_eq!(run(&["zoxide", "add", "/"]), [is("zoxide/add", 0, None), is("zoxide", 0, None)]);
    let kind = Some("io::NotFound");
    assert_eq!(run(&["zoxide", "query"]), [is("zoxide/query", 1, kind), is("zoxide", 1, kind)]);
}

mod starship {
    use super::*;

    #[derive(Debug, Args, Clone)]
    pub(super) struct Properties {
        #[arg(long, default_value_t = 80)]
        width: usize,
    }

    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) enum Target {
        Main,
        Profile(String),
    }

    #[derive(Subcommand)]
    pub(super) enum Commands {
        Prompt {
            #[command(flatten)]
            properties: Properties,
        },
        Explain(Properties),
    }

    #[derive(Parser)]
    pub(super) struct Cli {
        #[command(subcommand)]
        pub(super) command: Commands,
    }

    #[telemetry::command(name = "prompt", metadata(width = args.width))]
    pub(super) fn prompt(args: Properties, target: Target) {
        if args.width == 0 {
            return;
        }
        let _ = get_prompt(&args, &target);
    }

    fn get_prompt<'a>(args: &'a Properties, target: &'a Target) -> (&'a Properties, &'a Target) {
        (args, target)
    }

    #[telemetry::command]
    pub(super) fn explain(args: Properties) {
        let Properties { width } = args;
        let _ = width;
    }

    #[telemetry::command(name = "toggle/configuration")]
    pub(super) fn toggle_configuration(context: &Path, name: &str, value: &str) {
        let _ = (context, name, value);
    }
}

#[test]
fn starship() {
    let run = |words: &[&str]| {
        told(|| match starship::Cli::parse_from(words).command {
            starship::Commands::Prompt { properties } => starship::prompt(properties, starship::Target::Main),
            starship::Commands::Explain(properties) => starship::explain(properties),
        })
    };
    assert_eq!(run(&["starship", "prompt"]), [is("prompt", 0, None)]);
    assert_eq!(run(&["starship", "explain"]), [is("explain", 0, None)]);
    let events = told(|| starship::toggle_configuration(Path::new("/"), "a", "b"));
    assert_eq!(events, [is("toggle/configuration", 0, None)]);
}
