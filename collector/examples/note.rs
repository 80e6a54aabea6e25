//! A tool that only records. An author builds it with
//! `cli-telemetry = { version = "…", default-features = false, features = ["commands"] }`, so that no WebAssembly
//! runtime, no HTTP client and no sender is in it, and ships `note-telemetry` (the other file of this pair) beside it.

use std::process::ExitCode;

/// Keeps a note.
#[telemetry::command]
fn keep(text: &str) {
    println!("kept: {text}");
}

fn manage(word: Option<&str>) -> Result<String, telemetry::commands::CommandError> {
    use telemetry::commands;
    Ok(match word {
        Some("enable") => format!("events go to {}", commands::enable(false)?.destination),
        Some("disable") => format!("{} events discarded", commands::disable()?.discarded),
        Some("flush") => {
            let flushed = commands::flush()?;
            format!(
                "{} events delivered; {}",
                flushed.delivered,
                flushed.left.unwrap_or("none are left".into())
            )
        }
        _ => {
            let status = commands::status()?;
            let why = status.held.map(|why| format!("; held: {why}")).unwrap_or_default();
            let sender = status.sender;
            format!("{}; {} pending; sender: {sender}{why}", status.telemetry, status.pending_events)
        }
    })
}

fn main() -> ExitCode {
    #[cfg_attr(
        not(feature = "config-file"),
        allow(unused_mut, reason = "only a file that is read replaces it")
    )]
    let mut tool = telemetry::tool!("examples/note.toml");
    // This example's own choice, for its tests, and the helper's: a shipped tool takes no configuration from
    // its user's environment.
    #[cfg(feature = "config-file")]
    if let Some(path) = std::env::var_os("NOTE_CONFIG") {
        tool = tool.config_file(path);
    }
    let _telemetry = telemetry::start!(tool);

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["keep", text] => keep(text),
        ["telemetry", ref word @ ..] => match manage(word.first().copied()) {
            Ok(said) => println!("{said}"),
            Err(error) => {
                eprintln!("note: {error}");
                return ExitCode::FAILURE;
            }
        },
        _ => {
            eprintln!("note: use `note keep TEXT` or `note telemetry [enable|disable|flush]`");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
