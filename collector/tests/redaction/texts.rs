//! Texts for properties.

use proptest::prelude::*;

/// What stands between words.
pub(crate) const SIGNS: &[&str] = &[
    "=",
    ":",
    "://",
    "@",
    "\"",
    "'",
    "`",
    "\\\"",
    "\\",
    "-",
    "--",
    "-----",
    ">",
    "<",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "&",
    "?",
    "#",
    "/",
    ".",
    " ",
    "  ",
    "\n",
    "\t",
    "\r\n",
    "(",
    ")",
    "\x1b[1m",
    "\0",
    "é",
    "密",
    "\u{2028}",
    "=>",
    ":=",
    "%3D",
    "[redacted]",
];

/// What rules know.
pub(crate) const WORDS: &[&str] = &[
    "password",
    "PASSWORD",
    "passphrase",
    "token",
    "tokens",
    "api key",
    "x-api-key",
    "Authorization",
    "cookie",
    "secret",
    "pwd",
    "sig",
    "Bearer",
    "basic",
    "identified by",
    "-u",
    "--token",
    "-password",
    "https",
    "git",
    "bob",
    "8080",
    "Some(",
    "eyJhbGciOiJIUzI1NiJ9",
    "ghp_",
    "sk-",
    "AKIA",
    "SG.",
    "hvs.",
    "1//0",
    "sha256:",
    "null",
    "must",
    "hooks.slack.com",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "tcp(",
    "ssh-rsa ",
    "atlasv1.",
    "0Q~",
];

/// Pieces that rules hang on, in any order: far more likely to confuse a scanner than random text.
pub(crate) fn piece() -> impl Strategy<Value = String> {
    let signs = prop::sample::select(SIGNS);
    let words = prop::sample::select(WORDS);
    prop_oneof![
        4 => signs.prop_map(str::to_owned),
        3 => words.prop_map(str::to_owned),
        2 => "[a-z]{1,12}",
        1 => "[A-Za-z0-9]{1,70}",
        1 => "[A-Za-z0-9+/_=-]{1,90}",
        1 => "\\PC{0,8}",
        1 => prop::sample::select(super::shapes::all().into_iter().map(|shape| shape.text).collect::<Vec<_>>()),
        1 => prop::sample::select(super::look_alikes::ALL).prop_map(str::to_owned),
    ]
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}
