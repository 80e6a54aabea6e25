//! What every tool records, whatever its author adds. One table, which every form of the schema prints.

use super::{Entry, Field, Source};
use crate::event::clean::LEFT_OUT;
use crate::event::{DELETED_ID, UPDATE, kind};

/// A fact that needs no declaration.
pub(super) struct Common {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
}

const fn common(name: &'static str, about: &'static str) -> Common {
    Common { name, about }
}

/// Once per batch.
pub(super) const ORIGIN: [Common; 9] = [
    common(
        "machine_id",
        "a pseudonym of this machine and user for this tool: 16 hexadecimal digits, or none",
    ),
    common("tool", "the tool's name"),
    common("tool_version", "the tool's version"),
    common("os", "the operating system, such as `linux`"),
    common("os_version", "the operating system's version"),
    common("arch", "the processor's architecture, such as `x86_64`"),
    common("runtime", "what the tool was built with, such as `rust 1.95.0`"),
    common("ci", "the build server's name, where the tool runs on one"),
    common("container", "whether the tool runs in a container"),
];

/// Of every event.
pub(super) const EVERY: [Common; 5] = [
    common("id", "a random name, so that nothing is counted twice"),
    common("kind", "what sort of thing happened"),
    common("name", "what exactly, as listed below"),
    common("time", "when"),
    common(LEFT_OUT, "how many of its facts were left out, where there were too many"),
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

/// Of every command and every error, under the author's extended collection.
pub(super) const EXTENDED: [Common; 2] = [
    common("args", "the arguments on the command line, credentials taken out"),
    common("error", "an error's text, credentials taken out"),
];

/// Why commands are recorded, where the author gives no other reason.
pub(super) const COMMAND_PURPOSE: &str =
    "To learn which commands are used, how long they take and how they end.";

/// What the library records by itself, or has ready for the tool to call.
pub(super) struct Ready {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) purpose: &'static str,
    pub(super) fields: &'static [Common],
}

/// All of them, in the order of their kinds.
pub(super) const READY: [Ready; 3] = [
    Ready {
        kind: kind::DATA_DELETION_REQUEST,
        name: kind::DATA_DELETION_REQUEST,
        about: "The user asked that what was sent is erased. Only then, and after the no.",
        purpose: "To have it erased where it is.",
        fields: &[common(DELETED_ID, "the pseudonym under which it was sent")],
    },
    Ready {
        kind: kind::UPDATE_APPLIED,
        name: UPDATE,
        about: "The tool updated itself, if it does.",
        purpose: "To learn how fast updates spread.",
        fields: &[
            common("from_version", "the version that was replaced"),
            common("to_version", "the version that replaced it"),
        ],
    },
    Ready {
        kind: kind::UPDATE_CHECK,
        name: UPDATE,
        about: "The tool looked for an update of itself, if it does.",
        purpose: "To learn which versions are in use.",
        fields: &[
            common("current_version", "the version that looked"),
            common("available", "whether there is a newer one"),
            common("found_version", "the newer one, if there is one"),
        ],
    },
];

/// What every tool has ready that this one does not declare itself.
pub(super) fn ready(entries: &[&Entry]) -> impl Iterator<Item = &'static Ready> {
    READY.iter().filter(|it| !entries.iter().any(|own| own.kind == it.kind && own.name == it.name))
}

/// Why a command or an event is recorded; empty if its author did not say.
pub(super) fn purpose(entry: &Entry) -> &'static str {
    if entry.purpose.is_empty() && entry.is_command() { COMMAND_PURPOSE } else { entry.purpose }
}

/// Why a field is: what its command or event is recorded for, unless it says otherwise.
pub(super) fn field_purpose(entry: &Entry, field: &Field) -> &'static str {
    if field.purpose.is_empty() { purpose(entry) } else { field.purpose }
}

/// What is said of a value that the tool gives with everything, and that nobody declared.
pub(super) const UNDECLARED: &str = "a value that the tool gives";

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

/// Under which consent a field is recorded, in a word.
pub(super) const fn consent(extended: bool) -> &'static str {
    if extended { "extended" } else { "basic" }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::backend::Origin;
    use crate::command::PARENT;
    use crate::event::{Ended, Event};

    /// The names of a struct's fields. A field that is missing in the list does not compile.
    macro_rules! fields_of {
        ($type:ident { $($field:ident),* $(,)? }) => {{
            const _: fn($type) = |it| {
                let $type { $($field: _),* } = it;
            };
            BTreeSet::from([$(stringify!($field)),*])
        }};
    }

    fn names<'a>(tables: impl IntoIterator<Item = &'a [Common]>) -> BTreeSet<&'static str> {
        tables.into_iter().flatten().map(|it| it.name).collect()
    }

    #[test]
    fn what_is_said_of_a_delivery_is_what_an_origin_has() {
        type Of = Origin;
        let has =
            fields_of!(Of { machine_id, tool, tool_version, os, os_version, arch, runtime, ci, container });
        assert_eq!(names([&ORIGIN[..]]), has);
    }

    #[test]
    fn what_is_said_of_an_event_is_what_one_has() {
        type Of = Event<'static>;
        let mut has = fields_of!(Of {
            id,
            kind,
            name,
            time,
            duration,
            exit_code,
            ended,
            error_kind,
            error,
            args,
            attributes,
        });
        // The attributes are the author's, which each entry lists, and these two, which are ours.
        assert!(has.remove("attributes"));
        has.extend([PARENT, LEFT_OUT]);
        assert_eq!(names([&EVERY[..], &COMMAND, &EXTENDED]), has);
    }

    #[test]
    fn every_way_to_end_is_named() {
        let ended = COMMAND.iter().find(|it| it.name == "ended").map_or("", |it| it.about);
        let named: Vec<&str> = ended.split('`').skip(1).step_by(2).collect();
        assert_eq!(named, Ended::ALL.map(Ended::as_str));
    }

    #[test]
    fn what_the_library_has_ready_records_what_is_said_of_it() {
        let (request, events) = crate::capture(true, || {
            crate::event::update_applied("1.0.0", "1.1.0");
            crate::event::update_check("1.0.0", Some("1.1.0"));
            crate::event::deletion_request("0123456789abcdef")
        });
        let all: Vec<&Event<'_>> = [&request].into_iter().chain(&events).collect();
        assert_eq!(all.len(), READY.len());
        for (event, ready) in all.iter().zip(&READY) {
            assert_eq!((&*event.kind, &*event.name), (ready.kind, ready.name));
            let keys: BTreeSet<&str> = event.attributes.iter().map(|it| &*it.key).collect();
            assert_eq!(keys, names([ready.fields]));
        }
    }
}
