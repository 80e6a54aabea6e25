//! From the JSON text of the settings to the author's type, with every problem and its key.
//!
//! serde stops at the first error and does not say where it was. So the object's entries are handed
//! to it one by one, which tells the key; a value of the wrong type is then set aside and the rest
//! looked at again, so that the author sees all problems at once.

use crate::json::{self, Error, entries};
use crate::{Backend, Description, Problem};
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

/// The JSON text of one value.
type Json = String;

/// Configures a backend from the JSON text of its settings, as a component does.
///
/// # Errors
/// Every problem that was found; the backend's own only where the text and the types are right.
pub(crate) fn configure<B: Backend>(text: &str) -> Result<B, Vec<Problem>> {
    match entries(text) {
        Ok(given) => B::configure(read(&B::describe(), given)?),
        Err(error) => {
            Err(vec![Problem::new("", format!("the settings are not the JSON text of an object: {error}"))])
        }
    }
}

/// The settings in the author's type, defaults filled in.
fn read<T: for<'de> Deserialize<'de>>(
    description: &Description,
    given: Vec<(String, Json)>,
) -> Result<T, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut known = Vec::new();
    for (key, value) in given {
        if description.settings.iter().any(|it| it.key == key) {
            known.push((key, value));
        } else {
            problems.push(Problem::new(key, unknown(description)));
        }
    }
    for setting in &description.settings {
        if known.iter().any(|(key, _)| *key == setting.key) {
            continue;
        }
        if setting.required {
            problems.push(Problem::new(&*setting.key, format!("is missing: {}", setting.summary)));
        } else if let Some(default) = default(description, &setting.key) {
            known.push((setting.key.clone(), default));
        }
    }
    // Each round either ends or takes one wrong value away.
    loop {
        let mut reader = Reader { entries: &known, at: None };
        let result = T::deserialize(&mut reader);
        match (result, reader.at) {
            (Ok(settings), _) if problems.is_empty() => return Ok(settings),
            (Ok(_), _) => return Err(problems),
            (Err(error), Some(culprit)) if culprit < known.len() => {
                let (key, wrong) = known.remove(culprit);
                // So that what depends on the type, and not on this value, is still found.
                if let Some(default) = default(description, &key).filter(|it| *it != wrong) {
                    known.push((key.clone(), default));
                }
                problems.push(Problem::new(key, error.to_string()));
            }
            // Nothing is left to take away: a required key is missing, and already reported where
            // `describe` names it.
            (Err(error), _) => {
                if problems.is_empty() {
                    problems.push(Problem::new("", error.to_string()));
                }
                return Err(problems);
            }
        }
    }
}

fn default(description: &Description, key: &str) -> Option<Json> {
    let setting = description.settings.iter().find(|it| it.key == key)?;
    setting.default.clone()
}

fn unknown(description: &Description) -> String {
    let mut message = format!("is unknown: the backend `{}` has", description.name);
    let mut separator = " ";
    for setting in &description.settings {
        message.push_str(separator);
        message.push_str(&setting.key);
        separator = ", ";
    }
    if description.settings.is_empty() {
        message.push_str(" no settings");
    }
    message
}

/// Hands entries to serde and remembers which one it is at: past the end, once all are read.
struct Reader<'a> {
    entries: &'a [(String, Json)],
    at: Option<usize>,
}

impl<'de, 'a: 'de> Deserializer<'de> for &mut Reader<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, 'a: 'de> MapAccess<'de> for &mut Reader<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let at = self.at.map_or(0, |it| it + 1);
        self.at = Some(at);
        match self.entries.get(at) {
            Some((key, _)) => seed.deserialize(StrDeserializer::new(key)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let entry = self.at.and_then(|it| self.entries.get(it));
        let (_, value) = entry.ok_or_else(|| Error::custom("a value without a key"))?;
        json::seeded(seed, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Http, Outcome, SendContext, Setting};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Shape {
        Round,
        VerySquare,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Settings {
        project: String,
        shape: Shape,
        size: u32,
        note: Option<String>,
    }

    #[derive(Debug, PartialEq)]
    struct Acme(Settings);

    impl Backend for Acme {
        type Settings = Settings;

        fn describe() -> Description {
            Description::new("acme", "1.0.0", "Sends.")
                .setting(Setting::required("project", "The project's id."))
                .setting(Setting::with_default("shape", "Its shape.", "\"round\""))
                .setting(Setting::with_default("size", "Its size.", "3"))
                .setting(Setting::optional("note", "A note."))
        }

        fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
            if settings.size > 9 {
                return Err(vec![Problem::new("size", "must be 9 at most")]);
            }
            Ok(Self(settings))
        }

        fn send(&self, _: &Batch, _: &SendContext, _: &mut dyn Http) -> Outcome {
            Outcome::Delivered
        }
    }

    fn keys(text: &str) -> Vec<String> {
        configure::<Acme>(text).expect_err("is refused").into_iter().map(|it| it.key).collect()
    }

    #[test]
    fn what_the_author_leaves_out_has_the_default_that_describe_promises() {
        let acme = configure::<Acme>(r#"{"project": "p"}"#).expect("is taken");
        assert_eq!(acme.0, Settings { project: "p".into(), shape: Shape::Round, size: 3, note: None });
    }

    #[test]
    fn what_the_author_gives_is_used() {
        let text = r#"{"project": "p", "shape": "very-square", "size": 4, "note": "n"}"#;
        let acme = configure::<Acme>(text).expect("is taken");
        let note = Some("n".into());
        assert_eq!(acme.0, Settings { project: "p".into(), shape: Shape::VerySquare, size: 4, note });
    }

    #[test]
    fn every_problem_is_named_by_its_key() {
        assert_eq!(keys("{}"), ["project"]);
        assert_eq!(keys(r#"{"project": 1}"#), ["project"]);
        assert_eq!(keys(r#"{"project": "p", "size": "big"}"#), ["size"]);
        assert_eq!(keys(r#"{"project": "p", "shape": "flat"}"#), ["shape"]);
        assert_eq!(keys(r#"{"project": "p", "note": 3, "colour": 1}"#), ["colour", "note"]);
        assert_eq!(keys(r#"{"size": -1, "shape": 2, "x": 0}"#), ["x", "project", "size", "shape"]);
        assert_eq!(keys(r#"{"project": "p", "size": 10}"#), ["size"]);
    }

    #[test]
    fn settings_that_are_no_object_are_refused_as_a_whole() {
        for text in ["", "[]", "3", "{", "null", "{\"a\": }"] {
            assert_eq!(keys(text), [""], "{text}");
        }
    }

    #[test]
    fn a_message_says_what_would_be_right() {
        let problems =
            configure::<Acme>(r#"{"project": "p", "shape": "flat", "sise": 1}"#).expect_err("is refused");
        assert!(problems[0].message.contains("project, shape, size, note"), "{problems:?}");
        assert!(problems[1].message.contains("`round` or `very-square`"), "{problems:?}");
    }
}
