//! What every tool records, whatever its author adds. One table, which every form of the schema prints.

use super::{Field, Source};

/// A fact that needs no declaration.
pub(super) struct Common {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
}

const fn common(name: &'static str, about: &'static str) -> Common {
    Common { name, about }
}

/// Once per batch.
pub(super) const ORIGIN: [Common; 8] = [
    common(
        "machine_id",
        "a pseudonym of this machine and user for this tool: 16 hexadecimal digits, or none",
    ),
    common("tool", "the tool's name"),
    common("version", "the tool's version"),
    common("os", "the operating system, such as `linux`"),
    common("os_version", "the operating system's version"),
    common("arch", "the processor's architecture, such as `x86_64`"),
    common("runtime", "what the tool was built with, such as `rust 1.95.0`"),
    common("marks", "whether this is a container or a build server"),
];

/// Of every event.
pub(super) const EVERY: [Common; 4] = [
    common("id", "a random name, so that nothing is counted twice"),
    common("kind", "what sort of thing happened"),
    common("name", "what exactly, as listed below"),
    common("time", "when"),
];

/// Of every command.
pub(super) const COMMAND: [Common; 5] = [
    common("duration", "how long it took, in milliseconds"),
    common("exit_code", "its exit code"),
    common(
        "ended",
        "how it ended: `finished`, `exited`, `replaced`, `panicked`, `cancelled` or `interrupted`",
    ),
    common("error_kind", "the class of an error, never its text"),
    common("parent", "the `id` of the command that ran this one, if one did"),
];

/// Of every command, under the author's extended collection.
pub(super) const EXTENDED: [Common; 2] = [
    common("args", "the arguments on the command line, credentials taken out"),
    common("error", "an error's text, credentials taken out"),
];

/// Why commands are recorded, where the author gives no other reason.
pub(super) const COMMAND_PURPOSE: &str =
    "To learn which commands are used, how long they take and how they end.";

/// Under which consent anything is recorded.
pub(super) const CONSENT: &str =
    "Nothing is recorded before the user says yes, and a no takes effect at once.";

/// What is further asked for extended collection.
pub(super) const CONSENT_EXTENDED: &str = "Only where the tool's author turned extended collection on.";

/// What a field holds, in words.
pub(super) fn holds(field: &Field, cases: Option<&[&str]>) -> String {
    match (field.source, cases) {
        (_, Some(cases)) => {
            let words: Vec<String> = cases.iter().map(|case| format!("`{case}`")).collect();
            format!("one of {}", words.join(", "))
        }
        (Source::Metadata, None) => format!("the value of `{}`", field.written),
        (Source::Value, None) if field.written.is_empty() => "a boolean, a number or a fixed word".to_owned(),
        (Source::Value, None) => format!("a value of type `{}`", field.written),
        (Source::Text, None) => "text, credentials taken out".to_owned(),
    }
}

/// Under which consent a field is recorded.
pub(super) const fn consent(extended: bool) -> &'static str {
    if extended { "extended" } else { "basic" }
}
