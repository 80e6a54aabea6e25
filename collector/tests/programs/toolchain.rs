//! cargo and wasmtime: subcommands as functions over parsed matches, and as methods that consume them.

use clap::{ArgMatches, Parser};

use crate::{is, told};

mod cargo {
    use super::*;

    pub(super) struct GlobalContext {
        pub(super) offline: bool,
    }

    pub(super) type CliResult = Result<(), CliError>;

    /// An error that may be silent and always has a code.
    #[derive(Debug)]
    pub(super) struct CliError {
        error: Option<Box<dyn std::error::Error>>,
        exit_code: i32,
    }

    impl telemetry::command::Failure for CliError {
        fn kind(&self) -> std::borrow::Cow<'static, str> {
            if self.error.is_some() { "told" } else { "silent" }.into()
        }

        fn exit_code(&self) -> i32 {
            self.exit_code
        }
    }

    impl From<clap::Error> for CliError {
        fn from(error: clap::Error) -> Self {
            let exit_code = if error.use_stderr() { 1 } else { 0 };
            Self { error: Some(error.into()), exit_code }
        }
    }

    pub(super) type Exec = fn(&mut GlobalContext, &ArgMatches) -> CliResult;

    pub(super) fn builtin_exec(cmd: &str) -> Option<Exec> {
        let f = match cmd {
            "build" => build::exec,
            "clean" => clean::exec,
            _ => return None,
        };
        Some(f)
    }

    mod build {
        use super::*;

        #[telemetry::command(name = "build", metadata(offline = gctx.offline, release = args.get_flag("release")))]
        pub(super) fn exec(gctx: &mut GlobalContext, args: &ArgMatches) -> CliResult {
            if gctx.offline && args.get_flag("release") {
                return Err(CliError { error: None, exit_code: 101 });
            }
            gctx.offline = true;
            Ok(())
        }
    }

    mod clean {
        use super::*;

        #[telemetry::command(name = "clean")]
        pub(super) fn exec(gctx: &mut GlobalContext, args: &ArgMatches) -> CliResult {
            let _ = (gctx, args);
            clap::Command::new("nothing").no_binary_name(true).try_get_matches_from(["--nothing"])?;
            Ok(())
        }
    }
}

#[test]
fn cargo() {
    let parse = |words: &[&str]| {
        clap::Command::new("build")
            .arg(clap::Arg::new("release").long("release").action(clap::ArgAction::SetTrue))
            .get_matches_from(words)
    };
    let mut context = cargo::GlobalContext { offline: false };
    let mut run = |name: &str, words: &[&str]| {
        let exec = cargo::builtin_exec(name).expect("it is one of ours");
        told(|| exec(&mut context, &parse(words)))
    };
    assert_eq!(run("build", &["build"]), [is("build", 0, None)]);
    assert_eq!(run("build", &["build", "--release"]), [is("build", 101, Some("silent"))]);
    assert_eq!(run("clean", &["clean"]), [is("clean", 1, Some("told"))]);
}

mod wasmtime {
    use super::*;

    type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

    #[derive(Parser)]
    pub(super) enum Subcommand {
        Run(RunCommand),
        Compile(CompileCommand),
    }

    impl Subcommand {
        pub(super) fn execute(self) -> Result<()> {
            match self {
                Self::Run(it) => it.execute(),
                Self::Compile(it) => it.execute(),
            }
        }
    }

    #[derive(Parser)]
    pub(super) struct RunCommand {
        module_and_args: Vec<String>,
        #[arg(long)]
        invoke: Option<String>,
    }

    impl RunCommand {
        #[telemetry::command(name = "run", metadata(invoke = self.invoke.is_some()))]
        pub(super) fn execute(mut self) -> Result<()> {
            let first = self.module_and_args.drain(..).next();
            let engine = self.new_store(first.as_deref())?;
            let _ = engine;
            Ok(())
        }

        fn new_store(&mut self, main: Option<&str>) -> Result<String> {
            main.map(str::to_owned).ok_or_else(|| "no module".into())
        }
    }

    #[derive(Parser)]
    pub(super) struct CompileCommand {
        module: String,
        #[arg(short)]
        output: Option<String>,
    }

    impl CompileCommand {
        #[telemetry::command(name = "compile")]
        pub(super) fn execute(mut self) -> Result<()> {
            let output = self.output.take().unwrap_or_else(|| format!("{}.cwasm", self.module));
            std::fs::metadata("/nowhere/at/all").map(|_| drop(output))?;
            Ok(())
        }
    }
}

#[test]
fn wasmtime() {
    let run = |words: &[&str]| told(|| wasmtime::Subcommand::parse_from(words).execute());
    assert_eq!(run(&["wasmtime", "run", "a.wasm"]), [is("run", 0, None)]);
    assert_eq!(run(&["wasmtime", "run"]), [is("run", 1, Some("dyn Error"))]);
    assert_eq!(run(&["wasmtime", "compile", "a"]), [is("compile", 1, Some("io::NotFound"))]);
}
