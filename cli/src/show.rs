//! How the kit looks: steps, facts and requests on a terminal, and the same words in a pipe.

use anstyle::{AnsiColor, Style};

use crate::decode::{self, Body};
use crate::receiver::Request;

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NAME: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

/// Headers that carry a credential: their values are masked.
const SECRET_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "dd-api-key", "x-api-key", "cookie"];

pub(crate) fn title(text: &str) {
    anstream::println!("\n{TITLE}{text}{TITLE:#}");
}

pub(crate) fn step(text: &str) {
    anstream::println!("\n{TITLE}>{TITLE:#} {text}");
}

pub(crate) fn note(text: &str) {
    for line in text.lines() {
        anstream::println!("   {line}");
    }
}

pub(crate) fn ran(command: &str) {
    anstream::println!("   {FAINT}${FAINT:#} {command}");
}

pub(crate) fn good(text: &str) {
    anstream::println!("   {GOOD}ok{GOOD:#} {text}");
}

pub(crate) fn bad(text: &str) {
    anstream::eprintln!("   {BAD}failed{BAD:#} {text}");
}

/// The request: its line, its headers with credentials masked, its body decoded.
pub(crate) fn request(request: &Request) -> Result<(), String> {
    let body = decode::body(request)?;
    anstream::println!("   {NAME}{} {}{NAME:#}", request.method, masked_target(&request.target));
    for (name, value) in &request.headers {
        let value = if SECRET_HEADERS.contains(&name.as_str()) { "***" } else { value };
        anstream::println!("   {NAME}{name}{NAME:#}: {value}");
    }
    anstream::println!();
    match body {
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
    fn the_values_of_a_query_are_masked() {
        assert_eq!(masked_target("/logs?dd-api-key=pub123&x=1"), "/logs?dd-api-key=***&x=***");
        assert_eq!(masked_target("/v1/logs"), "/v1/logs");
    }
}
