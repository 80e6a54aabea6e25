//! An event of each declared sort, made up: what a preview shows before anything was recorded.

use std::time::Duration;

use super::{Entry, Field, Schema, Source};
use crate::event::{Attribute, Ended, Event, EventId, Timestamp, Value};

/// A preview of more is not read by anybody.
const MOST: usize = 20;

impl Schema {
    /// A made-up event of each command and each event, in their order, at most [`MOST`].
    pub(crate) fn samples(&self, extended: bool, now: Timestamp) -> Vec<Event<'static>> {
        const NOTHING: Entry = Entry::command("example", "", "", &[]);
        let mut entries: Vec<&Entry> = self.commands().iter().chain(self.events()).copied().collect();
        if entries.is_empty() {
            entries.push(&NOTHING);
        }
        entries
            .into_iter()
            .filter(|entry| extended || !entry.extended)
            .take(MOST)
            .enumerate()
            .map(|(number, entry)| self.sample(entry, extended, now, number as u64))
            .collect()
    }

    fn sample(&self, entry: &Entry, extended: bool, now: Timestamp, number: u64) -> Event<'static> {
        let mut event = Event::new(entry.kind, entry.name);
        event.id = EventId::from_parts(0, number);
        event.time = now;
        if entry.is_command() {
            event.duration = Some(Duration::from_micros(12_500));
            event.exit_code = Some(0);
            event.ended = Some(Ended::Finished);
            if extended {
                event.args = vec!["--example".into()].into();
            }
        }
        let shown = entry.fields.iter().filter(|field| extended || !field.extended);
        event.attributes = shown.map(|field| Attribute::new(field.key, self.value(field))).collect();
        event
    }

    fn value(&self, field: &Field) -> Value<'static> {
        if let Some(case) = self.cases(field).and_then(<[&str]>::first) {
            return (*case).into();
        }
        let inner = field.written.trim_start_matches(['&', ' ']);
        let inner = inner.strip_prefix("Option<").and_then(|it| it.strip_suffix('>')).unwrap_or(inner);
        match (field.source, inner) {
            (Source::Value, "bool") => true.into(),
            (Source::Value, "f32" | "f64") => 1.5.into(),
            (Source::Value, "String" | "str") | (Source::Metadata | Source::Text, _) => "example".into(),
            (Source::Value, _) => 1_i64.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_what_its_entry_declares_and_nothing_that_is_for_extended_collection() {
        static FIELDS: [Field; 3] = [
            Field::value("fast", "bool"),
            Field::text("note", "String"),
            Field::value("count", "Option<u32>"),
        ];
        static BUILD: Entry = Entry::command("build", "", "", &FIELDS);
        static SECRET: Entry = Entry::event("feature.used", "deep", "", "", true, &[]);
        let schema = Schema::of([&BUILD, &SECRET], []);
        let now = Timestamp { seconds: 5, nanos: 0 };
        let samples = schema.samples(false, now);
        assert_eq!(samples.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["build"]);
        assert_eq!(samples[0].attributes[0], Attribute::new("fast", true));
        assert_eq!(samples[0].attributes[1], Attribute::new("note", "example"));
        assert_eq!(samples[0].attributes[2], Attribute::new("count", 1_i64));
        assert!(samples[0].args.is_empty() && samples[0].time == now);
        assert_eq!(schema.samples(true, now).len(), 2);
    }

    #[test]
    fn a_tool_that_declares_nothing_has_one_sample() {
        assert_eq!(Schema::of([], []).samples(false, Timestamp::default()).len(), 1);
    }
}
