//! The schema as `TELEMETRY.md`.

use std::fmt::Write as _;

use super::common::{
    COMMAND, CONSENT, CONSENT_EXTENDED, Common, EVERY, EXTENDED, ORIGIN, UNDECLARED, consent, field_purpose,
    holds, purpose, ready,
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
        self.of_the_tool(&mut out);
        table(&mut out, "Of every command", "", &COMMAND);
        table(
            &mut out,
            "Of every command and every error, under extended collection",
            CONSENT_EXTENDED,
            &EXTENDED,
        );
        self.section(&mut out, "Commands", &self.commands, |it| format!("`{}`", it.name));
        self.section(&mut out, "Other events", &self.events, |it| format!("`{}`: `{}`", it.kind, it.name));
        line(&mut out, format_args!("\n## Events that every tool has ready"));
        for it in ready(&self.events) {
            line(
                &mut out,
                format_args!("\n### `{}`: `{}`\n\n{}\n\nWhy: {}", it.kind, it.name, it.about, it.purpose),
            );
            facts(&mut out, it.fields);
        }
        out
    }

    /// What the tool says with everything.
    fn of_the_tool(&self, out: &mut String) {
        if self.everywhere.is_empty() && self.undeclared.is_empty() {
            return;
        }
        line(out, format_args!("\n## Of everything, by this tool\n\n{FIELDS}"));
        for entry in &self.everywhere {
            self.rows(out, entry);
        }
        for key in &self.undeclared {
            line(out, format_args!("| `{}` | {UNDECLARED} |  |  | {} |", cell(key), consent(false)));
        }
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
            let purpose = purpose(entry);
            if !purpose.is_empty() {
                line(out, format_args!("\nWhy: {}", escaped(purpose)));
            }
            if entry.extended {
                line(out, format_args!("\n{CONSENT_EXTENDED}"));
            }
            if !entry.fields.is_empty() {
                line(out, format_args!("\n{FIELDS}"));
            }
            self.rows(out, entry);
        }
    }

    fn rows(&self, out: &mut String, entry: &Entry) {
        for field in entry.fields {
            let about = if field.about.is_empty() { String::new() } else { format!("{} ", field.about) };
            line(
                out,
                format_args!(
                    "| `{}` | {}{} | {} | {} | {} |",
                    field.key,
                    cell(&about),
                    cell(&holds(field, self.cases(field))),
                    cell(field_purpose(entry, field)),
                    field.class.map_or("", super::Class::as_str),
                    consent(field.extended || entry.extended)
                ),
            );
        }
    }
}

/// The head of a table of fields.
const FIELDS: &str = "| field | holds | why | class | consent |\n| --- | --- | --- | --- | --- |";

fn table(out: &mut String, title: &str, note: &str, facts: &[Common]) {
    line(out, format_args!("\n## {title}"));
    if !note.is_empty() {
        line(out, format_args!("\n{note}"));
    }
    self::facts(out, facts);
}

fn facts(out: &mut String, facts: &[Common]) {
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
