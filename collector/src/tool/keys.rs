//! Reading the text of a `telemetry.toml` into what has a field for each key.
//!
//! By hand rather than derived: every tool parses its configuration, and what serde's derive writes for each
//! table was a tenth of a tool that only records (`SIZES.md`).

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::duration;

/// What stands after a key, and where.
pub(super) type Found<'t> = Spanned<DeValue<'t>>;

/// What is wrong in the text, and at which byte.
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) what: String,
}

impl Wrong {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }

    /// Something else than what the key takes.
    fn unfit(at: usize, value: &DeValue<'_>, expected: &str) -> Self {
        let is = match value {
            DeValue::String(text) => format!("string {text:?}"),
            DeValue::Integer(number) => format!("integer `{number}`"),
            DeValue::Float(number) => format!("float `{number}`"),
            DeValue::Boolean(truth) => format!("boolean `{truth}`"),
            other => other.type_str().to_owned(),
        };
        Self::new(at, format!("invalid type: {is}, expected {expected}"))
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
    let table = DeTable::parse(text)
        .map_err(|error| Wrong::new(error.span().map_or(0, |it| it.start), error.message()))?;
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
                return Err(Wrong::new(key.span().start, what));
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
                $crate::tool::keys::word(found, WORDS).map(|at| CASES[at])
            }
        }
    };
}
pub(super) use words;

/// Which of these words it is.
pub(super) fn word(found: Found<'_>, words: &[&str]) -> Result<usize, Wrong> {
    let at = found.span().start;
    let text = String::given(found)?;
    words.iter().position(|it| *it == text).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|it| format!("`{it}`")).collect();
        Wrong::new(at, format!("unknown variant `{text}`, expected one of {}", words.join(", ")))
    })
}

/// The keys of a table and what stands after them.
pub(super) fn entries(found: Found<'_>) -> Result<DeTable<'_>, Wrong> {
    let at = found.span().start;
    match found.into_inner() {
        DeValue::Table(table) => Ok(table),
        other => Err(Wrong::unfit(at, &other, "a table")),
    }
}

impl Given for bool {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        let at = found.span().start;
        match found.into_inner() {
            DeValue::Boolean(truth) => Ok(truth),
            other => Err(Wrong::unfit(at, &other, "a boolean")),
        }
    }
}

impl Given for String {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        let at = found.span().start;
        match found.into_inner() {
            DeValue::String(text) => Ok(text.into_owned()),
            other => Err(Wrong::unfit(at, &other, "a string")),
        }
    }
}

impl Given for u64 {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        whole(&found, "a whole number of 64 bits that is not negative")
    }
}

impl Given for u32 {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        whole(&found, "a whole number from 0 to 4294967295")
    }
}

impl Given for NonZeroU32 {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        const EXPECTED: &str = "a nonzero whole number up to 4294967295";
        let number: u32 = whole(&found, EXPECTED)?;
        Self::new(number).ok_or_else(|| Wrong::unfit(found.span().start, found.get_ref(), EXPECTED))
    }
}

fn whole<T: TryFrom<i128>>(found: &Found<'_>, expected: &str) -> Result<T, Wrong> {
    // Through the wider type: TOML knows a `-0`, and numbers that only an unsigned type holds.
    let number = match found.get_ref() {
        DeValue::Integer(it) => i128::from_str_radix(it.as_str(), it.radix()).ok(),
        _ => None,
    };
    let number = number.and_then(|it| it.try_into().ok());
    number.ok_or_else(|| Wrong::unfit(found.span().start, found.get_ref(), expected))
}

impl Given for f64 {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        let number = match found.get_ref() {
            DeValue::Integer(it) => integer(it).map(|it| it as f64),
            DeValue::Float(it) => float(it),
            _ => None,
        };
        number.ok_or_else(|| Wrong::unfit(found.span().start, found.get_ref(), "a number"))
    }
}

fn integer(it: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(it.as_str(), it.radix()).ok()
}

/// None where it is too big, as TOML has it.
fn float(it: &DeFloat<'_>) -> Option<f64> {
    let number: f64 = it.as_str().parse().ok()?;
    (number.is_finite() || it.as_str().ends_with(|last: char| last.is_ascii_alphabetic())).then_some(number)
}

impl Given for Duration {
    fn given(found: Found<'_>) -> Result<Self, Wrong> {
        let at = found.span().start;
        match found.into_inner() {
            DeValue::String(text) => duration::parse(&text).map_err(|what| Wrong::new(at, what)),
            DeValue::Integer(number) if integer(&number) == Some(0) => Ok(Self::ZERO),
            DeValue::Integer(number) => {
                Err(Wrong::new(at, format!("`{number}` has no unit: write it as in \"{number}s\"")))
            }
            other => Err(Wrong::unfit(at, &other, "a duration such as \"15m\"")),
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
        let at = found.span().start;
        match found.into_inner() {
            DeValue::Array(items) => items.into_iter().map(String::given).collect(),
            other => Err(Wrong::unfit(at, &other, "an array of strings")),
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
        settings(entries(found)?)
    }
}

/// A table whose keys are the component's own.
fn settings(table: DeTable<'_>) -> Result<toml::Table, Wrong> {
    let mut all = toml::Table::new();
    for (key, value) in table {
        all.insert(key.into_inner().into_owned(), setting(value)?);
    }
    Ok(all)
}

fn setting(found: Found<'_>) -> Result<toml::Value, Wrong> {
    let at = found.span().start;
    let value = found.into_inner();
    let fit = match &value {
        DeValue::Integer(it) => integer(it).map(toml::Value::Integer),
        DeValue::Float(it) => float(it).map(toml::Value::Float),
        _ => None,
    };
    Ok(match value {
        DeValue::String(text) => text.into_owned().into(),
        DeValue::Boolean(truth) => truth.into(),
        DeValue::Datetime(time) => time.into(),
        DeValue::Array(items) => {
            toml::Value::Array(items.into_iter().map(setting).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => toml::Value::Table(settings(table)?),
        number => fit.ok_or_else(|| Wrong::unfit(at, &number, "a number of 64 bits"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `[backend.settings]` may hold is any TOML, and is what the `toml` crate makes of it.
    #[test]
    fn settings_are_what_toml_says() {
        let text = r#"
            text = "a\tb\u00e9"
            whole = [0, -0, +7, 1_000, 0xff, 0o17, 0b11, -9223372036854775808]
            parts = [0.1, -0.0, +1.5, 6.626e-34, 1e3, 1_0.2_5, 3.141592653589793, 1.7976931348623157e308]
            no_numbers = [inf, +inf, -inf]
            truth = true
            time = 1979-05-27T07:32:00Z
            table = { nested = [{ a = 1 }, { a = "2" }], dotted.key = "x" }
        "#;
        let table = Spanned::new(0..0, DeValue::Table(DeTable::parse(text).unwrap().into_inner()));
        let read = toml::Table::given(table).unwrap_or_else(|wrong| panic!("{}", wrong.what));
        assert_eq!(read, toml::from_str::<toml::Table>(text).unwrap());
    }

    #[test]
    fn a_number_that_does_not_fit_is_no_number() {
        for text in ["x = 9223372036854775808", "x = 1e400"] {
            let table = Spanned::new(0..0, DeValue::Table(DeTable::parse(text).unwrap().into_inner()));
            assert!(toml::Table::given(table).is_err(), "{text}");
        }
    }
}
