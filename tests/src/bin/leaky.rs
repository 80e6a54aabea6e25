//! A tool whose author collects everything: each argument is also an error's text and an attribute.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use telemetry::backend::Erasure;
use telemetry::event::{Attribute, kind};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fails with each text
    Leak {
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        texts: Vec<String>,
    },
    /// Records one event of each of the library's kinds
    Kinds,
    /// Does nothing, and asks before it does
    Ask {
        /// Speak a protocol on stdio
        #[arg(long)]
        protocol: bool,
    },
    /// Manage opt-in pseudonymous usage telemetry
    Telemetry(telemetry::commands::Args),
}

#[derive(Debug)]
struct Failed(String);

impl std::fmt::Display for Failed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

#[telemetry::command]
fn leak(text: &str) -> Result<(), Failed> {
    telemetry::track(kind::FEATURE_USED, "leak", &[Attribute::new("text", text)]);
    Err(Failed(text.to_owned()))
}

fn kinds() {
    use telemetry::event;
    event::command_invocation("build", &[Attribute::new("fast", true)]);
    event::command_error("build", &Failed("it is broken".into()), &[]);
    event::feature_used("cache", &[]);
    event::update_check("1.0.0", Some("1.1.0"));
    event::update_applied("1.0.0", "1.1.0");
}

fn own_erasure(path: &std::path::Path, ids: &[String]) -> Erasure {
    use std::io::Write;
    let before = std::fs::read_to_string(path).unwrap_or_default();
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    if file.and_then(|mut file| writeln!(file, "{}", ids.join(" "))).is_err() || before.is_empty() {
        return Erasure::Retry { reason: "not today".into(), after: None };
    }
    Erasure::Receipt("ticket 7".into())
}

fn note(path: &std::path::Path, message: &str) {
    use std::io::Write;
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    let _ = file.and_then(|mut file| writeln!(file, "{}", message.replace('\n', " ")));
}

fn main() -> ExitCode {
    let Some(config) = std::env::var_os("GREET_CONFIG") else { return ExitCode::FAILURE };
    let mut tool = telemetry::Tool::from_toml("1.0.0", "").config_file(config);
    // The author's own way to erase: a line for each call, and a receipt from the second on.
    if let Some(path) = std::env::var_os("LEAKY_ERASURES") {
        tool = tool.erasure(move |ids| own_erasure(path.as_ref(), ids));
    }
    // What the library tells the author, a line for each.
    if let Some(path) = std::env::var_os("LEAKY_LOG") {
        tool = tool.logger(move |it| note(path.as_ref(), &it.message));
    }
    let _telemetry = telemetry::start!(tool);
    match Cli::parse().command {
        Command::Leak { texts } => texts.iter().for_each(|text| drop(leak(text))),
        Command::Kinds => kinds(),
        Command::Ask { protocol } => {
            let _ = telemetry::commands::ask_once(protocol, &mut telemetry::consent::Terminal);
            println!("done");
        }
        Command::Telemetry(args) => return args.run(),
    }
    ExitCode::SUCCESS
}
