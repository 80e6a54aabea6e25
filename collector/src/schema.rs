//! What a tool records: the list that its own code makes when it is linked.
//!
//! Every function with [`#[telemetry::command]`](macro@crate::command), every
//! [`#[derive(telemetry::Event)]`](crate::Event) and every [`declare!`](crate::declare) adds itself,
//! so the list cannot forget one. It is printed as text, JSON or Markdown ([`Schema`]), and one line
//! in a tool's tests keeps the committed `TELEMETRY.md` equal to it ([`check`]):
//!
//! ```no_run
//! #[test]
//! fn telemetry_md_is_true() {
//!     telemetry::schema::check("TELEMETRY.md").unwrap();
//! }
//! ```
//!
//! What the library has ready (a request to erase, updates) is listed too. What
//! [`Tool::metadata`](crate::Tool::metadata) says with everything is declared by
//! [`Entry::everywhere`]; [`check_tool`] also knows what is not.
//!
//! The test has to be where the tool's code is linked: in the tool's own crate, not in a crate that
//! only runs its binary.

mod check;
mod common;
mod entry;
mod json;
mod markdown;
mod samples;
mod text;

pub use check::{Mismatch, Unregistered, check, check_recorded, check_tool};
pub use entry::{Choice, Class, Entry, Field, Source};

use crate::Tool;

/// What the tool declares, in a process that is its helper and answers for it.
static HANDED_OVER: std::sync::OnceLock<crate::commands::hand_over::declared::Declared> =
    std::sync::OnceLock::new();

/// From here on the schema of this process is the tool's.
pub(crate) fn hand_over(declared: crate::commands::hand_over::declared::Declared) {
    let _ = HANDED_OVER.set(declared);
}

/// What the program records, in a fixed order.
#[derive(Clone, Debug)]
pub struct Schema {
    commands: Vec<&'static Entry>,
    events: Vec<&'static Entry>,
    everywhere: Vec<&'static Entry>,
    /// What a tool says with everything and nobody declared.
    undeclared: Vec<String>,
    choices: Vec<&'static Choice>,
}

impl Schema {
    /// What this program records: what was linked into it.
    #[must_use]
    pub fn gather() -> Self {
        if cfg!(feature = "sender")
            && let Some(declared) = HANDED_OVER.get()
        {
            return Self::of(declared.entries.iter().copied(), declared.choices.iter().copied());
        }
        Self::of(inventory::iter::<Entry>, inventory::iter::<Choice>)
    }

    fn of(
        entries: impl IntoIterator<Item = &'static Entry>,
        choices: impl IntoIterator<Item = &'static Choice>,
    ) -> Self {
        let (mut everywhere, entries): (Vec<&Entry>, Vec<&Entry>) =
            entries.into_iter().partition(|it| it.is_everywhere());
        let (mut commands, mut events): (Vec<&Entry>, Vec<&Entry>) =
            entries.into_iter().partition(|it| it.is_command());
        // The order in which a linker gathers is nobody's promise. The same function built twice, in two
        // crates or for two types, is one command.
        for list in [&mut commands, &mut events, &mut everywhere] {
            list.sort_unstable_by_key(|it| {
                let first = it.fields.first().map(|field| field.key);
                (it.kind, it.name, it.about, it.purpose, it.fields.len(), first)
            });
            list.dedup();
        }
        let mut choices: Vec<&Choice> = choices.into_iter().collect();
        choices.sort_unstable_by_key(|it| (it.name, it.cases));
        choices.dedup();
        Self { commands, events, everywhere, undeclared: Vec::new(), choices }
    }

    /// The same with what this tool says with everything, declared or not.
    #[must_use]
    pub fn with(mut self, tool: &Tool) -> Self {
        for attribute in &tool.metadata {
            let key = &*attribute.key;
            if !self.knows_everywhere(key) && !self.undeclared.iter().any(|it| it == key) {
                self.undeclared.push(key.to_owned());
            }
        }
        self.undeclared.sort_unstable();
        self
    }

    /// The commands, by name.
    #[must_use]
    pub fn commands(&self) -> &[&'static Entry] {
        &self.commands
    }

    /// The events that are no commands, by kind and name.
    #[must_use]
    pub fn events(&self) -> &[&'static Entry] {
        &self.events
    }

    /// What is declared for everything that is recorded.
    #[must_use]
    pub fn everywhere(&self) -> &[&'static Entry] {
        &self.everywhere
    }

    /// The cases of the type that a field was written with, if it is an enum that was found once.
    #[must_use]
    pub fn cases(&self, field: &Field) -> Option<&'static [&'static str]> {
        if field.source != Source::Value {
            return None;
        }
        let mut inner = field.written.trim_start_matches(['&', ' ']);
        inner = inner.strip_prefix("mut ").unwrap_or(inner);
        if let Some(optional) = inner.strip_suffix('>')
            && let Some((_, optional)) = optional.split_once("Option<")
        {
            inner = optional;
        }
        let name = inner.rsplit("::").next().unwrap_or(inner);
        let mut found = self.choices.iter().filter(|it| it.name == name);
        match (found.next(), found.next()) {
            (Some(choice), None) => Some(choice.cases),
            _ => None,
        }
    }

    /// Whether a command or an event of this kind and name is in it.
    #[must_use]
    pub fn knows(&self, kind: &str, name: &str) -> bool {
        self.commands.iter().chain(&self.events).any(|it| it.kind == kind && it.name == name)
            || common::READY.iter().any(|it| it.kind == kind && it.name == name)
    }

    /// Whether this is declared for everything that is recorded.
    #[must_use]
    pub fn knows_everywhere(&self, key: &str) -> bool {
        self.everywhere.iter().any(|it| it.fields.iter().any(|field| field.key == key))
    }

    /// Whether a command or an event of this kind and name declares this field.
    #[must_use]
    pub fn knows_field(&self, kind: &str, name: &str, key: &str) -> bool {
        self.commands
            .iter()
            .chain(&self.events)
            .filter(|it| it.kind == kind && it.name == name)
            .any(|it| it.fields.iter().any(|field| field.key == key))
            || common::ready(&self.events)
                .filter(|it| it.kind == kind && it.name == name)
                .any(|it| it.fields.iter().any(|field| field.name == key))
    }
}
