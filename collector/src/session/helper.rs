//! What a tool's helper calls in place of [`start!`](crate::start!).

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Session;
use crate::commands::hand_over::taken;
use crate::delivery::helper;
use crate::diagnostics::Severity;
use crate::tool::Tool;

/// Makes this program the sender of a tool that only records, and ends it: as a rule by
/// [`helper!`](crate::helper!), which is all that its `main` does.
///
/// The tool is built with `default-features = false`, so that no WebAssembly runtime, no HTTP client and no sender
/// is in it, and starts the program `<tool>-telemetry` that lies beside it whenever a sender is due. That program
/// is built with the library's default features from the same `telemetry.toml`:
///
/// ```no_run
/// # const TOML: &str = "[tool]\nid = \"com.example.note\"";
/// fn main() {
///     // In a helper: `telemetry::helper!("../note/telemetry.toml")`.
///     telemetry::helper(telemetry::Tool::from_toml("1.0.0", TOML))
/// }
/// ```
///
/// A tool with the feature `clap` and without `commands` also leaves the work of its subcommand to this program: it
/// hands over what its user wrote after `telemetry`, and waits. This program then does that, in the tool's name and
/// with the tool's streams, and ends with its exit code; for that it has the features `clap` and `commands`, as by
/// default. Where clap cannot ask it, some of what clap says comes from the tool: `greet help telemetry` lists no
/// actions, and the first line of `greet telemetry --help` is the library's, whatever the author wrote there.
///
/// What the tool's own [`Tool`] is told in code this one is told, too (`data_directory`, `erasure`, `config_file`, …): it
/// is asked in the tool's place. One whose directory is another does nothing that it is handed. Local events
/// (`enable --local`) of a tool without the feature `sender` are written by this program, when it has its turn.
///
/// As a sender it leaves the session of whoever started it, closes every descriptor that it inherited, asks for consent
/// before each request, keeps the waits of the schedule, and lives for `[delivery] lifetime` at most; a later
/// run may end one that lives longer. Run by hand or from a timer it sends where a sender is due. It then never
/// prints, and its exit code is always 0: what goes wrong is told to the logger and shown by the tool's
/// `status`. Call it first: files that were opened before are closed by it.
pub fn helper(tool: Tool) -> ! {
    if let Some(taken) = taken::here() {
        std::process::exit(taken.done_by(tool).into());
    }
    if !cfg!(telemetry_off) {
        // Not even a fault of our own says anything: nobody is there to read it.
        std::panic::set_hook(Box::new(|_| {}));
        let _ = catch_unwind(AssertUnwindSafe(|| serve(tool)));
    }
    std::process::exit(0)
}

fn serve(tool: Tool) {
    let logger = tool.logger.clone().unwrap_or_default();
    match Session::new(tool) {
        Ok(session) => helper::serve(&session),
        Err(why) => logger.log(Severity::Error, format!("nothing is sent: {why}")),
    }
}
