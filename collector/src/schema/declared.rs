//! What an attribute or a derive declares, and where it gathers.

/// One command or event that the tool can record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// What sort of thing; see [`event::kind`](crate::event::kind).
    pub kind: &'static str,
    /// What exactly, as in `remote/add`.
    pub name: &'static str,
    /// What it is, in the author's words; empty if there are none.
    pub about: &'static str,
    /// Why it is recorded; empty if the author did not say.
    pub purpose: &'static str,
    /// What is recorded of it beside what every command has.
    pub fields: &'static [Field],
}

/// Something that is recorded of a command or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its key.
    pub key: &'static str,
    /// Where its value comes from.
    pub source: Source,
    /// Its type or the expression, as the author wrote it.
    pub written: &'static str,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// An expression of the author's.
    Metadata,
    /// A parameter that is safe to record.
    Parameter,
    /// A parameter's text.
    Text,
}

inventory::collect!(Declared);

impl Declared {
    /// A command.
    #[must_use]
    pub const fn command(
        name: &'static str,
        about: &'static str,
        purpose: &'static str,
        fields: &'static [Field],
    ) -> Self {
        Self { kind: crate::event::kind::COMMAND_INVOCATION, name, about, purpose, fields }
    }
}

impl Field {
    /// An expression of the author's.
    #[must_use]
    pub const fn metadata(key: &'static str, written: &'static str) -> Self {
        Self { key, source: Source::Metadata, written }
    }

    /// A parameter that is safe to record.
    #[must_use]
    pub const fn parameter(key: &'static str, written: &'static str) -> Self {
        Self { key, source: Source::Parameter, written }
    }

    /// A parameter's text.
    #[must_use]
    pub const fn text(key: &'static str, written: &'static str) -> Self {
        Self { key, source: Source::Text, written }
    }
}
