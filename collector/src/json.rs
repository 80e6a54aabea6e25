//! Reading the small files of JSON that every run may read.
//!
//! Through one generic value and not by serde's derive: that writes a reader for each type, and its messages, which
//! nobody sees, bring the writing of fractions. In a tool that only records the difference is 40 KiB.

use serde_json::{Map, Value};

/// An object's members.
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// None where it is no object.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Some(Self(members)),
            _ => None,
        }
    }

    /// A text that is there.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A number that is there and fits.
    pub(crate) fn whole<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        whole(self.0.get(name)?)
    }

    /// What may be missing; none where it is there and is something else.
    pub(crate) fn optional<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => read(value).map(Some),
        }
    }
}

/// A number that fits.
pub(crate) fn whole<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    value.as_i64()?.try_into().ok()
}

/// A number of 64 bits without a sign.
pub(crate) fn count(value: &Value) -> Option<u64> {
    value.as_u64()
}
