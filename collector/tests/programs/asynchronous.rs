//! uv and atuin: asynchronous commands, with very many parameters and over anybody's database.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::{is, told};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn is_send<T: Send>(it: T) -> T {
    it
}

mod uv {
    use super::*;

    #[derive(Copy, Clone)]
    pub(super) enum ExitStatus {
        Success,
        Failure,
        External(u8),
    }

    impl telemetry::command::Outcome for ExitStatus {
        fn report(&self) -> telemetry::command::Report {
            let code: u8 = match self {
                Self::Success => 0,
                Self::Failure => 1,
                Self::External(code) => *code,
            };
            telemetry::command::Report::success().code(code)
        }
    }

    pub(super) struct ExtrasSpecification<'a>(pub(super) &'a [&'a str]);
    #[derive(Clone, Copy, telemetry::Recordable)]
    pub(super) enum ResolutionMode {
        Highest,
        LowestDirect,
    }
    pub(super) struct Cache(pub(super) Arc<str>);
    #[derive(Clone, Copy)]
    pub(super) enum Printer {
        Default,
    }

    #[telemetry::command(name = "pip/install", record(resolution_mode, no_build), metadata(count = requirements.len()))]
    #[allow(clippy::too_many_arguments, reason = "as it is there")]
    pub(super) async fn pip_install(
        requirements: &[String],
        constraints: &[String],
        extras: &ExtrasSpecification<'_>,
        resolution_mode: ResolutionMode,
        index_urls: Option<&str>,
        reinstall: &Option<Vec<String>>,
        no_build: bool,
        cache: Cache,
        mut printer: Printer,
    ) -> Result<ExitStatus> {
        let _ = (constraints, extras.0, resolution_mode, index_urls, reinstall, &mut printer);
        resolve(&cache.0).await?;
        if requirements.is_empty() {
            return Ok(ExitStatus::Failure);
        }
        Ok(if no_build { ExitStatus::External(7) } else { ExitStatus::Success })
    }

    async fn resolve(cache: &str) -> Result<()> {
        if cache.is_empty() { Err("no cache")? } else { Ok(()) }
    }
}

#[test]
fn uv() {
    let install = |requirements: &[String], no_build: bool, cache: &str| {
        let extras = uv::ExtrasSpecification(&[]);
        let cache = uv::Cache(cache.into());
        told(|| {
            wait(is_send(uv::pip_install(
                requirements,
                &[],
                &extras,
                uv::ResolutionMode::LowestDirect,
                None,
                &None,
                no_build,
                cache,
                uv::Printer::Default,
            )))
        })
    };
    let some = ["flask".to_owned()];
    assert_eq!(install(&some, false, "x"), [is("pip/install", 0, None)]);
    assert_eq!(install(&some, true, "x"), [is("pip/install", 7, None)]);
    assert_eq!(install(&[], false, "x"), [is("pip/install", 1, None)]);
    assert_eq!(install(&some, false, ""), [is("pip/install", 1, Some("dyn Error"))]);
}

mod atuin {
    use super::*;

    #[async_trait::async_trait]
    pub(super) trait Database: Send + Sync + 'static {
        async fn save(&mut self, line: &str) -> Result<()>;
    }

    pub(super) struct Sqlite(pub(super) Vec<String>);

    #[async_trait::async_trait]
    impl Database for Sqlite {
        #[telemetry::command(name = "database/save")]
        async fn save(&mut self, line: &str) -> Result<()> {
            self.0.push(line.to_owned());
            Ok(())
        }
    }

    pub(super) struct Settings;

    pub(super) enum Cmd {
        Start { command: Vec<String> },
        Prune,
    }

    impl Cmd {
        #[telemetry::command(name = "history/start")]
        async fn handle_start(
            db: &mut impl Database,
            settings: &Settings,
            command: &str,
            cwd: Option<&Path>,
        ) -> Result<()> {
            let _ = (settings, cwd);
            db.save(command).await
        }

        #[telemetry::command(name = "history")]
        pub(super) async fn run(self, settings: &Settings, mut db: impl Database) -> Result<()> {
            match self {
                Self::Start { command } => {
                    Self::handle_start(&mut db, settings, &command.join(" "), None).await
                }
                Self::Prune => Ok(()),
            }
        }
    }
}

#[test]
fn atuin() {
    let run = |cmd: atuin::Cmd| told(|| wait(is_send(cmd.run(&atuin::Settings, atuin::Sqlite(vec![])))));
    let start = atuin::Cmd::Start { command: vec!["ls".into()] };
    let expected = [is("database/save", 0, None), is("history/start", 0, None), is("history", 0, None)];
    assert_eq!(run(start), expected);
    assert_eq!(run(atuin::Cmd::Prune), [is("history", 0, None)]);
}
