//! What stands in the text, by the same parser as the library's, every value with its line.

use super::Problem;
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

/// A value and where it stands; in a table, where its key does.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    Truth(bool),
    Text(String),
    Whole(i64),
    Number(f64),
    Time(String),
    Array(Vec<Found>),
    Table(Vec<(String, Found)>),
}

impl Value {
    /// What it is, with its article.
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Truth(_) => "true or false",
            Self::Text(_) => "a string",
            Self::Whole(_) => "an integer",
            Self::Number(_) => "a number",
            Self::Time(_) => "a time",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// A key with its value, and the names of the tables that it is in.
pub(super) struct Entry<'a> {
    pub(super) line: usize,
    pub(super) table: Vec<&'a str>,
    pub(super) key: &'a str,
    pub(super) value: &'a Value,
}

/// Reads everything.
pub(super) fn read(text: &str) -> Result<Found, Problem> {
    let reader = Reader { text };
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        // What it is that is wrong, where that is a word.
        let word = text.get(span.clone()).filter(|it| !it.is_empty() && !it.contains(char::is_whitespace));
        let word = word.map(|it| format!(": `{it}`")).unwrap_or_default();
        Problem::new(reader.line(span.start), format!("{}{word}", error.message()))
    })?;
    Ok(Found { line: 1, value: reader.table(table.get_ref())? })
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|it| *it == b'\n').count() + 1
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Value, Problem> {
        let mut pairs = Vec::new();
        for (key, value) in table {
            let line = self.line(key.span().start);
            pairs.push((key.get_ref().to_string(), Found { line, value: self.value(value, line)? }));
        }
        Ok(Value::Table(pairs))
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, line: usize) -> Result<Value, Problem> {
        let fits = |value: Option<Value>| {
            value.ok_or_else(|| Problem::new(line, "a number that does not fit into 64 bits"))
        };
        match value.get_ref() {
            DeValue::Boolean(truth) => Ok(Value::Truth(*truth)),
            DeValue::String(text) => Ok(Value::Text(text.to_string())),
            DeValue::Integer(number) => fits(integer(number).map(Value::Whole)),
            DeValue::Float(number) => fits(float(number).map(Value::Number)),
            DeValue::Datetime(time) => Ok(Value::Time(time.to_string())),
            DeValue::Array(items) => {
                let items = items.iter().map(|item| {
                    let line = self.line(item.span().start);
                    Ok(Found { line, value: self.value(item, line)? })
                });
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            DeValue::Table(table) => self.table(table),
        }
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

/// Every key, each table's before what is in it.
pub(super) fn entries(found: &Found) -> Vec<Entry<'_>> {
    let mut all = Vec::new();
    gather(found, &[], &mut all);
    all
}

fn gather<'a>(found: &'a Found, table: &[&'a str], all: &mut Vec<Entry<'a>>) {
    let Value::Table(pairs) = &found.value else { return };
    for (key, found) in pairs {
        all.push(Entry { line: found.line, table: table.to_vec(), key, value: &found.value });
        gather(found, &[table, &[key]].concat(), all);
    }
}
