//! Reading the text of a `telemetry.toml` into what has a field for each key.
//!
//! By hand rather than derived: every tool parses its configuration, and what serde's derive writes for each
//! table was a tenth of a tool that only records (`SIZES.md`).

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::duration;

/// What stands after a key, and where.
pub(super) type Found<'t> = Spanned<DeValue<'t>>;

/// What is wrong in the text, and at which byte.
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) what: String,
}

impl Wrong {
    pub(super) fn new(found: &Found<'_>, what: impl Into<String>) -> Self {
        Self { at: found.span().start, what: what.into() }
    }

    /// Something else than what the key takes.
    pub(super) fn unfit(found: &Found<'_>, expected: &str) -> Self {
        let is = match found.get_ref() {
            DeValue::String(text) => format!("string {text:?}"),
            DeValue::Integer(number) => format!("integer `{number}`"),
            DeValue::Float(number) => format!("float `{number}`"),
            DeValue::Boolean(truth) => format!("boolean `{truth}`"),
            other => other.type_str().to_owned(),
        };
        Self::new(found, format!("invalid type: {is}, expected {expected}"))
    }
}

/// What a key can fill.
pub(super) trait Fill {
    fn fill(&mut self, found: Found<'_>) -> Result<(), Wrong>;
}

/// What stands after a key as a whole.
pub(super) trait Given: Sized {
    fn given(found: Found<'_>) -> Result<Self, Wrong>;
}

impl<T: Given> Fill for T {
    fn fill(&mut self, found: Found<'_>) -> Result<(), Wrong> {
        *self = T::given(found)?;
        Ok(())
    }
}

/// Parses a text, and fills what its tables are for.
pub(super) fn parse(text: &str, into: &mut dyn Fill) -> Result<(), Wrong> {
    let table = DeTable::parse(text).map_err(|error| Wrong {
        at: error.span().map_or(0, |it| it.start),
        what: error.message().to_owned(),
    })?;
    into.fill(Spanned::new(table.span(), DeValue::Table(table.into_inner())))
}

/// Fills the fields of a table. A key that has none is an error, which lists those that there are.
pub(super) fn fill_fields(
    found: Found<'_>,
    fields: &mut [(&'static str, &mut dyn Fill)],
) -> Result<(), Wrong> {
    for (key, value) in entries(found)? {
        match fields.iter_mut().find(|(name, _)| *name == key.get_ref()) {
            Some((_, field)) => field.fill(value)?,
            None => {
                let known: Vec<_> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
                let what = format!("unknown field `{}`, expected one of {}", key.get_ref(), known.join(", "));
                return Err(Wrong { at: key.span().start, what });
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
            fn fill(&mut self, found: $crate::tool::keys::Found<'_>) -> Result<(), $crate::tool::keys::Wrong> {
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
            fn given(found: $crate::tool::keys::Found<'_>) -> Result<Self, $crate::tool::keys::Wrong> {
                const WORDS: &[&str] = &[$($written),*];
                const CASES: &[$word] = &[$($word::$case),*];
                $crate::tool::keys::word(&found, WORDS).map(|at| CASES[at])
            }
        }
    };
}
pub(super) use words;

/// Which of these words it is.
pub(super) fn word(found: &Found<'_>, words: &[&str]) -> Result<usize, Wrong> {
    let DeValue::String(text) = found.get_ref() else { return Err(Wrong::unfit(found, "a string")) };
    words.iter().position(|it| it == text).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|it| format!("`{it}`")).collect();
        Wrong::new(found, format!("unknown variant `{text}`, expected one of {}", words.join(", ")))
    })
}

/// The keys of a table and what stands after them.
pub(super) fn entries(found: Found<'_>) -> Result<DeTable<'_>, Wrong> {
    match found.get_ref() {
        DeValue::Table(_) => {}
        _ => return Err(Wrong::unfit(&found, "a table")),
    }
    match found.into_inner() {
        DeValue::Table(table) => Ok(table),
        _ => Ok(DeTable::new()),
    }
}

impl Given for bool {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        found.get_ref().as_bool().ok_or_else(|| Wrong::unfit(&found, "a boolean"))
    }
}

impl Given for String {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        found.get_ref().as_str().map(str::to_owned).ok_or_else(|| Wrong::unfit(&found, "a string"))
    }
}

impl Given for u64 {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        whole(&found).ok_or_else(|| Wrong::unfit(&found, "a whole number that is not negative"))
    }
}

impl Given for u32 {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        let number = whole(&found).and_then(|it| it.try_into().ok());
        number.ok_or_else(|| Wrong::unfit(&found, "a whole number from 0 to 4294967295"))
    }
}

impl Given for NonZeroU32 {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        let number = whole(&found).and_then(|it| u32::try_from(it).ok()).and_then(Self::new);
        number.ok_or_else(|| Wrong::unfit(&found, "a nonzero whole number up to 4294967295"))
    }
}

fn whole(found: &Found<'_>) -> Option<u64> {
    // Through the wider type: TOML knows a `-0`.
    let number = found.get_ref().as_integer()?;
    u64::try_from(i128::from_str_radix(number.as_str(), number.radix()).ok()?).ok()
}

impl Given for f64 {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        number(found.get_ref()).ok_or_else(|| Wrong::unfit(&found, "a number"))
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(it) => Some(integer(it)? as f64),
        DeValue::Float(it) => it.as_str().parse().ok(),
        _ => None,
    }
}

fn integer(it: &toml::de::DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(it.as_str(), it.radix()).ok()
}

impl Given for Duration {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        match found.get_ref() {
            DeValue::String(text) => duration::parse(text).map_err(|what| Wrong::new(&found, what)),
            DeValue::Integer(_) if whole(&found) == Some(0) => Ok(Self::ZERO),
            DeValue::Integer(number) => {
                Err(Wrong::new(&found, format!("`{number}` has no unit: write it as in \"{number}s\"")))
            }
            _ => Err(Wrong::unfit(&found, "a duration such as \"15m\"")),
        }
    }
}

impl<T: Given> Given for Option<T> {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        T::given(found).map(Some)
    }
}

impl Given for Vec<String> {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        match found.get_ref() {
            DeValue::Array(items) => items.iter().cloned().map(String::given).collect(),
            _ => Err(Wrong::unfit(&found, "an array of strings")),
        }
    }
}

impl Given for BTreeMap<String, f64> {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        let mut all = Self::new();
        for (key, value) in entries(found)? {
            all.insert(key.into_inner().into_owned(), f64::given(value)?);
        }
        Ok(all)
    }
}

impl Given for toml::Table {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        let mut all = Self::new();
        for (key, value) in entries(found)? {
            all.insert(key.into_inner().into_owned(), toml::Value::given(value)?);
        }
        Ok(all)
    }
}

impl Given for toml::Value {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        Ok(match found.get_ref() {
            DeValue::String(text) => Self::String(text.clone().into_owned()),
            DeValue::Integer(it) => {
                Self::Integer(integer(it).ok_or_else(|| Wrong::unfit(&found, "a smaller number"))?)
            }
            DeValue::Float(it) => {
                Self::Float(it.as_str().parse().map_err(|_| Wrong::unfit(&found, "a number"))?)
            }
            DeValue::Boolean(truth) => Self::Boolean(*truth),
            DeValue::Datetime(time) => Self::Datetime(*time),
            DeValue::Array(items) => Self::Array(values(items)?),
            DeValue::Table(_) => Self::Table(toml::Table::given(found)?),
        })
    }
}

fn values(items: &DeArray<'_>) -> Result<Vec<toml::Value>, Wrong> {
    items.iter().cloned().map(toml::Value::given).collect()
}
