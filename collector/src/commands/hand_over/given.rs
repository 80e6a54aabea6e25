//! The tool's part: it finds the helper, hands everything over, and waits.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{ARGUMENT, DECLARES, RECORDS, SENDS, declared};
use crate::delivery::{configured, helper};
use crate::platform::child::{Program, Streams};
use crate::platform::user;
use crate::session::{self, NoSession};

/// The actions that show what a tool can record.
const ABOUT_WHAT_IS_DECLARED: [&str; 2] = ["schema", "preview"];

/// The user's subcommand for a tool that links neither its work nor clap: hands these arguments, which are those
/// behind the subcommand's name, to the program `<tool>-telemetry` beside the tool (see
/// [`helper`](crate::helper())), waits for it, and gives its exit code.
///
/// `mounted` is what the subcommand is called in this tool. What the user sees and gets is what a tool with the
/// features `clap` and `commands` shows, help included. Where the program is missing, or `start!` was not called, that is
/// said on the standard error, with what to do, and the exit code is 1.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     let mut arguments = std::env::args_os().skip(1);
///     match arguments.next() {
///         Some(word) if word == "telemetry" => telemetry::commands::hand_over(arguments, "telemetry"),
///         _ => ExitCode::SUCCESS,
///     }
/// }
/// ```
#[must_use]
pub fn hand_over(arguments: impl IntoIterator<Item = OsString>, mounted: &str) -> ExitCode {
    crate::command::withdraw_all();
    crate::recorder::leave_commands_out();
    // What this process holds is the helper's to send or to discard.
    crate::recorder::seal();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match done_by_helper(&arguments, mounted) {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            let _ = writeln!(io::stderr(), "telemetry: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The exit code of what they did, or why nobody could be asked, and what to do.
fn done_by_helper(arguments: &[OsString], mounted: &str) -> Result<u8, String> {
    let (name, id, directory, sends, metadata) = match session::current() {
        Ok(session) => (
            helper::name(&session),
            session.config.tool.id.clone(),
            session.place.directory().to_owned(),
            configured::can_send(&session),
            session.tool.metadata.clone(),
        ),
        Err(why @ (NoSession::NotStarted | NoSession::BuiltOut)) => return Err(why.to_string()),
        // The helper meets the same, and says so as each action does. Here only the program itself has a name.
        Err(why) => match own_name() {
            Some(name) if beside(&name).is_ok_and(|it| it.is_file()) => {
                (name, String::new(), PathBuf::new(), false, Vec::new())
            }
            _ => return Err(why.to_string()),
        },
    };
    if user::is_elevated() {
        return Err(
            "with another user's or group's rights this tool starts no other program, and its telemetry is managed by \
             one: run it without them"
                .to_owned(),
        );
    }
    let program = beside(&name).map_err(|error| format!("the running program cannot be found: {error}"))?;
    if !program.is_file() {
        return Err(format!(
            "this tool's telemetry is managed by the program `{name}`, and there is none at {}: ship it",
            program.display()
        ));
    }
    let word = arguments.iter().filter_map(|it| it.to_str()).find(|it| !it.starts_with('-'));
    let asked = word.is_some_and(|word| ABOUT_WHAT_IS_DECLARED.contains(&word));
    let mut about = if sends { SENDS } else { RECORDS }.to_owned();
    if asked {
        about.push('+');
        about.push_str(DECLARES);
    }
    let mut all: Vec<OsString> = [ARGUMENT, &id, &called(), mounted, &about].map(OsString::from).into();
    all.push(directory.into());
    all.extend_from_slice(arguments);
    let streams = if asked { Streams::Told } else { Streams::Own };
    // What the tool has printed comes first.
    let _ = io::stdout().flush();
    let mut child = Program { path: &program, arguments: all, variable: None, streams }
        .start()
        .map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
    if let Some(mut declared) = child.input.take() {
        // A helper that ends before it has read this says itself why.
        let _ = declared.write_all(declared::written(&metadata).as_bytes());
    }
    // Where the signal of a child's end is ignored, or somebody else took it, the system does not say how it ended;
    // the helper has said what there was to say.
    child
        .wait()
        .map_err(|error| format!("{} has ended, and how is not known here: {error}", program.display()))
}

/// What the user called, as clap would name it.
fn called() -> String {
    let program = std::env::args_os().next().map(PathBuf::from);
    program.and_then(|it| Some(it.file_name()?.to_str()?.to_owned())).unwrap_or_default()
}

/// The helper's name by this program's own.
fn own_name() -> Option<String> {
    let own = std::env::current_exe().ok()?;
    Some(helper::named(own.file_stem()?.to_str()?))
}

fn beside(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}
