//! The schema for a terminal.

use std::fmt::{self, Display};

use super::common::{
    COMMAND, COMMAND_PURPOSE, CONSENT, CONSENT_EXTENDED, Common, EVERY, EXTENDED, ORIGIN, holds,
};
use super::{Entry, Schema};

/// Indented lists, for a terminal.
impl Display for Schema {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "What this tool records. {CONSENT}")?;
        list(out, "Once per delivery:", &ORIGIN)?;
        list(out, "Of everything:", &EVERY)?;
        list(out, "Of every command:", &COMMAND)?;
        list(out, "Of every command, under extended collection:", &EXTENDED)?;
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
        match (entry.purpose.is_empty(), entry.is_command()) {
            (false, _) => writeln!(out, "    why: {}", entry.purpose)?,
            (true, true) => writeln!(out, "    why: {COMMAND_PURPOSE}")?,
            (true, false) => {}
        }
        for field in entry.fields {
            let extended = if field.extended { " (extended collection)" } else { "" };
            writeln!(
                out,
                "    {} = {}{extended}",
                field.key,
                holds(field, self.cases(field)).replace('`', "")
            )?;
            if !field.about.is_empty() {
                writeln!(out, "      {}", field.about)?;
            }
            if !field.purpose.is_empty() {
                writeln!(out, "      why: {}", field.purpose)?;
            }
        }
        Ok(())
    }
}
