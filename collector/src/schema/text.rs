//! The schema for a terminal.

use std::fmt::{self, Display};

use super::common::{
    COMMAND, CONSENT, CONSENT_EXTENDED, Common, EVERY, EXTENDED, ORIGIN, UNDECLARED, holds, purpose, ready,
};
use super::{Entry, Schema};

/// Indented lists, for a terminal.
impl Display for Schema {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "What this tool records. {CONSENT}")?;
        list(out, "Once per delivery:", &ORIGIN)?;
        list(out, "Of everything:", &EVERY)?;
        if !self.everywhere.is_empty() || !self.undeclared.is_empty() {
            writeln!(out, "\nOf everything, by this tool:")?;
        }
        for entry in &self.everywhere {
            self.fields(out, entry, "  ")?;
            if !entry.purpose.is_empty() {
                writeln!(out, "    why: {}", entry.purpose)?;
            }
        }
        for key in &self.undeclared {
            writeln!(out, "  {key} = {UNDECLARED}")?;
        }
        list(out, "Of every command:", &COMMAND)?;
        list(out, "Of every command and every error, under extended collection:", &EXTENDED)?;
        writeln!(out, "  ({CONSENT_EXTENDED})")?;
        writeln!(out, "\nCommands:")?;
        for entry in &self.commands {
            self.entry(out, entry, entry.name)?;
        }
        if self.commands.is_empty() {
            writeln!(out, "  none")?;
        }
        writeln!(out, "\nOther events:")?;
        for entry in &self.events {
            self.entry(out, entry, &format!("{}: {}", entry.kind, entry.name))?;
        }
        if self.events.is_empty() {
            writeln!(out, "  none")?;
        }
        writeln!(out, "\nEvents that every tool has ready:")?;
        for it in ready(&self.events) {
            writeln!(out, "  {}: {}\n    {}\n    why: {}", it.kind, it.name, it.about, it.purpose)?;
            for field in it.fields {
                writeln!(out, "    {} = {}", field.name, field.about)?;
            }
        }
        Ok(())
    }
}

fn list(out: &mut fmt::Formatter<'_>, title: &str, facts: &[Common]) -> fmt::Result {
    writeln!(out, "\n{title}")?;
    for fact in facts {
        writeln!(out, "  {:<11} {}", fact.name, fact.about.replace('`', ""))?;
    }
    Ok(())
}

impl Schema {
    fn entry(&self, out: &mut fmt::Formatter<'_>, entry: &Entry, title: &str) -> fmt::Result {
        let extended = if entry.extended { "  (extended collection)" } else { "" };
        writeln!(out, "  {title}{extended}")?;
        if !entry.about.is_empty() {
            writeln!(out, "    {}", entry.about)?;
        }
        if !purpose(entry).is_empty() {
            writeln!(out, "    why: {}", purpose(entry))?;
        }
        self.fields(out, entry, "    ")
    }

    fn fields(&self, out: &mut fmt::Formatter<'_>, entry: &Entry, indent: &str) -> fmt::Result {
        for field in entry.fields {
            let extended = if field.extended { " (extended collection)" } else { "" };
            writeln!(
                out,
                "{indent}{} = {}{extended}",
                field.key,
                holds(field, self.cases(field)).replace('`', "")
            )?;
            if !field.about.is_empty() {
                writeln!(out, "{indent}  {}", field.about)?;
            }
            if !field.purpose.is_empty() {
                writeln!(out, "{indent}  why: {}", field.purpose)?;
            }
        }
        Ok(())
    }
}
