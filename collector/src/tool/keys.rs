//! What fills the fields of a configuration from what stands in a `telemetry.toml`.
//!
//! By hand rather than derived: every tool does this, and what serde's derive writes for each table was a tenth
//! of a tool that only records (`SIZES.md`).

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::duration;
use super::found::{Found, Pair, Value};

/// What the component is handed: its settings as JSON.
pub(super) type Settings = serde_json::Map<String, serde_json::Value>;

/// What is wrong, and in which line.
pub(super) struct Wrong {
    pub(super) line: u32,
    pub(super) what: String,
}

impl Wrong {
    pub(super) fn new(line: u32, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }

    /// Something else than what the key takes.
    fn unfit(found: &Found, expected: &str) -> Self {
        let is = match &found.value {
            Value::Text(text) => format!("string {text:?}"),
            Value::Whole(number) => format!("integer `{number}`"),
            // Without the number: what writes one out is 14 KiB that few tools have otherwise.
            Value::Number(_) => "a number with a fraction".to_owned(),
            Value::Truth(truth) => format!("boolean `{truth}`"),
            Value::Time(_) => "datetime".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Table(_) => "table".to_owned(),
        };
        Self::new(found.line, format!("invalid type: {is}, expected {expected}"))
    }
}

/// What a key can fill.
pub(super) trait Fill {
    fn fill(&mut self, found: &Found) -> Result<(), Wrong>;
}

/// What stands after a key as a whole.
pub(super) trait Given: Sized {
    fn given(found: &Found) -> Result<Self, Wrong>;
}

impl<T: Given> Fill for T {
    fn fill(&mut self, found: &Found) -> Result<(), Wrong> {
        *self = T::given(found)?;
        Ok(())
    }
}

/// Fills the fields of a table. A key that has none is an error, which lists those that there are.
pub(super) fn fill_fields(found: &Found, fields: &mut [(&'static str, &mut dyn Fill)]) -> Result<(), Wrong> {
    for (key, value) in entries(found)? {
        match fields.iter_mut().find(|(name, _)| *name == key.as_ref()) {
            Some((_, field)) => field.fill(value)?,
            None => {
                let known: Vec<_> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
                let what = format!("unknown field `{key}`, expected one of {}", known.join(", "));
                return Err(Wrong::new(value.line, what));
            }
        }
    }
    Ok(())
}

/// The fields of a table by their keys: the same names, unless told otherwise. It does not compile where one
/// has been forgotten.
macro_rules! table {
    ($table:ident { $($field:ident $(as $key:literal)?),* $(,)? }) => {
        impl $crate::tool::keys::Fill for $table {
            fn fill(&mut self, found: &$crate::tool::found::Found) -> Result<(), $crate::tool::keys::Wrong> {
                let Self { $($field),* } = self;
                $crate::tool::keys::fill_fields(found, &mut [
                    $(($crate::tool::keys::table!(@ $field $($key)?), $field)),*
                ])
            }
        }
    };
    (@ $field:ident) => { stringify!($field) };
    (@ $field:ident $key:literal) => { $key };
}
pub(super) use table;

/// What is one of several words.
macro_rules! words {
    ($word:ident { $($written:literal => $case:ident),* $(,)? }) => {
        impl $crate::tool::keys::Given for $word {
            fn given(found: &$crate::tool::found::Found) -> Result<Self, $crate::tool::keys::Wrong> {
                const WORDS: &[&str] = &[$($written),*];
                const CASES: &[$word] = &[$($word::$case),*];
                $crate::tool::keys::word(found, WORDS).map(|at| CASES[at])
            }
        }
    };
}
pub(super) use words;

/// Which of these words it is.
pub(super) fn word(found: &Found, words: &[&str]) -> Result<usize, Wrong> {
    let text = text(found)?;
    words.iter().position(|it| *it == text).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|it| format!("`{it}`")).collect();
        Wrong::new(found.line, format!("unknown variant `{text}`, expected one of {}", words.join(", ")))
    })
}

/// The keys of a table and what stands after them.
pub(super) fn entries(found: &Found) -> Result<&[Pair], Wrong> {
    match &found.value {
        Value::Table(table) => Ok(table),
        _ => Err(Wrong::unfit(found, "a table")),
    }
}

fn text(found: &Found) -> Result<&str, Wrong> {
    match &found.value {
        Value::Text(text) => Ok(text),
        _ => Err(Wrong::unfit(found, "a string")),
    }
}

impl Given for bool {
    fn given(found: &Found) -> Result<Self, Wrong> {
        match found.value {
            Value::Truth(truth) => Ok(truth),
            _ => Err(Wrong::unfit(found, "a boolean")),
        }
    }
}

impl Given for String {
    fn given(found: &Found) -> Result<Self, Wrong> {
        text(found).map(str::to_owned)
    }
}

impl Given for u64 {
    fn given(found: &Found) -> Result<Self, Wrong> {
        whole(found, "a whole number that is not negative")
    }
}

impl Given for u32 {
    fn given(found: &Found) -> Result<Self, Wrong> {
        whole(found, "a whole number from 0 to 4294967295")
    }
}

impl Given for NonZeroU32 {
    fn given(found: &Found) -> Result<Self, Wrong> {
        const EXPECTED: &str = "a nonzero whole number up to 4294967295";
        Self::new(whole(found, EXPECTED)?).ok_or_else(|| Wrong::unfit(found, EXPECTED))
    }
}

fn whole<T: TryFrom<i64>>(found: &Found, expected: &str) -> Result<T, Wrong> {
    let number = if let Value::Whole(it) = found.value { it.try_into().ok() } else { None };
    number.ok_or_else(|| Wrong::unfit(found, expected))
}

impl Given for f64 {
    fn given(found: &Found) -> Result<Self, Wrong> {
        match found.value {
            Value::Whole(it) => Ok(it as Self),
            Value::Number(it) => Ok(it),
            _ => Err(Wrong::unfit(found, "a number")),
        }
    }
}

impl Given for Duration {
    fn given(found: &Found) -> Result<Self, Wrong> {
        match &found.value {
            Value::Text(text) => duration::parse(text).map_err(|what| Wrong::new(found.line, what)),
            Value::Whole(0) => Ok(Self::ZERO),
            Value::Whole(number) => {
                Err(Wrong::new(found.line, format!("`{number}` has no unit: write it as in \"{number}s\"")))
            }
            _ => Err(Wrong::unfit(found, "a duration such as \"15m\"")),
        }
    }
}

impl<T: Given> Given for Option<T> {
    fn given(found: &Found) -> Result<Self, Wrong> {
        T::given(found).map(Some)
    }
}

impl Given for Vec<String> {
    fn given(found: &Found) -> Result<Self, Wrong> {
        match &found.value {
            Value::Array(items) => items.iter().map(String::given).collect(),
            _ => Err(Wrong::unfit(found, "an array of strings")),
        }
    }
}

impl Given for BTreeMap<String, f64> {
    fn given(found: &Found) -> Result<Self, Wrong> {
        let mut all = Self::new();
        for (key, value) in entries(found)? {
            all.insert(key.to_string(), f64::given(value)?);
        }
        Ok(all)
    }
}

impl Given for Settings {
    fn given(found: &Found) -> Result<Self, Wrong> {
        entries(found).map(settings)
    }
}

/// A table whose keys are the component's own, as JSON. What JSON has no word for: a time is its text, and what
/// is no number is `null`.
fn settings(table: &[Pair]) -> Settings {
    // One by one: what collects into a map brings a sort of its own.
    let mut all = Settings::new();
    for (key, value) in table {
        all.insert(key.to_string(), setting(value));
    }
    all
}

fn setting(found: &Found) -> serde_json::Value {
    match &found.value {
        Value::Text(text) | Value::Time(text) => text.as_ref().into(),
        Value::Whole(number) => (*number).into(),
        Value::Number(number) => (*number).into(),
        Value::Truth(truth) => (*truth).into(),
        Value::Array(items) => serde_json::Value::Array(items.iter().map(setting).collect()),
        Value::Table(table) => serde_json::Value::Object(settings(table)),
    }
}
