//! A user's home out of paths.

use std::borrow::Cow;

/// The text with the user's home directory written as `~`; borrowed if it does not occur.
///
/// A path's home says who somebody is and is no credential, so [`redact`](super::redact()) leaves it. Only a
/// whole directory counts: with the home `/home/bob`, `/home/bobby` stays. A home that is a root
/// (`/`, `C:\`) or empty changes nothing.
///
/// ```
/// use telemetry::redact::without_home;
/// assert_eq!(without_home("open /home/bob/x: denied", "/home/bob"), "open ~/x: denied");
/// ```
#[must_use]
pub fn without_home<'t>(text: &'t str, home: &str) -> Cow<'t, str> {
    let home = home.trim_end_matches(['/', '\\']);
    if home.len() < 4 || !text.contains(home) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        rest = found.get(home.len()..).unwrap_or_default();
        let whole = rest
            .chars()
            .next()
            .is_none_or(|next| !(next.is_alphanumeric() || matches!(next, '_' | '-' | '.')));
        out.push_str(if whole { "~" } else { home });
    }
    out.push_str(rest);
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}
