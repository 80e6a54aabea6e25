//! JSON for components that should stay small: a writer and a reader that need no tree of values, and
//! the same form of attributes in every backend.

mod read;

pub use read::{Error, from_str, is_json};

pub(crate) use read::{entries, seeded};

use crate::Value;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// The largest whole number below which every whole number is exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The whole number that this is, if it is one that a double holds exactly.
#[must_use]
pub fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// A JSON object, written from left to right. The order of the keys is the order of the calls, so
/// the same calls make the same bytes.
///
/// ```
/// use telemetry_backend_sdk::json::Object;
/// let mut object = Object::new();
/// object.text("name", "say \"hi\"").number("ms", 12.5).whole("code", 0);
/// assert_eq!(object.finish(), r#"{"name":"say \"hi\"","ms":12.5,"code":0}"#);
/// ```
#[derive(Debug)]
pub struct Object {
    json: String,
}

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

impl Object {
    /// An object without keys.
    #[must_use]
    pub fn new() -> Self {
        Self { json: "{".into() }
    }

    /// The object's JSON text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.json.push('}');
        self.json
    }

    /// Adds text.
    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        quote(value, self.key(key));
        self
    }

    /// Adds text, if there is any.
    pub fn text_if(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// Adds a number; what is not finite becomes text, because JSON has no such number.
    pub fn number(&mut self, key: &str, value: f64) -> &mut Self {
        number(value, self.key(key));
        self
    }

    /// Adds a whole number.
    pub fn whole(&mut self, key: &str, value: i64) -> &mut Self {
        self.raw(key, &value.to_string())
    }

    /// Adds true or false.
    pub fn boolean(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, if value { "true" } else { "false" })
    }

    /// Adds a list of texts.
    pub fn texts(&mut self, key: &str, values: &[String]) -> &mut Self {
        let json = self.key(key);
        json.push('[');
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            quote(value, json);
        }
        json.push(']');
        self
    }

    /// Adds an attribute's value, with its type.
    pub fn value(&mut self, key: &str, value: &Value) -> &mut Self {
        value.write(self.key(key));
        self
    }

    /// Adds what is JSON text already.
    pub fn raw(&mut self, key: &str, json: &str) -> &mut Self {
        self.key(key).push_str(json);
        self
    }

    fn key(&mut self, key: &str) -> &mut String {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        quote(key, &mut self.json);
        self.json.push(':');
        &mut self.json
    }
}

/// Writes a JSON string.
fn quote(text: &str, json: &mut String) {
    json.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        // What is escaped is one byte of ASCII, so both ends are at a character's boundary.
        json.push_str(text.get(plain..at).unwrap_or_default());
        plain = at + 1;
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            b'\r' => json.push_str("\\r"),
            b'\t' => json.push_str("\\t"),
            other => {
                json.push_str(if other < 0x10 { "\\u000" } else { "\\u001" });
                json.push(char::from_digit(u32::from(other) & 0xf, 16).unwrap_or('0'));
            }
        }
    }
    json.push_str(text.get(plain..).unwrap_or_default());
    json.push('"');
}

/// Writes a number: `3`, not `3.0`.
fn number(value: f64, json: &mut String) {
    match (whole(value), value.is_finite()) {
        (Some(whole), _) => json.push_str(&whole.to_string()),
        // Through serde_json: the standard library's own way of printing a double is 20 KB of code.
        (None, true) => json.push_str(&serde_json::to_string(&value).unwrap_or_default()),
        (None, false) => quote(unreal(value), json),
    }
}

fn unreal(value: f64) -> &'static str {
    match (value.is_nan(), value.is_sign_negative()) {
        (true, _) => "NaN",
        (false, false) => "inf",
        (false, true) => "-inf",
    }
}

impl Value {
    /// As JSON text, with its type: `"text"`, `3`, `2.5`, `true`. `other` is the JSON that it should
    /// be; if it is not JSON, it is text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        self.write(&mut json);
        json
    }

    /// As text: `text`, `3`, `2.5`, `true`, or the JSON text of anything else.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) | Self::Other(text) => text.clone(),
            Self::Number(value) if !value.is_finite() => unreal(*value).into(),
            Self::Number(_) | Self::Boolean(_) => self.to_json(),
        }
    }

    fn write(&self, json: &mut String) {
        match self {
            Self::Text(text) => quote(text, json),
            Self::Number(value) => number(*value, json),
            Self::Boolean(value) => json.push_str(if *value { "true" } else { "false" }),
            Self::Other(other) if is_json(other) => json.push_str(other),
            Self::Other(other) => quote(other, json),
        }
    }
}

/// A JSON object read as keys and values in its own order, without a map.
#[derive(Debug)]
pub struct Entries<T>(pub Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Entries<T> {
    /// The value of this key; the last one, if the object has several.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().rev().find(|(it, _)| it == key).map(|(_, value)| value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Entries<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries<T>, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_type_in_json_and_loses_it_in_text() {
        for (value, json, text) in [
            (Value::Text("a".into()), "\"a\"", "a"),
            (Value::Number(3.0), "3", "3"),
            (Value::Number(-0.0), "0", "0"),
            (Value::Number(-2.5), "-2.5", "-2.5"),
            (Value::Number(1e300), "1e+300", "1e+300"),
            (Value::Number(f64::INFINITY), "\"inf\"", "inf"),
            (Value::Number(f64::NEG_INFINITY), "\"-inf\"", "-inf"),
            (Value::Number(f64::NAN), "\"NaN\"", "NaN"),
            (Value::Boolean(true), "true", "true"),
            (Value::Other("[1,\"b\"]".into()), "[1,\"b\"]", "[1,\"b\"]"),
            (Value::Other("[1".into()), "\"[1\"", "[1"),
            (Value::Other("1 2".into()), "\"1 2\"", "1 2"),
        ] {
            assert_eq!(value.to_json(), json);
            assert_eq!(value.to_text(), text);
        }
    }

    #[test]
    fn every_character_survives_being_quoted() {
        let mut text: String = (0..0x300).filter_map(char::from_u32).collect();
        text.push_str("😀\u{2028}\u{feff}\u{10ffff}");
        let mut json = String::new();
        quote(&text, &mut json);
        assert_eq!(serde_json::from_str::<String>(&json).expect("is JSON"), text);
    }

    #[test]
    fn an_object_is_what_serde_reads() {
        let mut object = Object::new();
        object.text("a\"", "b").text_if("none", None).number("n", 0.1).boolean("t", true);
        object.texts("l", &["x".into(), "\n".into()]).raw("r", "{}").value("v", &Value::Number(7.0));
        let read: serde_json::Value = serde_json::from_str(&object.finish()).expect("is JSON");
        assert_eq!(
            read,
            serde_json::json!({"a\"": "b", "n": 0.1, "t": true, "l": ["x", "\n"], "r": {}, "v": 7})
        );
        assert_eq!(Object::new().finish(), "{}");
    }

    #[test]
    fn entries_keep_their_order_and_the_last_of_a_key_wins() {
        let entries: Entries<u32> = from_str(r#"{"b": 1, "a": 2, "b": 3}"#).expect("is JSON");
        let keys: Vec<_> = entries.0.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["b", "a", "b"]);
        assert_eq!(entries.get("b"), Some(&3));
        assert_eq!(entries.get("c"), None);
    }
}
