//! What an attribute or a derive declares, and where it gathers.

/// The kind and the name of an entry that is for everything.
const EVERYTHING: &str = "*";

/// One command or event that the tool can record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// What sort of thing; see [`event::kind`](crate::event::kind).
    pub kind: &'static str,
    /// What exactly, as in `remote/add`.
    pub name: &'static str,
    /// What it is, in the author's words; empty if there are none.
    pub about: &'static str,
    /// Why it is recorded; empty if the author did not say.
    pub purpose: &'static str,
    /// Recorded only under the author's extended collection.
    pub extended: bool,
    /// What is recorded of it beside what every command or event has.
    pub fields: &'static [Field],
}

/// Something that is recorded of a command or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// Its key.
    pub key: &'static str,
    /// Where its value comes from.
    pub source: Source,
    /// Its type or the expression, as the author wrote it.
    pub written: &'static str,
    /// What it is, in the author's words; empty if there are none.
    pub about: &'static str,
    /// Why it is recorded; empty if the author did not say.
    pub purpose: &'static str,
    /// What it says something about, if the author said so.
    pub class: Option<Class>,
    /// Recorded only under the author's extended collection.
    pub extended: bool,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// An expression of the author's, in `metadata(..)`.
    Metadata,
    /// A value that is safe to record: a boolean, a number, or the case of an enum.
    Value,
    /// Text that the author chose to record. It is redacted.
    Text,
}

/// What a field says something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// How the tool is used: choices, switches, counts.
    Usage,
    /// How it performs: durations, sizes.
    Performance,
    /// The machine and its software.
    Environment,
    /// What went wrong.
    Diagnostic,
    /// Something that the user wrote or made.
    Content,
}

impl Class {
    pub(crate) const ALL: [Self; 5] =
        [Self::Usage, Self::Performance, Self::Environment, Self::Diagnostic, Self::Content];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Performance => "performance",
            Self::Environment => "environment",
            Self::Diagnostic => "diagnostic",
            Self::Content => "content",
        }
    }
}

/// The cases of an enum that derives [`Recordable`](crate::command::Recordable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The type's name.
    pub name: &'static str,
    /// What it is, in the author's words; empty if there are none.
    pub about: &'static str,
    /// What is recorded of its cases.
    pub cases: &'static [&'static str],
}

inventory::collect!(Entry);
inventory::collect!(Choice);

impl Entry {
    /// A command.
    #[must_use]
    pub const fn command(
        name: &'static str,
        about: &'static str,
        purpose: &'static str,
        fields: &'static [Field],
    ) -> Self {
        Self { kind: crate::event::kind::COMMAND_INVOCATION, name, about, purpose, extended: false, fields }
    }

    /// An event of any kind.
    #[must_use]
    pub const fn event(
        kind: &'static str,
        name: &'static str,
        about: &'static str,
        purpose: &'static str,
        extended: bool,
        fields: &'static [Field],
    ) -> Self {
        Self { kind, name, about, purpose, extended, fields }
    }

    /// What [`Tool::metadata`](crate::Tool::metadata) says with everything that is recorded.
    ///
    /// ```
    /// use telemetry::schema::{Entry, Field};
    ///
    /// telemetry::declare!(Entry::everywhere(
    ///     "To tell the editions apart.",
    ///     &[Field::metadata("edition", "\"community\" or \"enterprise\"")],
    /// ));
    /// ```
    #[must_use]
    pub const fn everywhere(purpose: &'static str, fields: &'static [Field]) -> Self {
        Self { kind: EVERYTHING, name: EVERYTHING, about: "", purpose, extended: false, fields }
    }

    /// Whether it is for everything, not for a command or an event.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.kind == EVERYTHING
    }

    /// Whether it is a command, which has more than its own fields.
    #[must_use]
    pub fn is_command(&self) -> bool {
        self.kind == crate::event::kind::COMMAND_INVOCATION
    }
}

impl Field {
    const fn of(key: &'static str, source: Source, written: &'static str) -> Self {
        Self { key, source, written, about: "", purpose: "", class: None, extended: false }
    }

    /// An expression of the author's.
    #[must_use]
    pub const fn metadata(key: &'static str, written: &'static str) -> Self {
        Self::of(key, Source::Metadata, written)
    }

    /// A value that is safe to record.
    #[must_use]
    pub const fn value(key: &'static str, written: &'static str) -> Self {
        Self::of(key, Source::Value, written)
    }

    /// Text that the author chose to record.
    #[must_use]
    pub const fn text(key: &'static str, written: &'static str) -> Self {
        Self::of(key, Source::Text, written)
    }

    /// A field of a declared event.
    #[must_use]
    pub const fn declared(
        key: &'static str,
        written: &'static str,
        text: bool,
        about: &'static str,
        purpose: &'static str,
        class: Class,
        extended: bool,
    ) -> Self {
        let source = if text { Source::Text } else { Source::Value };
        Self { key, source, written, about, purpose, class: Some(class), extended }
    }
}

impl Choice {
    /// The cases of an enum.
    #[must_use]
    pub const fn new(name: &'static str, about: &'static str, cases: &'static [&'static str]) -> Self {
        Self { name, about, cases }
    }
}
