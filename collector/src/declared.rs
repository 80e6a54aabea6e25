//! Events that an author declares, beside the commands.

use crate::event::{Attribute, Event};
use crate::recorder;
use crate::schema::Entry;

/// An event of the author's own, declared once: what it is, why it is recorded, and the same of each
/// field. Derive it.
///
/// ```
/// use telemetry::Declared as _;
///
/// #[derive(telemetry::Recordable)]
/// enum Theme { Light, Dark }
///
/// /// The user chose how the tool looks.
/// #[derive(telemetry::Event)]
/// #[event(name = "theme", purpose = "To know which themes are worth keeping.")]
/// struct ThemeChosen {
///     /// What was chosen.
///     #[field(purpose = "To count the choices.", class = "usage")]
///     theme: Theme,
///     /// The editor that was open.
///     #[field(purpose = "To see which editors need a theme.", class = "environment", text, extended)]
///     editor: String,
/// }
///
/// ThemeChosen { theme: Theme::Dark, editor: "ed".into() }.record();
/// ```
///
/// The name is the struct's in lower case with `-`, the kind `feature.used`, unless `#[event(..)]` says
/// otherwise. A field is [`Recordable`](crate::command::Recordable), or marked `text`, which is
/// redacted. `extended` on a field, or on the event, keeps it for the author's extended collection.
/// `skip` leaves a field out. The classes are those of [`Class`](crate::schema::Class), in lower case.
pub trait Declared {
    /// What the tool's schema says of it.
    const ENTRY: Entry;

    /// What is recorded of it, with or without what is for extended collection.
    fn attributes(&self, extended: bool) -> Vec<Attribute<'static>>;

    /// Records it, if it may be recorded.
    #[inline]
    fn record(&self) {
        if recorder::enabled() {
            let extended = recorder::extended();
            if extended || !Self::ENTRY.extended {
                record(&Self::ENTRY, &self.attributes(extended));
            }
        }
    }
}

#[cold]
fn record(entry: &Entry, attributes: &[Attribute<'static>]) {
    let mut event = Event::new(entry.kind, entry.name);
    event.attributes = attributes.into();
    recorder::record(&event);
}
