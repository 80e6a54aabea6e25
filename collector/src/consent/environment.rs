//! The variables by which a user decides without a file: [`consent`](crate::consent) has their table.

use std::ffi::OsString;

/// The universal no.
pub(crate) const DO_NOT_TRACK: &str = "DO_NOT_TRACK";
/// Yes or no for every tool.
pub(crate) const ENABLED: &str = "TELEMETRY_ENABLED";
/// Local only for every tool.
pub(crate) const LOCAL: &str = "TELEMETRY_LOCAL";

/// The variable that decides for one tool alone: `GREET_TELEMETRY` for `greet`.
///
/// ```
/// assert_eq!(telemetry::consent::tool_variable("my-tool"), "MY_TOOL_TELEMETRY");
/// ```
#[must_use]
pub fn tool_variable(tool_name: &str) -> String {
    let mut name: String = tool_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    name.push_str("_TELEMETRY");
    name
}

/// What a variable says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Switch {
    /// Nothing: it is not there, or empty.
    Unset,
    /// Yes.
    On,
    /// No.
    Off,
    /// Local only. Only `<TOOL>_TELEMETRY` can say it.
    Local,
    /// Something that is not understood, as text.
    Unclear(String),
}

impl Switch {
    /// The value of `DO_NOT_TRACK`: on means do not track.
    pub(crate) fn do_not_track(value: Option<OsString>) -> Self {
        match value {
            None => Self::Unset,
            Some(value) if value.is_empty() => Self::Unset,
            Some(value) if value == "0" => Self::Off,
            Some(_) => Self::On,
        }
    }

    /// The value of a variable that says yes or no.
    pub(crate) fn boolean(value: Option<OsString>) -> Self {
        match Self::with_local(value) {
            // Here `local` is a word like any other that is not understood.
            Self::Local => Self::Unclear("local".to_owned()),
            other => other,
        }
    }

    /// The value of a variable that says yes, no or local.
    pub(crate) fn with_local(value: Option<OsString>) -> Self {
        let Some(value) = value else { return Self::Unset };
        let Some(text) = value.to_str() else { return Self::Unclear(value.to_string_lossy().into_owned()) };
        let word = text.trim();
        let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
        if word.is_empty() {
            Self::Unset
        } else if is(&["on", "true", "1", "yes", "t", "y", "enable", "enabled"]) {
            Self::On
        } else if is(&["off", "false", "0", "no", "f", "n", "disable", "disabled"]) {
            Self::Off
        } else if is(&["local"]) {
            Self::Local
        } else {
            Self::Unclear(text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tools_variable_is_its_name_in_upper_case() {
        for (name, variable) in [
            ("greet", "GREET_TELEMETRY"),
            ("my-tool", "MY_TOOL_TELEMETRY"),
            ("cargo-x2", "CARGO_X2_TELEMETRY"),
            ("a.b c", "A_B_C_TELEMETRY"),
            ("grüß", "GR___TELEMETRY"),
        ] {
            assert_eq!(tool_variable(name), variable);
        }
    }

    #[test]
    fn words_are_understood_in_any_case_and_anything_else_is_unclear() {
        let with_local = |text: &str| Switch::with_local(Some(text.into()));
        for on in ["on", "ON", "true", "True", "1", "yes", " on ", "t", "enabled"] {
            assert_eq!(with_local(on), Switch::On, "{on:?}");
        }
        for off in ["off", "False", "0", "no", "F", "disable"] {
            assert_eq!(with_local(off), Switch::Off, "{off:?}");
        }
        for unclear in ["maybe", "flase", "2", "-1", "on off", "løcal"] {
            assert_eq!(with_local(unclear), Switch::Unclear(unclear.to_owned()));
        }
        for unset in ["", " ", "\t"] {
            assert_eq!(with_local(unset), Switch::Unset, "{unset:?}");
        }
        assert_eq!(with_local("Local"), Switch::Local);
        assert_eq!(Switch::with_local(None), Switch::Unset);
        assert_eq!(Switch::boolean(Some("local".into())), Switch::Unclear("local".to_owned()));
    }

    #[test]
    fn do_not_track_is_anything_but_empty_and_zero() {
        let says = |text: &str| Switch::do_not_track(Some(text.into()));
        assert_eq!(Switch::do_not_track(None), Switch::Unset);
        assert_eq!(says(""), Switch::Unset);
        assert_eq!(says("0"), Switch::Off);
        for yes in ["1", "true", "false", "no", "00", " 0", "maybe"] {
            assert_eq!(says(yes), Switch::On, "{yes:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_unclear() {
        use std::os::unix::ffi::OsStringExt;
        let value = || Some(OsString::from_vec(vec![b'o', b'n', 0xff]));
        assert!(matches!(Switch::with_local(value()), Switch::Unclear(_)));
        assert_eq!(Switch::do_not_track(value()), Switch::On);
    }
}
