//! The text of a `telemetry.toml`, for tools that read one when they run.

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::found::{Found, Value};
use super::keys::Wrong;

/// What stands in a text.
pub(super) fn read(text: &str) -> Result<Found, Wrong> {
    let reader = Reader { text };
    let table = DeTable::parse(text)
        .map_err(|error| Wrong::new(error.span().map_or(1, |it| reader.line(it.start)), error.message()))?;
    Ok(Found { line: 1, value: reader.table(table.into_inner())? })
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> u32 {
        let before = self.text.bytes().take(at).filter(|it| *it == b'\n').count();
        u32::try_from(before).map_or(u32::MAX, |before| before.saturating_add(1))
    }

    fn table(&self, table: DeTable<'_>) -> Result<Value, Wrong> {
        let mut pairs = Vec::with_capacity(table.len());
        for (key, value) in table {
            let line = self.line(key.span().start);
            pairs.push((key.into_inner().into_owned().into(), self.found(value, line)?));
        }
        Ok(Value::Table(pairs.into()))
    }

    fn found(&self, value: Spanned<DeValue<'_>>, line: u32) -> Result<Found, Wrong> {
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned().into()),
            DeValue::Integer(it) => integer(&it).map(Value::Whole).ok_or_else(|| unfit(line, it.as_str()))?,
            DeValue::Float(it) => float(&it).map(Value::Number).ok_or_else(|| unfit(line, it.as_str()))?,
            DeValue::Boolean(truth) => Value::Truth(truth),
            DeValue::Datetime(time) => Value::Time(time.to_string().into()),
            DeValue::Array(items) => {
                let items = items.into_iter().map(|item| {
                    let line = self.line(item.span().start);
                    self.found(item, line)
                });
                Value::Array(items.collect::<Result<Vec<_>, _>>()?.into())
            }
            DeValue::Table(table) => self.table(table)?,
        };
        Ok(Found { line, value })
    }
}

fn unfit(line: u32, number: &str) -> Wrong {
    Wrong::new(line, format!("invalid type: number `{number}`, expected one of 64 bits"))
}

fn integer(it: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(it.as_str(), it.radix()).ok()
}

/// None where it is too big, as TOML has it.
fn float(it: &DeFloat<'_>) -> Option<f64> {
    let number: f64 = it.as_str().parse().ok()?;
    (number.is_finite() || it.as_str().ends_with(|last: char| last.is_ascii_alphabetic())).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::keys::{Fill, Settings};

    /// What `[backend.settings]` may hold is any TOML; a component gets what JSON makes of it.
    #[test]
    fn settings_are_what_the_text_says_as_json() {
        let text = r#"
            text = "a\tb\u00e9"
            whole = [0, -0, +7, 1_000, 0xff, 0o17, 0b11, -9223372036854775808]
            parts = [0.1, -0.0, +1.5, 6.626e-34, 1e3, 1_0.2_5, 1.2345678901234567, 1.7976931348623157e308]
            no_numbers = [inf, +inf, -inf, nan]
            truth = true
            time = 1979-05-27T07:32:00Z
            table = { nested = [{ a = 1 }, { a = "2" }], dotted.key = "x" }
        "#;
        let found = read(text).unwrap_or_else(|wrong| panic!("{}", wrong.what));
        let mut settings = Settings::new();
        settings.fill(&found).unwrap_or_else(|wrong| panic!("{}", wrong.what));
        let expected = serde_json::json!({
            "text": "a\tb\u{e9}",
            "whole": [0, 0, 7, 1000, 255, 15, 3, i64::MIN],
            "parts": [0.1, -0.0, 1.5, 6.626e-34, 1e3, 10.25, 1.234_567_890_123_456_7, f64::MAX],
            "no_numbers": [null, null, null, null],
            "truth": true,
            "time": "1979-05-27T07:32:00Z",
            "table": { "nested": [{ "a": 1 }, { "a": "2" }], "dotted": { "key": "x" } },
        });
        assert_eq!(serde_json::Value::Object(settings), expected);
    }

    #[test]
    fn what_tool_embeds_is_what_the_same_text_says_when_the_tool_runs() {
        let embedded: &Found = crate::__private::configuration!([crate] "src/tool/every_value.toml");
        let Ok(found) = read(include_str!("every_value.toml")) else { panic!("it is TOML") };
        assert_eq!(format!("{embedded:#?}"), format!("{found:#?}"));
    }

    #[test]
    fn a_number_that_does_not_fit_is_an_error() {
        for text in ["x = 9223372036854775808", "x = 1e400"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_found_knows_its_line() {
        let found = read("a = 1\n[b]\nc = [\n1,\n2]\n").unwrap_or_else(|wrong| panic!("{}", wrong.what));
        let Value::Table(pairs) = &found.value else { panic!("{found:?}") };
        let [(_, a), (_, b)] = &pairs[..] else { panic!("{found:?}") };
        let Value::Table(pairs) = &b.value else { panic!("{b:?}") };
        let Value::Array(items) = &pairs[0].1.value else { panic!("{pairs:?}") };
        let lines = [a.line, b.line, pairs[0].1.line, items[0].line, items[1].line];
        assert_eq!(lines, [1, 2, 3, 4, 5]);
    }
}
