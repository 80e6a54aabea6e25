//! What stands in a `telemetry.toml`, however it was read.
//!
//! [`tool!`](crate::tool!) parses the file when the tool is compiled and embeds this form of it, so that a tool
//! whose configuration is embedded links no parser of TOML; a file that is read when the tool runs
//! (`config-file`) is brought into the same form. So one reader (`keys.rs`) makes a [`Config`](super::Config)
//! of either, with the same checks and the same words.

use std::borrow::Cow;

/// A value, and the line that it stands in, from 1.
#[derive(Clone, Debug)]
pub struct Found {
    pub line: u32,
    pub value: Value,
}

/// A key, the line that it stands in, and its value.
pub type Pair = (Cow<'static, str>, Found);

/// A value of TOML.
#[derive(Clone, Debug)]
pub enum Value {
    Text(Cow<'static, str>),
    Whole(i64),
    Number(f64),
    Truth(bool),
    /// A date or a time, as it is written.
    Time(Cow<'static, str>),
    Array(Cow<'static, [Found]>),
    Table(Cow<'static, [Pair]>),
}
