//! What fills the fields of a configuration from what stands in a `telemetry.toml`.
//!
//! By hand rather than derived: every tool does this, and what serde's derive writes for each table was a tenth
//! of a tool that only records (`SIZES.md`).

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

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

/// What a key can fill: a field, by the type that it has. One function fills them all, which is smaller than one
/// for each type.
pub(super) enum Field<'a> {
    Truth(&'a mut bool),
    MaybeTruth(&'a mut Option<bool>),
    Text(&'a mut String),
    MaybeText(&'a mut Option<String>),
    Texts(&'a mut Vec<String>),
    Whole(&'a mut u64),
    MaybeWhole(&'a mut Option<u64>),
    Small(&'a mut u32),
    MaybeSmall(&'a mut Option<u32>),
    MaybePositive(&'a mut Option<NonZeroU32>),
    Number(&'a mut f64),
    Duration(&'a mut Duration),
    MaybeDuration(&'a mut Option<Duration>),
    Other(&'a mut dyn Fill),
}

impl Field<'_> {
    fn fill(&mut self, found: &Found) -> Result<(), Wrong> {
        match self {
            Self::Truth(it) => **it = truth(found)?,
            Self::MaybeTruth(it) => **it = Some(truth(found)?),
            Self::Text(it) => **it = text(found)?.to_owned(),
            Self::MaybeText(it) => **it = Some(text(found)?.to_owned()),
            Self::Texts(it) => **it = texts(found)?,
            Self::Whole(it) => **it = whole(found)?,
            Self::MaybeWhole(it) => **it = Some(whole(found)?),
            Self::Small(it) => **it = small(found)?,
            Self::MaybeSmall(it) => **it = Some(small(found)?),
            Self::MaybePositive(it) => **it = Some(positive(found)?),
            Self::Number(it) => **it = number(found)?,
            Self::Duration(it) => **it = duration(found)?,
            Self::MaybeDuration(it) => **it = Some(duration(found)?),
            Self::Other(it) => return it.fill(found),
        }
        Ok(())
    }
}

/// What fills itself.
pub(super) trait Fill {
    fn fill(&mut self, found: &Found) -> Result<(), Wrong>;
}

impl<'a, T: Fill> From<&'a mut T> for Field<'a> {
    fn from(it: &'a mut T) -> Self {
        Self::Other(it)
    }
}

/// The types that a field of a table has of its own.
macro_rules! fields {
    ($($case:ident($type:ty)),* $(,)?) => {$(
        impl<'a> From<&'a mut $type> for Field<'a> {
            fn from(it: &'a mut $type) -> Self {
                Self::$case(it)
            }
        }
    )*};
}

fields! {
    Truth(bool),
    MaybeTruth(Option<bool>),
    Text(String),
    MaybeText(Option<String>),
    Texts(Vec<String>),
    Whole(u64),
    MaybeWhole(Option<u64>),
    Small(u32),
    MaybeSmall(Option<u32>),
    MaybePositive(Option<NonZeroU32>),
    Number(f64),
    Duration(Duration),
    MaybeDuration(Option<Duration>),
}

/// Fills the fields of a table. A key that has none is an error, which lists those that there are.
pub(super) fn fill_fields(found: &Found, fields: &mut [(&'static str, Field<'_>)]) -> Result<(), Wrong> {
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
                    $(($crate::tool::keys::table!(@ $field $($key)?), $field.into())),*
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
        impl $crate::tool::keys::Fill for $word {
            fn fill(&mut self, found: &$crate::tool::found::Found) -> Result<(), $crate::tool::keys::Wrong> {
                const WORDS: &[&str] = &[$($written),*];
                const CASES: &[$word] = &[$($word::$case),*];
                *self = CASES[$crate::tool::keys::word(found, WORDS)?];
                Ok(())
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

fn truth(found: &Found) -> Result<bool, Wrong> {
    match found.value {
        Value::Truth(truth) => Ok(truth),
        _ => Err(Wrong::unfit(found, "a boolean")),
    }
}

fn texts(found: &Found) -> Result<Vec<String>, Wrong> {
    match &found.value {
        Value::Array(items) => items.iter().map(|it| text(it).map(str::to_owned)).collect(),
        _ => Err(Wrong::unfit(found, "an array of strings")),
    }
}

fn whole(found: &Found) -> Result<u64, Wrong> {
    fits(found).ok_or_else(|| Wrong::unfit(found, "a whole number that is not negative"))
}

fn small(found: &Found) -> Result<u32, Wrong> {
    fits(found).ok_or_else(|| Wrong::unfit(found, "a whole number from 0 to 4294967295"))
}

fn positive(found: &Found) -> Result<NonZeroU32, Wrong> {
    let number = fits(found).and_then(NonZeroU32::new);
    number.ok_or_else(|| Wrong::unfit(found, "a nonzero whole number up to 4294967295"))
}

fn fits<T: TryFrom<i64>>(found: &Found) -> Option<T> {
    if let Value::Whole(it) = found.value { it.try_into().ok() } else { None }
}

fn number(found: &Found) -> Result<f64, Wrong> {
    match found.value {
        Value::Whole(it) => Ok(it as f64),
        Value::Number(it) => Ok(it),
        _ => Err(Wrong::unfit(found, "a number")),
    }
}

fn duration(found: &Found) -> Result<Duration, Wrong> {
    match &found.value {
        Value::Text(text) => super::duration::parse(text).map_err(|what| Wrong::new(found.line, what)),
        Value::Whole(0) => Ok(Duration::ZERO),
        Value::Whole(number) => {
            Err(Wrong::new(found.line, format!("`{number}` has no unit: write it as in \"{number}s\"")))
        }
        _ => Err(Wrong::unfit(found, "a duration such as \"15m\"")),
    }
}

impl Fill for BTreeMap<String, f64> {
    fn fill(&mut self, found: &Found) -> Result<(), Wrong> {
        for (key, value) in entries(found)? {
            self.insert(key.to_string(), number(value)?);
        }
        Ok(())
    }
}

impl Fill for Settings {
    fn fill(&mut self, found: &Found) -> Result<(), Wrong> {
        *self = settings(entries(found)?);
        Ok(())
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
