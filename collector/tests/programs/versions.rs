//! jj and delta: a user interface that is borrowed mutably, an error with cases, and an integer that is an
//! exit code.

use std::ffi::OsString;
use std::io::Cursor;

use clap::Args;

use crate::{is, told};

mod jj {
    use super::*;

    pub(super) struct Ui {
        pub(super) lines: Vec<String>,
    }
    pub(super) struct CommandHelper {
        pub(super) readable: bool,
    }

    #[derive(Args, Clone, Debug)]
    pub(super) struct AbandonArgs {
        #[arg(long)]
        pub(super) retain_bookmarks: bool,
    }

    #[derive(Clone, Copy, Debug)]
    pub(super) enum CommandErrorKind {
        User,
        Internal,
    }

    #[derive(Clone, Debug)]
    pub(super) struct CommandError {
        pub(super) kind: CommandErrorKind,
    }

    impl telemetry::command::Failure for CommandError {
        fn kind(&self) -> std::borrow::Cow<'static, str> {
            match self.kind {
                CommandErrorKind::User => "user",
                CommandErrorKind::Internal => "internal",
            }
            .into()
        }

        fn exit_code(&self) -> i32 {
            match self.kind {
                CommandErrorKind::User => 1,
                CommandErrorKind::Internal => 255,
            }
        }
    }

    #[telemetry::command(name = "abandon", metadata(retain_bookmarks = args.retain_bookmarks))]
    pub(super) fn cmd_abandon(
        ui: &mut Ui,
        command: &CommandHelper,
        args: &AbandonArgs,
    ) -> Result<(), CommandError> {
        if !command.readable {
            let kind =
                if args.retain_bookmarks { CommandErrorKind::User } else { CommandErrorKind::Internal };
            return Err(CommandError { kind });
        }
        let mut formatter = Formatter { ui };
        formatter.write("abandoned");
        Ok(())
    }

    struct Formatter<'a> {
        ui: &'a mut Ui,
    }

    impl Formatter<'_> {
        fn write(&mut self, text: &str) {
            self.ui.lines.push(text.to_owned());
        }
    }
}

#[test]
fn jj() {
    let mut ui = jj::Ui { lines: vec![] };
    let mut run = |readable, retain_bookmarks| {
        let (command, args) = (jj::CommandHelper { readable }, jj::AbandonArgs { retain_bookmarks });
        told(|| jj::cmd_abandon(&mut ui, &command, &args))
    };
    assert_eq!(run(true, false), [is("abandon", 0, None)]);
    assert_eq!(run(false, true), [is("abandon", 1, Some("user"))]);
    assert_eq!(run(false, false), [is("abandon", 255, Some("internal"))]);
    assert_eq!(ui.lines, ["abandoned"]);
}

mod delta {
    use super::*;

    #[telemetry::command(name = "delta", exit_code)]
    pub(super) fn run_app(
        args: Vec<OsString>,
        capture_output: Option<&mut Cursor<Vec<u8>>>,
    ) -> std::io::Result<i32> {
        let Some(output) = capture_output else { return Ok(0) };
        for arg in args {
            std::io::Write::write_all(output, arg.as_encoded_bytes())?;
        }
        Ok(2)
    }
}

#[test]
fn delta() {
    let mut output = Cursor::new(Vec::new());
    assert_eq!(told(|| delta::run_app(vec!["a".into()], Some(&mut output))), [is("delta", 2, None)]);
    assert_eq!(output.into_inner(), b"a");
    assert_eq!(told(|| delta::run_app(vec![], None)), [is("delta", 0, None)]);
}
