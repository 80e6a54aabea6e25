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
mod tests;
