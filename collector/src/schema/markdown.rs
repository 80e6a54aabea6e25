//! The schema as `TELEMETRY.md`.

use std::fmt::Write as _;

use super::common::{
    COMMAND, COMMAND_PURPOSE, CONSENT, CONSENT_EXTENDED, Common, EVERY, EXTENDED, ORIGIN, consent, holds,
};
use super::{Entry, Schema};

impl Schema {
    /// The schema as Markdown: what [`check`](super::check) compares with.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!(
            "# What this tool records\n\nWritten by the program itself; a test keeps it true.\n\n{CONSENT}\n"
        );
        table(&mut out, "Once per delivery", "", &ORIGIN);
        table(&mut out, "Of everything", "", &EVERY);
        table(&mut out, "Of every command", "", &COMMAND);
        table(&mut out, "Of every command, under extended collection", CONSENT_EXTENDED, &EXTENDED);
        self.section(&mut out, "Commands", &self.commands, |it| format!("`{}`", it.name));
        self.section(&mut out, "Other events", &self.events, |it| format!("`{}`: `{}`", it.kind, it.name));
        out
    }

    fn section(&self, out: &mut String, title: &str, entries: &[&Entry], heading: fn(&Entry) -> String) {
        line(out, format_args!("\n## {title}"));
        if entries.is_empty() {
            line(out, format_args!("\nNone."));
        }
        for entry in entries {
            line(out, format_args!("\n### {}", heading(entry)));
            if !entry.about.is_empty() {
                line(out, format_args!("\n{}", escaped(entry.about)));
            }
            let purpose = match (entry.purpose, entry.is_command()) {
                ("", true) => COMMAND_PURPOSE,
                (purpose, _) => purpose,
            };
            if !purpose.is_empty() {
                line(out, format_args!("\nWhy: {}", escaped(purpose)));
            }
            if entry.extended {
                line(out, format_args!("\n{CONSENT_EXTENDED}"));
            }
            if !entry.fields.is_empty() {
                line(
                    out,
                    format_args!(
                        "\n| field | holds | why | class | consent |\n| --- | --- | --- | --- | --- |"
                    ),
                );
            }
            for field in entry.fields {
                let about = if field.about.is_empty() { String::new() } else { format!("{} ", field.about) };
                line(
                    out,
                    format_args!(
                        "| `{}` | {}{} | {} | {} | {} |",
                        field.key,
                        cell(&about),
                        cell(&holds(field, self.cases(field))),
                        cell(field.purpose),
                        field.class.map_or("", super::Class::as_str),
                        consent(field.extended || entry.extended)
                    ),
                );
            }
        }
    }
}

fn table(out: &mut String, title: &str, note: &str, facts: &[Common]) {
    line(out, format_args!("\n## {title}"));
    if !note.is_empty() {
        line(out, format_args!("\n{note}"));
    }
    line(out, format_args!("\n| field | what it is |\n| --- | --- |"));
    for fact in facts {
        line(out, format_args!("| `{}` | {} |", fact.name, cell(fact.about)));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

/// Text inside of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// An author's text, which must not become a heading or a tag.
fn escaped(text: &str) -> String {
    text.replace('<', "\\<").trim_start_matches('#').trim().to_owned()
}
