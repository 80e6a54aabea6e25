//! How the kit looks: steps, facts and requests on a terminal, and the same words in a pipe.
//!
//! Colours are for terminals, and `NO_COLOR` is obeyed: `anstream` sees to both. What is said while
//! waiting goes to stderr, and only where a person is looking.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde_json::Value as Json;

use crate::decode::{self, Body};
use crate::receiver::Request;

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NAME: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

/// Headers that carry a credential: their values are masked.
const SECRET_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "dd-api-key", "x-api-key", "cookie"];

/// A line, unless nobody reads any more: a closed pipe is no reason to fail.
macro_rules! say {
    ($($part:tt)*) => {{
        let _ = writeln!(anstream::stdout(), $($part)*);
    }};
}

pub(crate) fn title(text: &str) {
    say!("\n{TITLE}{text}{TITLE:#}");
}

pub(crate) fn step(text: &str) {
    say!("\n{TITLE}>{TITLE:#} {text}");
}

/// A result, as it is.
pub(crate) fn line(text: &str) {
    say!("{text}");
}

pub(crate) fn note(text: &str) {
    for line in text.lines() {
        say!("   {line}");
    }
}

/// A name and what it is. An empty name continues the last one.
pub(crate) fn fact(name: &str, what: &str) {
    say!("   {NAME}{name:<9}{NAME:#} {what}");
}

pub(crate) fn bad_fact(name: &str, what: &str) {
    say!("   {BAD}{name:<9}{BAD:#} {what}");
}

pub(crate) fn ran(command: &str) {
    say!("   {FAINT}${FAINT:#} {command}");
}

pub(crate) fn good(text: &str) {
    say!("   {GOOD}ok{GOOD:#} {text}");
}

pub(crate) fn warn(text: &str) {
    say!("   {WARN}warning{WARN:#} {text}");
}

/// A result that is bad, as [`bad`] is a failure of the program.
pub(crate) fn broken(text: &str) {
    say!("   {BAD}BROKEN{BAD:#} {text}");
}

/// What belongs to the line above.
pub(crate) fn detail(text: &str) {
    say!("      {FAINT}-{FAINT:#} {text}");
}

pub(crate) fn bad(text: &str) {
    let _ = writeln!(anstream::stderr(), "   {BAD}failed{BAD:#} {text}");
}

/// Beside the result: for a person, not for a pipe.
pub(crate) fn aside(text: &str) {
    let _ = writeln!(anstream::stderr(), "   {FAINT}{text}{FAINT:#}");
}

pub(crate) fn json(value: &Json) {
    say!("{}", unseen_escaped(&format!("{value:#}")));
}

/// JSON that says the same without characters that a terminal would obey: JSON itself must escape only some
/// of them, and a component's text may hold the others.
fn unseen_escaped(json: &str) -> String {
    let obeyed = |c: char| match c {
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        c => c.is_control() && c != '\n',
    };
    // None of them is more than four digits, or anywhere but in a string.
    json.chars().map(|c| if obeyed(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

/// Bytes that are for another program.
pub(crate) fn raw(bytes: &[u8]) -> Result<ExitCode, String> {
    std::io::stdout().write_all(bytes).map_err(|error| format!("cannot write to stdout: {error}"))?;
    Ok(ExitCode::SUCCESS)
}

/// What is going on, on a terminal, until it is dropped.
pub(crate) struct Progress(bool);

pub(crate) fn progress(what: &str) -> Progress {
    let seen = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|it| it != "dumb");
    if seen {
        clear_line();
        let _ = write!(anstream::stderr(), "   {FAINT}{what} ...{FAINT:#}");
    }
    Progress(seen)
}

/// Not through `anstream`: where it takes colours out it takes this too, and the words would stay.
fn clear_line() {
    let _ = write!(std::io::stderr(), "\r\u{1b}[K");
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.0 {
            clear_line();
        }
    }
}

/// The request: its line, its headers with credentials masked, its body decoded.
pub(crate) fn request(request: &Request) -> Result<(), String> {
    let body = decode::body(request);
    say!("   {NAME}{} {}{NAME:#}", request.method, masked_target(&request.target));
    for (name, value) in &request.headers {
        let value = if SECRET_HEADERS.contains(&name.as_str()) { "***" } else { value };
        say!("   {NAME}{name}{NAME:#}: {value}");
    }
    say!();
    match body? {
        Body::Json(json) => note(&serde_json::to_string_pretty(&json).map_err(|error| error.to_string())?),
        Body::Text(text) => note(&text),
        Body::Bytes(length) => note(&format!("({length} bytes)")),
    }
    Ok(())
}

/// The target with the values of its query masked: a credential may be one of them.
fn masked_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let masked: Vec<_> = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair.to_owned(), |(name, _)| format!("{name}=***")))
        .collect();
    format!("{path}?{}", masked.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_shown_without_what_a_terminal_would_obey_and_says_the_same() {
        let value = serde_json::json!({"a\u{9b}": ["\u{1b}[2J\n\u{7f}\u{85}\u{202e}ä日😀", "plain"]});
        let shown = unseen_escaped(&format!("{value:#}"));
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        assert!(shown.contains("\\u009b") && shown.contains("\\u202eä日😀"), "{shown}");
        assert_eq!(serde_json::from_str::<Json>(&shown).unwrap(), value);
    }

    #[test]
    fn the_values_of_a_query_are_masked() {
        assert_eq!(masked_target("/logs?dd-api-key=pub123&x=1"), "/logs?dd-api-key=***&x=***");
        assert_eq!(masked_target("/v1/logs"), "/v1/logs");
    }
}
