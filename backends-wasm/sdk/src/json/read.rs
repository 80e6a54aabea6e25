//! JSON into an author's type.
//!
//! Why not serde_json, which does this well: it brings 45 KB into a component, a third of a small
//! one, most of it for error messages with numbers and places in them. This reads what settings and
//! vendors' answers are made of. It takes the same texts (a property test holds it to that), except that a
//! number that needs more than 53 bits or a power of ten beyond 22 may differ in its last digits.

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, IgnoredAny, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use std::borrow::Cow;
use std::fmt;

/// How deep arrays and objects may be in each other.
const DEPTH: u8 = 64;

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    // The defaults print what was found, floats included; what would be right is what helps.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}"))
    }
}

/// Reads a JSON text.
///
/// # Errors
/// The text is not JSON, or not of this type.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut reader = Reader::new(text);
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads a JSON text with a seed.
pub(crate) fn seeded<'de, T: DeserializeSeed<'de>>(seed: T, text: &'de str) -> Result<T::Value, Error> {
    let mut reader = Reader::new(text);
    let value = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Whether this is a JSON text.
#[must_use]
pub fn is_json(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.skip().is_ok() && reader.end().is_ok()
}

/// The keys of a JSON object and the JSON text of each value.
///
/// # Errors
/// The text is not JSON, or no object.
pub(crate) fn entries(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut reader = Reader::new(text);
    if reader.peek() != Some(b'{') {
        return Err(reader.error("expected an object"));
    }
    reader.at += 1;
    let mut entries = Vec::new();
    let mut first = true;
    while reader.another(&mut first, b'}')? {
        let key = reader.string()?.into_owned();
        reader.expect(b':')?;
        entries.push((key, reader.skip()?.to_owned()));
    }
    reader.end()?;
    Ok(entries)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn error(&self, what: &str) -> Error {
        Error(format!("{what} at byte {}", self.at))
    }

    fn here(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space; it is not taken.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.here(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.here()
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek() != Some(byte) {
            return Err(self.error("expected another character"));
        }
        self.at += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("expected the end")),
        }
    }

    /// Whether another element follows in an array or object, and takes the comma before it or the
    /// bracket behind it.
    fn another(&mut self, first: &mut bool, close: u8) -> Result<bool, Error> {
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(_) if std::mem::take(first) => Ok(true),
            Some(b',') => {
                self.at += 1;
                match self.peek() {
                    Some(byte) if byte != close => Ok(true),
                    _ => Err(self.error("expected a value")),
                }
            }
            _ => Err(self.error("expected a comma or the end of the list")),
        }
    }

    /// The JSON text of the next value.
    fn skip(&mut self) -> Result<&'a str, Error> {
        self.peek();
        let start = self.at;
        serde::Deserialize::deserialize(&mut *self).map(|IgnoredAny| ())?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.expect(b'"')?;
        let mut owned: Option<String> = None;
        let mut start = self.at;
        loop {
            let Some(byte) = self.here() else { return Err(self.error("the text ends within a string")) };
            match byte {
                b'"' | b'\\' => {
                    let plain = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    if byte == b'"' {
                        return Ok(match owned {
                            None => Cow::Borrowed(plain),
                            Some(mut owned) => {
                                owned.push_str(plain);
                                Cow::Owned(owned)
                            }
                        });
                    }
                    let escaped = self.escape()?;
                    let owned = owned.get_or_insert_default();
                    owned.push_str(plain);
                    owned.push(escaped);
                    start = self.at;
                }
                ..b' ' => return Err(self.error("a control character within a string")),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let byte = self.here();
        self.at += 1;
        Ok(match byte {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                let mut code = self.hex()?;
                if (0xd800..0xdc00).contains(&code)
                    && self.text.as_bytes().get(self.at..self.at + 2) == Some(b"\\u")
                {
                    self.at += 2;
                    let low = self.hex()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(self.error("half of a character"));
                    }
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                }
                char::from_u32(code).ok_or_else(|| self.error("half of a character"))?
            }
            _ => return Err(self.error("no such escape")),
        })
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.here().and_then(|it| char::from(it).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(code)
    }

    fn word(&mut self, word: &str) -> Result<(), Error> {
        if !self.text.get(self.at..).is_some_and(|it| it.starts_with(word)) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<Number, Error> {
        let negative = self.here() == Some(b'-');
        self.at += usize::from(negative);
        let mut parts = Parts::default();
        let start = self.at;
        self.digits(|digit| parts.push(digit))?;
        if self.at - start > 1 && self.text.as_bytes().get(start) == Some(&b'0') {
            return Err(self.error("a number that begins with 0"));
        }
        let mut whole = parts.exponent == 0;
        if self.here() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.digits(|digit| {
                parts.push(digit);
                parts.exponent = parts.exponent.saturating_sub(1);
            })?;
        }
        if matches!(self.here(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            let sign = self.here();
            self.at += usize::from(matches!(sign, Some(b'+' | b'-')));
            let mut exponent: i32 = 0;
            self.digits(|digit| exponent = exponent.saturating_mul(10).saturating_add(i32::from(digit)))?;
            let exponent = if sign == Some(b'-') { -exponent } else { exponent };
            parts.exponent = parts.exponent.saturating_add(exponent);
        }
        match (whole, negative) {
            (true, false) => return Ok(Number::Positive(parts.significand)),
            (true, true) if parts.significand != 0 => {
                if let Some(value) = 0_i64.checked_sub_unsigned(parts.significand) {
                    return Ok(Number::Negative(value));
                }
            }
            _ => {}
        }
        let value = parts.real();
        if value.is_infinite() {
            return Err(self.error("a number that is too big"));
        }
        Ok(Number::Real(if negative { -value } else { value }))
    }

    fn digits(&mut self, mut each: impl FnMut(u8)) -> Result<(), Error> {
        let start = self.at;
        while let Some(byte @ b'0'..=b'9') = self.here() {
            each(byte - b'0');
            self.at += 1;
        }
        if start == self.at {
            return Err(self.error("expected a digit"));
        }
        Ok(())
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= DEPTH {
            return Err(self.error("too deep"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }
}

enum Number {
    Positive(u64),
    Negative(i64),
    Real(f64),
}

/// The digits of a number, as many as 64 bits hold, and the power of ten that they are to be taken by.
#[derive(Default)]
struct Parts {
    significand: u64,
    exponent: i32,
    full: bool,
}

impl Parts {
    fn push(&mut self, digit: u8) {
        let more = self.significand.checked_mul(10).and_then(|it| it.checked_add(u64::from(digit)));
        match more {
            Some(more) if !self.full => self.significand = more,
            // Once a digit is left out all after it are, or they would take the wrong place.
            _ => {
                self.full = true;
                self.exponent = self.exponent.saturating_add(1);
            }
        }
    }

    fn real(&self) -> f64 {
        /// The largest power of ten that is exact in a double.
        const STEP: i32 = 22;
        let mut value = self.significand as f64;
        // Beyond these every significand is 0 or infinite.
        let mut exponent = self.exponent.clamp(-400, 400);
        while exponent != 0 && value != 0.0 {
            let step = exponent.clamp(-STEP, STEP);
            let mut power = 1.0;
            for _ in 0..step.unsigned_abs() {
                power *= 10.0;
            }
            value = if step > 0 { value * power } else { value / power };
            exponent -= step;
        }
        value
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Number::Positive(value) => visitor.visit_u64(value),
                Number::Negative(value) => visitor.visit_i64(value),
                Number::Real(value) => visitor.visit_f64(value),
            },
            Some(b'{') => self.deeper(|reader| {
                let mut list = List::new(reader);
                let value = visitor.visit_map(&mut list)?;
                list.end(b'}')?;
                Ok(value)
            }),
            Some(b'[') => self.deeper(|reader| {
                let mut list = List::new(reader);
                let value = visitor.visit_seq(&mut list)?;
                list.end(b']')?;
                Ok(value)
            }),
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            _ => self.word("null").and_then(|()| visitor.visit_unit()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// A word, or an object with the word as its only key.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
                Cow::Owned(text) => visitor.visit_enum(StringDeserializer::new(text)),
            },
            Some(b'{') => self.deeper(|reader| {
                let value = visitor.visit_enum(&mut *reader)?;
                reader.expect(b'}')?;
                Ok(value)
            }),
            _ => Err(Error::custom("expected one of a few words, as text")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(&mut *self)?;
        self.expect(b':')?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }
}

/// An array or object whose opening bracket is taken.
struct List<'r, 'a> {
    reader: &'r mut Reader<'a>,
    first: bool,
    done: bool,
}

impl<'r, 'a> List<'r, 'a> {
    fn new(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, first: true, done: false }
    }

    fn another(&mut self, close: u8) -> Result<bool, Error> {
        self.done = !self.reader.another(&mut self.first, close)?;
        Ok(!self.done)
    }

    /// Takes the closing bracket, if the visitor stopped before it. A visitor that leaves elements
    /// behind (a tuple that is shorter than the list) has no value for them.
    fn end(&mut self, close: u8) -> Result<(), Error> {
        if !self.done && self.another(close)? {
            return Err(self.reader.error("expected the end of the list"));
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for &mut List<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if !self.another(b'}')? {
            return Ok(None);
        }
        let key = match self.reader.string()? {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key))?,
            Cow::Owned(key) => seed.deserialize(StringDeserializer::new(key))?,
        };
        self.reader.expect(b':')?;
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for &mut List<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !self.another(b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    /// The oracle: what serde_json makes of a text, numbers compared as doubles.
    fn same(text: &str) -> Result<(), TestCaseError> {
        let ours = from_str::<Value>(text);
        let theirs = serde_json::from_str::<Value>(text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {:?} and {:?}", text, ours, theirs);
        prop_assert_eq!(is_json(text), theirs.is_ok(), "{:?}", text);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert!(close(&ours, &theirs), "{:?}: {:?} and {:?}", text, ours, theirs);
        }
        Ok(())
    }

    fn close(ours: &Value, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Value::Number(a), Value::Number(b)) => {
                let (Some(x), Some(y)) = (a.as_f64(), b.as_f64()) else { return false };
                a == b || (a.is_f64() && b.is_f64() && (x - y).abs() <= y.abs() * 1e-13)
            }
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, value)| b.get(key).is_some_and(|it| close(value, it)))
            }
            _ => ours == theirs,
        }
    }

    proptest! {
        #[test]
        fn it_takes_what_serde_json_takes_and_reads_the_same(text in any::<String>()) {
            same(&text)?;
        }

        #[test]
        fn it_refuses_what_serde_json_refuses_of_what_is_nearly_json(
            text in "[\\[\\]{}:,\" \\\\ntuf0-9eE.+-]{0,24}",
        ) {
            same(&text)?;
        }

        #[test]
        fn it_reads_strings_with_every_escape(text in "\"(\\\\[nrtbfu/\"\\\\]|[0-9a-fdD]{1,4}|[ -~]|ä|😀){0,12}\"") {
            same(&text)?;
        }

        #[test]
        fn it_reads_numbers(text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?") {
            same(&text)?;
        }

        #[test]
        fn a_whole_number_and_a_short_fraction_are_exact(whole in any::<i64>(), short in -9_999_999_i64..9_999_999) {
            prop_assert_eq!(from_str::<i64>(&whole.to_string()), Ok(whole));
            let text = format!("{short}e-3");
            prop_assert_eq!(from_str::<f64>(&text), Ok(text.parse::<f64>().expect("is a number")));
        }
    }

    #[test]
    fn known_hard_texts_are_read_as_serde_json_does() {
        for text in [
            "",
            " ",
            "null",
            " [ ] ",
            "{}",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "[1 2]",
            "01",
            "-",
            "-0",
            "1.",
            ".5",
            "1e",
            "1e400",
            "-1e400",
            "1e-400",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-9223372036854775809",
            "0.1844674407370955161663",
            "nul",
            "truefalse",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83dx\"",
            "\"\\u12\"",
            "\"\u{1}\"",
            "\"",
            "\"\\",
            "{\"a\":[{\"b\":[true,false,null,{}]}]}",
            "[1]]",
            "{1:2}",
            "\u{feff}1",
            "[[1]",
        ] {
            same(text).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn a_text_that_is_too_deep_is_refused_and_does_not_overflow() {
        let deep = "[".repeat(100_000);
        assert!(!is_json(&deep));
        let fine = format!("{}{}", "[".repeat(64), "]".repeat(64));
        assert!(is_json(&fine));
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        Round,
        Sides(u8),
        Box { width: f64 },
        Pair(u8, u8),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct New(Option<String>);

    #[test]
    fn every_kind_of_type_is_read() {
        let shapes = from_str(
            r#"["round", {"sides": 3}, {"box": {"width": 1.5}}, {"pair": [1, 2]}, {"round": null}]"#,
        );
        let expected =
            vec![Shape::Round, Shape::Sides(3), Shape::Box { width: 1.5 }, Shape::Pair(1, 2), Shape::Round];
        assert_eq!(shapes, Ok(expected));
        assert_eq!(from_str("null"), Ok(New(None)));
        assert_eq!(from_str("\"a\""), Ok(New(Some("a".into()))));
        assert_eq!(from_str::<(u8, u8)>("[1, 2]"), Ok((1, 2)));
        assert!(from_str::<(u8, u8)>("[1, 2, 3]").is_err());
        assert!(from_str::<([u8; 1],)>("[[1]").is_err());
        assert!(from_str::<Shape>("3").is_err());
        assert!(from_str::<Shape>(r#"{"sides": 3, "x": 1}"#).is_err());
    }

    #[test]
    fn an_error_says_what_would_be_right() {
        let error = from_str::<bool>("3").expect_err("is no boolean");
        assert_eq!(error.to_string(), "expected a boolean");
        let error = from_str::<bool>("tru").expect_err("is no JSON");
        assert_eq!(error.to_string(), "expected a value at byte 0");
    }

    #[test]
    fn an_object_is_taken_apart_without_reading_its_values() {
        let found = entries(r#" { "a" : [1, {"b": "}"}] , "c":"d" } "#).expect("is an object");
        assert_eq!(
            found,
            [("a".into(), r#"[1, {"b": "}"}]"#.into()), ("c".to_string(), "\"d\"".to_string())]
        );
        for text in ["", "[]", "{", "{\"a\":1}}", "{\"a\":}"] {
            assert!(entries(text).is_err(), "{text}");
        }
    }
}
