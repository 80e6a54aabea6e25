//! What may be written of a text: credentials taken out first, then cut to a length.

use std::borrow::Cow;

/// Bytes of one text value, error text or argument.
pub(crate) const MAX_TEXT: usize = 4 * 1024;
/// Bytes of a name that the author declared: a kind, a name, a key, an error kind.
pub(crate) const MAX_KEY: usize = 256;
/// Attributes of one event, the tool's own included.
pub(crate) const MAX_ATTRIBUTES: usize = 64;
/// Arguments of one event.
pub(crate) const MAX_ARGUMENTS: usize = 128;
/// The attribute that says how many others were left out.
pub(crate) const LEFT_OUT: &str = "attributes_left_out";
/// Stands where a text was cut, and as the last argument where there were more.
pub(crate) const CUT: &str = "…";

/// Cleans texts on their way into the journal.
pub(crate) struct Cleaner;

impl Cleaner {
    /// Whether [`text`](Self::text) would give this back as it is.
    #[inline]
    pub(crate) fn keeps_text(&self, text: &str) -> bool {
        text.len() <= MAX_TEXT && crate::redact::is_clean(text)
    }

    /// A text that may hold anything: redacted, then cut.
    #[inline]
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match crate::redact::redact(text) {
            Cow::Borrowed(clean) => cut(clean, MAX_TEXT),
            Cow::Owned(clean) => Cow::Owned(cut(&clean, MAX_TEXT).into_owned()),
        }
    }

    /// Arguments, each in the sight of the ones before it: `--token VALUE` is a credential because of
    /// its neighbour.
    pub(crate) fn arguments(&self, arguments: &[Cow<'_, str>], mut each: impl FnMut(&str)) {
        let fit = arguments.len() <= MAX_ARGUMENTS;
        let kept = if fit { MAX_ARGUMENTS } else { MAX_ARGUMENTS - 1 };
        for argument in crate::redact::redact_args(arguments.iter().take(kept).map(AsRef::as_ref)) {
            each(&cut(&argument, MAX_TEXT));
        }
        if !fit {
            each(CUT);
        }
    }

    /// A text that the author declared: only cut.
    #[inline]
    pub(crate) fn declared<'a>(&self, text: &'a str) -> Cow<'a, str> {
        cut(text, MAX_KEY)
    }
}

/// The text, or as much of it as fits before a mark.
#[inline]
fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max { Cow::Borrowed(text) } else { Cow::Owned(shortened(text, max)) }
}

#[cold]
fn shortened(text: &str, max: usize) -> String {
    let mut kept = String::with_capacity(max);
    kept.push_str(&text[..text.floor_char_boundary(max - CUT.len())]);
    kept.push_str(CUT);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character_and_marked() {
        let cleaned = cut(&"é".repeat(100), 51).into_owned();
        assert!(cleaned.len() <= 51 && cleaned.ends_with(CUT) && cleaned.starts_with('é'));
        assert!(matches!(cut("short", 51), Cow::Borrowed("short")));
    }

    #[test]
    fn a_credential_is_taken_out_before_the_cut_so_that_no_half_of_it_stays() {
        let secret = format!("ghp_{}", "a1B2".repeat(9));
        let text = format!("{} {secret}", "word ".repeat(MAX_TEXT / 5 - 4));
        assert!(!Cleaner.text(&text).contains("ghp_a1B2"));
    }
}
