//! The kinds of event that every tool has, with a function for each that an author records by hand.
//!
//! The names and what they carry are those of Go's `go-tool-base`; a kind of the author's own is any other text.

use super::{Attribute, Event};
use crate::recorder;

/// The kinds of event that every tool has. An author's own kind is any other text.
pub mod kind {
    /// A command ran.
    pub const COMMAND_INVOCATION: &str = "command.invocation";
    /// A command failed.
    pub const COMMAND_ERROR: &str = "command.error";
    /// A feature was used.
    pub const FEATURE_USED: &str = "feature.used";
    /// The tool looked for an update of itself.
    pub const UPDATE_CHECK: &str = "update.check";
    /// The tool updated itself.
    pub const UPDATE_APPLIED: &str = "update.applied";
    /// The user asked for erasure.
    pub const DATA_DELETION_REQUEST: &str = "data.deletion_request";

    /// All of them. A journal on disk says a kind by its place here, so a new one is added at the end.
    pub const ALL: [&str; 6] = [
        COMMAND_INVOCATION,
        COMMAND_ERROR,
        FEATURE_USED,
        UPDATE_CHECK,
        UPDATE_APPLIED,
        DATA_DELETION_REQUEST,
    ];
}

/// The name of what happens to the tool itself.
pub(crate) const UPDATE: &str = "update";

/// The key of the machine id that a request to erase is for.
pub(crate) const DELETED_ID: &str = "machine_id";

/// The request to erase what was sent under a machine id.
pub(crate) fn deletion_request(id: &str) -> Event<'static> {
    let mut event = Event::new(kind::DATA_DELETION_REQUEST, kind::DATA_DELETION_REQUEST);
    event.attributes = vec![Attribute::new(DELETED_ID, id.to_owned())].into();
    event
}

/// A command ran, if nothing but its name and the author's own facts is known.
/// [`#[telemetry::command]`](macro@crate::command) and [`begin`](crate::begin()) record more.
pub fn command_invocation(name: &str, attributes: &[Attribute<'_>]) {
    record(kind::COMMAND_INVOCATION, name, None, attributes);
}

/// A command failed, and goes on or ends elsewhere. The error's text is recorded only under the author's
/// extended collection, and redacted.
pub fn command_error(name: &str, error: &dyn std::fmt::Display, attributes: &[Attribute<'_>]) {
    let text = recorder::extended().then(|| error.to_string());
    record(kind::COMMAND_ERROR, name, text.as_deref(), attributes);
}

/// A feature was used.
///
/// ```
/// let ((), events) = telemetry::capture(false, || telemetry::event::feature_used("cache", &[]));
/// assert_eq!((&*events[0].kind, &*events[0].name), ("feature.used", "cache"));
/// ```
pub fn feature_used(name: &str, attributes: &[Attribute<'_>]) {
    record(kind::FEATURE_USED, name, None, attributes);
}

/// The tool looked for an update of itself, and found this version, or none.
pub fn update_check(current: &str, found: Option<&str>) {
    let mut attributes =
        vec![Attribute::new("current_version", current), Attribute::new("available", found.is_some())];
    attributes.extend(found.map(|found| Attribute::new("found_version", found)));
    record(kind::UPDATE_CHECK, UPDATE, None, &attributes);
}

/// The tool updated itself.
pub fn update_applied(from: &str, to: &str) {
    let attributes = [Attribute::new("from_version", from), Attribute::new("to_version", to)];
    record(kind::UPDATE_APPLIED, UPDATE, None, &attributes);
}

fn record(kind: &str, name: &str, error: Option<&str>, attributes: &[Attribute<'_>]) {
    if recorder::enabled() {
        let mut event = Event::new(kind, name);
        event.error = error.map(Into::into);
        event.attributes = attributes.into();
        recorder::record(&event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_recorded_under_its_name_and_an_errors_text_only_under_extended_collection() {
        let all = || {
            command_invocation("build", &[]);
            command_error("build", &"it broke", &[Attribute::new("step", "link")]);
            feature_used("cache", &[]);
            update_check("1.0.0", Some("1.1.0"));
            update_applied("1.0.0", "1.1.0");
        };
        let ((), events) = crate::capture(false, all);
        let kinds: Vec<&str> = events.iter().map(|it| &*it.kind).collect();
        assert_eq!(kinds, kind::ALL[..5]);
        assert_eq!(events[1].error, None);
        assert_eq!(events[3].attributes[1], Attribute::new("available", true));
        let ((), events) = crate::capture(true, all);
        assert_eq!(events[1].error.as_deref(), Some("it broke"));
    }

    #[test]
    fn nothing_is_recorded_by_hand_where_telemetry_is_off() {
        feature_used("cache", &[]);
        let ((), events) = crate::capture(false, || {});
        assert!(events.is_empty());
    }
}
