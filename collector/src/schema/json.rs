//! The schema for programs.

use serde_json::{Value, json};

use super::common::{
    COMMAND, CONSENT, CONSENT_EXTENDED, Common, EVERY, EXTENDED, ORIGIN, Ready, consent, field_purpose,
    purpose, ready,
};
use super::{Entry, Field, Schema, Source};

impl Schema {
    /// The schema as JSON, two spaces deep.
    ///
    /// `version` is 1 and becomes 2 when something is taken away or changes its meaning. New members
    /// may come at any time.
    #[must_use]
    pub fn json(&self) -> String {
        let all = json!({
            "version": 1,
            "consent": { "basic": CONSENT, "extended": CONSENT_EXTENDED },
            "origin": facts(&ORIGIN),
            "event": facts(&EVERY),
            "command": facts(&COMMAND),
            "command_extended": facts(&EXTENDED),
            "commands": self.commands.iter().map(|it| self.entry_json(it)).collect::<Vec<_>>(),
            "events": self.events.iter().map(|it| self.entry_json(it)).collect::<Vec<_>>(),
            "everywhere": self.everywhere.iter().flat_map(|entry| {
                entry.fields.iter().map(|it| self.field_json(entry, it))
            }).collect::<Vec<_>>(),
            "undeclared": self.undeclared,
            "library_events": ready(&self.events).map(ready_json).collect::<Vec<_>>(),
        });
        // As all else of ours is written: by `Display` there would be two writers of JSON in every tool.
        serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
    }

    fn entry_json(&self, entry: &Entry) -> Value {
        json!({
            "kind": entry.kind,
            "name": entry.name,
            "about": entry.about,
            "purpose": purpose(entry),
            "consent": consent(entry.extended),
            "fields": entry.fields.iter().map(|it| self.field_json(entry, it)).collect::<Vec<_>>(),
        })
    }

    fn field_json(&self, entry: &Entry, field: &Field) -> Value {
        json!({
            "key": field.key,
            "source": match field.source {
                Source::Metadata => "metadata",
                Source::Value => "value",
                Source::Text => "text",
            },
            "written": field.written,
            "cases": self.cases(field),
            "about": field.about,
            "purpose": field_purpose(entry, field),
            "class": field.class.map(super::Class::as_str),
            "consent": consent(entry.extended || field.extended),
        })
    }
}

fn ready_json(it: &Ready) -> Value {
    json!({
        "kind": it.kind,
        "name": it.name,
        "about": it.about,
        "purpose": it.purpose,
        "fields": facts(it.fields),
    })
}

fn facts(all: &[Common]) -> Value {
    // One by one: what collects into a map brings a sort of its own.
    let mut facts = serde_json::Map::new();
    for it in all {
        facts.insert(it.name.to_owned(), it.about.replace('`', "").into());
    }
    facts.into()
}
