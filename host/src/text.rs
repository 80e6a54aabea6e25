//! Text that came out of a component or off the network, made fit to be shown to a person.

/// The longest reason that is kept from a component's answer.
pub(crate) const REASON_BYTES: usize = 1_024;

/// One bounded line without control characters: what a terminal shows is what the text says.
///
/// Also drops the bidirectional overrides and zero-width characters that make text lie about itself.
pub(crate) fn tidy(text: &str, max_bytes: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max_bytes));
    for c in text.chars() {
        let c = match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                '\u{fffd}'
            }
            c => c,
        };
        if out.len() + c.len_utf8() + '…'.len_utf8() > max_bytes {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

/// [`tidy`] at the usual length for a reason.
pub(crate) fn reason(text: &str) -> String {
    tidy(text, REASON_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_escape_does_not_survive() {
        assert_eq!(tidy("a\u{1b}[31mb\nc\u{202e}d", 100), "a\u{fffd}[31mb c\u{fffd}d");
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_says_so() {
        let cut = tidy(&"ä".repeat(100), 21);
        assert!(cut.len() <= 21 && cut.ends_with('…'), "{cut}");
    }
}
