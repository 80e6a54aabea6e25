//! TOML, as much as a configuration needs: every key with its value and its line.
//!
//! It takes what TOML 1.0 takes, and is not exact about what it would refuse (numbers and dates are only
//! told apart, not validated): the library reads the same text again when the tool runs.

use super::Problem;

/// A key with a value, or a table's header.
pub(super) struct Entry {
    pub(super) line: usize,
    /// The table that it is in; inline tables and dotted keys are tables too.
    pub(super) table: Vec<String>,
    /// Empty for a header.
    pub(super) key: String,
    pub(super) value: Value,
}

/// What a key has.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Truth,
    Text(String),
    /// As it is written, underscores taken out.
    Whole(String),
    Number(f64),
    Time,
    Array(Vec<Value>),
    /// A table: its entries follow on their own.
    Table,
}

impl Value {
    /// What it is, with its article.
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Text(_) => "a string",
            Self::Whole(_) => "an integer",
            Self::Number(_) => "a number",
            Self::Time => "a time",
            Self::Array(_) => "an array",
            Self::Table => "a table",
        }
    }
}

/// Reads every entry, in order.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Problem> {
    let mut reader =
        Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, entries: Vec::new() };
    let mut table = Vec::new();
    loop {
        reader.skip_blank_lines()?;
        if reader.rest.is_empty() {
            return Ok(reader.entries);
        }
        if reader.take("[[") {
            // An array of tables holds nothing that is checked; its keys are read as the table's.
            table = reader.header("]]")?;
        } else if reader.take("[") {
            table = reader.header("]")?;
        } else {
            reader.pair(&table)?;
        }
        reader.end_of_line()?;
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    entries: Vec<Entry>,
}

impl Reader<'_> {
    fn problem<T>(&self, what: &str) -> Result<T, Problem> {
        Err(Problem::new(self.line, what))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Spaces, comments and line ends.
    fn skip_blank_lines(&mut self) -> Result<(), Problem> {
        loop {
            self.skip_spaces();
            if self.rest.is_empty() {
                return Ok(());
            }
            if self.rest.starts_with('#') || self.rest.starts_with('\n') || self.rest.starts_with("\r\n") {
                self.end_of_line()?;
            } else {
                return Ok(());
            }
        }
    }

    /// A comment, if there is one, and the line's end.
    fn end_of_line(&mut self) -> Result<(), Problem> {
        self.skip_spaces();
        if self.rest.starts_with('#') {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
        }
        if self.rest.is_empty() {
            return Ok(());
        }
        if self.take("\n") || self.take("\r\n") {
            self.line += 1;
            return Ok(());
        }
        self.problem("expected the end of the line")
    }

    fn header(&mut self, end: &str) -> Result<Vec<String>, Problem> {
        let name = self.key()?;
        if !self.take(end) {
            return self.problem(&format!("expected `{end}`"));
        }
        let entry = Entry { line: self.line, table: name.clone(), key: String::new(), value: Value::Table };
        self.entries.push(entry);
        Ok(name)
    }

    /// A key in its parts.
    fn key(&mut self) -> Result<Vec<String>, Problem> {
        let mut parts = Vec::new();
        loop {
            self.skip_spaces();
            if self.rest.starts_with(['"', '\'']) {
                parts.push(self.string()?);
            } else {
                let bare = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
                let end = self.rest.find(|it| !bare(it)).unwrap_or(self.rest.len());
                let (part, rest) = self.rest.split_at(end);
                if part.is_empty() {
                    return self.problem("expected a key");
                }
                parts.push(part.to_owned());
                self.rest = rest;
            }
            self.skip_spaces();
            if !self.take(".") {
                return Ok(parts);
            }
        }
    }

    /// `key = value`, in this table.
    fn pair(&mut self, table: &[String]) -> Result<(), Problem> {
        let (line, mut table) = (self.line, table.to_vec());
        let mut parts = self.key()?;
        let Some(key) = parts.pop() else { return self.problem("expected a key") };
        table.append(&mut parts);
        if !self.take("=") {
            return self.problem("expected `=` after the key");
        }
        self.skip_spaces();
        if self.entries.iter().any(|it| it.table == table && it.key == key) {
            return self.problem(&format!("`{key}` is given twice"));
        }
        // Before its value, whose own entries follow if it is a table.
        let at = self.entries.len();
        self.entries.push(Entry { line, table: table.clone(), key: key.clone(), value: Value::Table });
        table.push(key);
        let value = self.value(&table)?;
        if let Some(entry) = self.entries.get_mut(at) {
            entry.value = value;
        }
        Ok(())
    }

    fn value(&mut self, name: &[String]) -> Result<Value, Problem> {
        match self.rest.chars().next() {
            Some('"' | '\'') => self.string().map(Value::Text),
            Some('[') => self.array(name),
            Some('{') => self.inline_table(name),
            _ => self.scalar(),
        }
    }

    fn array(&mut self, name: &[String]) -> Result<Value, Problem> {
        self.take("[");
        let mut items = Vec::new();
        loop {
            self.skip_blank_lines()?;
            if self.take("]") {
                return Ok(Value::Array(items));
            }
            items.push(self.value(name)?);
            self.skip_blank_lines()?;
            if !self.take(",") && !self.rest.starts_with(']') {
                return self.problem("expected `,` or `]` in the array");
            }
        }
    }

    fn inline_table(&mut self, name: &[String]) -> Result<Value, Problem> {
        self.take("{");
        loop {
            self.skip_blank_lines()?;
            if self.take("}") {
                return Ok(Value::Table);
            }
            self.pair(name)?;
            self.skip_blank_lines()?;
            if !self.take(",") && !self.rest.starts_with('}') {
                return self.problem("expected `,` or `}` in the table");
            }
        }
    }

    /// A truth value, a number or a time.
    fn scalar(&mut self) -> Result<Value, Problem> {
        let end = self.rest.find([',', ']', '}', '#', '\n', '\r']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let word = word.trim_end();
        let plain = word.replace('_', "");
        let digits = plain.trim_start_matches(['+', '-']);
        let value = match word {
            "true" | "false" => Value::Truth,
            _ if matches!(digits, "inf" | "nan") => Value::Number(f64::NAN),
            _ if !digits.starts_with(|it: char| it.is_ascii_digit()) => {
                return self.problem("expected a value");
            }
            _ if ["0x", "0o", "0b"].iter().any(|it| digits.starts_with(it)) => Value::Whole(plain),
            _ if digits.bytes().all(|it| it.is_ascii_digit()) => Value::Whole(plain),
            _ => match plain.parse::<f64>() {
                Ok(number) => Value::Number(number),
                Err(_) if word.contains([':', '-']) => Value::Time,
                Err(_) => return self.problem("expected a value"),
            },
        };
        self.rest = rest;
        Ok(value)
    }

    /// A string of any of the four kinds.
    fn string(&mut self) -> Result<String, Problem> {
        let long = ["\"\"\"", "'''"].into_iter().find(|it| self.rest.starts_with(it));
        let mark = long.unwrap_or_else(|| self.rest.get(..1).unwrap_or_default());
        let escapes = mark.starts_with('"');
        self.take(mark);
        let mut text = String::new();
        let (line, mut letters) = (self.line, self.rest.char_indices());
        while let Some((at, letter)) = letters.next() {
            let here = self.rest.get(at..).unwrap_or_default();
            if here.starts_with(mark) {
                // Up to two more quotes belong to a long string.
                let after = here.get(mark.len()..).unwrap_or_default();
                let quote = mark.get(..1).unwrap_or_default();
                let extra =
                    if long.is_some() { after.len() - after.trim_start_matches(quote).len() } else { 0 };
                self.rest = after.get(extra.min(2)..).unwrap_or_default();
                return Ok(text);
            }
            match letter {
                '\n' if long.is_none() => break,
                '\n' => self.line += 1,
                '\\' if escapes => {
                    // What is escaped does not matter here, only that it is no end.
                    match letters.next() {
                        Some((_, '\n')) => self.line += 1,
                        Some((_, escaped)) => text.push(escaped),
                        None => break,
                    }
                    continue;
                }
                _ => {}
            }
            text.push(letter);
        }
        Err(Problem::new(line, "a string that does not end"))
    }
}
