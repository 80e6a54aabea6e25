//! The helper's part: it does what the tool's user asked for, in the tool's name.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;

use super::{ARGUMENT, DECLARES, SENDS, declared};
use crate::session::{self, Session};
use crate::tool::Tool;

/// More than this is not what a tool says of itself.
const MOST_DECLARED: u64 = 16 * 1024 * 1024;

/// What a tool handed over.
pub(crate) struct Taken {
    tool_id: String,
    called: String,
    mounted: String,
    directory: PathBuf,
    sends: bool,
    declared: bool,
    arguments: Vec<OsString>,
}

/// What was handed to this process, if anything was.
pub(crate) fn here() -> Option<Taken> {
    taken(std::env::args_os().skip(1))
}

fn taken(mut arguments: impl Iterator<Item = OsString>) -> Option<Taken> {
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let mut word = || arguments.next()?.into_string().ok();
    let (tool_id, called, mounted, about) = (word()?, word()?, word()?, word()?);
    let directory = arguments.next()?.into();
    let says = |word| about.split('+').any(|it| it == word);
    let (sends, declared) = (says(SENDS), says(DECLARES));
    Some(Taken { tool_id, called, mounted, directory, sends, declared, arguments: arguments.collect() })
}

impl Taken {
    /// Does it: the exit code.
    pub(crate) fn done_by(self, mut tool: Tool) -> u8 {
        if self.declared {
            // Whatever comes of it, first: the tool is writing.
            let mut text = String::new();
            let _ = std::io::stdin().take(MOST_DECLARED).read_to_string(&mut text);
            if let Some(declared) = declared::read(text) {
                tool.metadata.clone_from(&declared.metadata);
                crate::schema::hand_over(declared);
            }
        }
        if !cfg!(telemetry_off) {
            match Session::new(tool) {
                Ok(session) if !self.tool_id.is_empty() && session.config.tool.id != self.tool_id => {
                    let (own, other) = (&session.config.tool.id, &self.tool_id);
                    return refused(&format!(
                        "the program beside this tool belongs to {own}, and this is {other}: build both from one \
                         `telemetry.toml`"
                    ));
                }
                // A no that is stored elsewhere would be none.
                Ok(session) if !self.tool_id.is_empty() && session.place.directory() != self.directory => {
                    return refused(&format!(
                        "this tool keeps its telemetry in {}, and the program beside it in {}: give the `Tool` of its \
                         `helper!` the same `data_directory`",
                        self.directory.display(),
                        session.place.directory().display()
                    ));
                }
                Ok(mut session) => {
                    session.answers_for_recorder = !self.sends;
                    session::become_current(Ok(session));
                }
                Err(why) => session::become_current(Err(why)),
            }
        }
        self.run()
    }

    #[cfg(all(feature = "clap", feature = "commands"))]
    fn run(self) -> u8 {
        use clap::{Args as _, Command, FromArgMatches as _};

        use crate::commands::Args;

        // As in the tool: below it, and by the name that it gave. clap keeps names for ever.
        let (called, mounted): (&'static str, &'static str) = (self.called.leak(), self.mounted.leak());
        let all = Command::new(called).subcommand(Args::augment_args(Command::new(mounted)));
        let words = [called, mounted].map(OsString::from);
        let args = all.try_get_matches_from(words.into_iter().chain(self.arguments)).and_then(|matches| {
            matches.subcommand().map_or_else(missing, |(_, it)| Args::from_arg_matches(it))
        });
        match args {
            Ok(args) => args.done(),
            // Help is no error; what is one has the code 2.
            Err(error) => {
                let code = u8::try_from(error.exit_code()).unwrap_or(1);
                let _ = error.print();
                code
            }
        }
    }

    #[cfg(not(all(feature = "clap", feature = "commands")))]
    fn run(self) -> u8 {
        refused(
            "the program beside this tool only sends: build it with the features `clap` and `commands` of cli-telemetry",
        )
    }
}

#[cfg(all(feature = "clap", feature = "commands"))]
fn missing() -> Result<crate::commands::Args, clap::Error> {
    Err(clap::Error::new(clap::error::ErrorKind::MissingSubcommand))
}

fn refused(why: &str) -> u8 {
    let _ = writeln!(std::io::stderr(), "telemetry: {why}");
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_a_sender_is_not_taken_for_a_subcommand() {
        let of = |words: &[&str]| taken(words.iter().map(OsString::from));
        assert!(of(&[]).is_none());
        assert!(of(&["__telemetry_sender"]).is_none());
        assert!(of(&["__telemetry_sender", "now"]).is_none());
        assert!(of(&["status"]).is_none());
        assert!(of(&[ARGUMENT, "com.example.greet", "greet"]).is_none(), "it is cut off");
        assert!(of(&[ARGUMENT, "com.example.greet", "greet", "telemetry", "records"]).is_none(), "here, too");
        let taken =
            of(&[ARGUMENT, "com.example.greet", "greet", "telemetry", "records", "/x", "status", "--json"]);
        let taken = taken.expect("it is whole");
        assert_eq!(
            (&*taken.tool_id, &*taken.mounted, taken.sends),
            ("com.example.greet", "telemetry", false)
        );
        assert_eq!((taken.declared, taken.arguments), (false, vec!["status".into(), "--json".into()]));
        let taken = of(&[ARGUMENT, "com.example.greet", "greet", "telemetry", "sends+declares", "/x"])
            .expect("it is whole");
        assert!(taken.sends && taken.declared && taken.arguments.is_empty());
    }
}
