//! Colour, only where a person sees it.

use std::io::IsTerminal;

/// How much of a terminal standard output is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Style {
    coloured: bool,
}

impl Style {
    /// None: text as it is.
    #[cfg(test)]
    pub(super) const PLAIN: Self = Self { coloured: false };

    /// Of standard output: colour on a terminal, unless `NO_COLOR` (<https://no-color.org>) or a terminal
    /// that knows none says otherwise.
    pub(super) fn of_stdout() -> Self {
        Self::of(std::io::stdout().is_terminal(), &|name| std::env::var_os(name))
    }

    fn of(terminal: bool, variable: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let refused = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_none_or(|term| term == "dumb");
        Self { coloured: terminal && !refused && !dumb }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(super) fn doubtful(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_whose_user_did_not_refuse_it() {
        let of = |terminal, no_color: &str, term: Option<&str>| {
            Style::of(terminal, &|name| match name {
                "NO_COLOR" => Some(no_color.into()),
                _ => term.map(Into::into),
            })
        };
        assert!(of(true, "", Some("xterm")).coloured);
        assert!(!of(true, "1", Some("xterm")).coloured);
        assert!(!of(false, "", Some("xterm")).coloured);
        assert!(!of(true, "", Some("dumb")).coloured);
        assert!(!of(true, "", None).coloured);
        assert_eq!(Style::PLAIN.bad("fail"), "fail");
    }
}
