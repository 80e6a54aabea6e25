//! Checking `telemetry.toml` while the tool is compiled, and embedding what stands in it.
//!
//! A mistake in it would otherwise be found when the tool runs, where it is silent by design. A test holds this
//! module's list of keys against the library's own, so that neither knows a key that the other does not.
//!
//! What is checked is what a file says by itself: syntax, keys, types, the words and numbers that a key
//! takes, what is required, and the combinations that the library refuses. What is embedded is what the text
//! was parsed to, so that the tool needs no parser; the library checks it again as it checks any configuration.

mod embed;
mod keys;
mod read;
mod rules;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use std::path::Path;
use syn::LitStr;
use syn::parse::{Parse, ParseStream};

/// Something wrong with the text, and on which line it is.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    line: usize,
    what: String,
}

impl Problem {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// `[library] "path"`: what the library is called where this is expanded, and the file.
struct Embedded {
    library: TokenStream,
    path: LitStr,
}

impl Parse for Embedded {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let library;
        syn::bracketed!(library in input);
        Ok(Self { library: library.parse()?, path: input.parse()? })
    }
}

/// What the file says, as a constant of the library's, or an error for each line that is wrong.
pub(crate) fn embed(arguments: TokenStream) -> syn::Result<TokenStream> {
    let Embedded { library, path } = syn::parse2(arguments)?;
    // Not built by cargo: relative to where the compiler was started.
    let root = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let file = Path::new(&root).join(path.value());
    let shown = path.value();
    let text = std::fs::read_to_string(&file).map_err(|error| {
        let hint = "it is beside Cargo.toml and begins with `[tool]` and `id = \"com.example.greet\"`";
        syn::Error::new(path.span(), format!("{shown} cannot be read: {error}; {hint}"))
    })?;
    let span = path.span().resolved_at(Span::call_site());
    let (found, problems) = match read::read(&text) {
        Err(problem) => (None, vec![problem]),
        Ok(found) => {
            let problems = check(&found);
            (Some(found), problems)
        }
    };
    if !problems.is_empty() {
        let errors = problems.into_iter().map(|Problem { line, what }| {
            let message = format!("{shown}:{line}: {what}");
            quote_spanned!(span=> ::core::compile_error!(#message);)
        });
        // One that says nothing, so that nothing else is wrong.
        let nothing = read::read("").ok().map(|it| embed::found(&library, &it));
        return Ok(quote!({ #(#errors)* #nothing }));
    }
    let found = found.map(|it| embed::found(&library, &it));
    // The text is no part of the tool: only so is the tool compiled again when the file changes.
    let file = std::path::absolute(&file).unwrap_or(file);
    let watched = file.to_str().map(|it| {
        let literal = Literal::string(it);
        quote!(
            const _: &str = ::core::include_str!(#literal);
        )
    });
    Ok(quote!({ #watched #found }))
}

/// Everything that is wrong with a configuration, in the order of its lines.
fn check(found: &read::Found) -> Vec<Problem> {
    let mut problems = rules::check(&read::entries(found));
    problems.sort_by_key(|it| it.line);
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::tool::Config;

    fn told(text: &str) -> Vec<String> {
        let problems = read::read(text).map_or_else(|problem| vec![problem], |found| check(&found));
        problems.into_iter().map(|it| format!("{}: {}", it.line, it.what)).collect()
    }

    /// A whole configuration, with every key.
    const WHOLE: &str = r#"# A comment with "quotes" and [brackets].
[tool]
id = "com.example.greet" # required
name = 'greet'
enabled = true
force = false
extended = false
send_from_debug_builds = false
send_from_tests = false
[consent]
policy = 1
vendor = "Example Corp"
question = "{tool} asks {vendor}"
support = "privacy@example.com"
[identity]
kind = "keyed"
[backend]
path = "acme.wasm"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"
otel_environment = false
[backend.settings]
anything = { goes = [1, 2.5, "x", 1979-05-27T07:32:00Z], here = """
on # several
lines""" }
"and quoted".too = '''it's'''
[backend.limits]
memory_bytes = 67_108_864
call_time = "10s"
cpu_time = "2 s"
[endpoints.collector]
url = "https://otel.example.com"
allow = [
  "http", # each on its own line
  "loopback",
]
credential = { header = "Authorization", prefix = "Bearer ", env = "GREET_TOKEN" }
ca_file = "ca.pem"
client_certificate = "client.pem"
client_key = "client-key.pem"
proxy = false
[endpoints."other.one"]
url = "https://example.com"
credential.bearer = true
credential.file = "token"
[delivery]
mode = "auto"
semantics = "at-least-once"
interval = "15m"
jitter = 0.25
max_attempts = 20
wait = 0
lifetime = "2m"
max_events_per_run = 1000
[delivery.sample]
"command.invocation" = 0.5
other = 1
[journal]
max_bytes = 0xA00000
max_events = 50_000
max_age = "30d"
max_record = 65536
map = true

[erasure]
endpoint = "collector"
backend = true
event = true
email = "privacy@example.com"
give_up = "30d"
"#;

    #[test]
    fn every_key_is_known_here_and_to_the_library() {
        assert_eq!(told(WHOLE), [""; 0]);
        Config::parse(WHOLE, "whole").expect("the library reads it");
    }

    #[test]
    fn no_key_of_the_library_is_missing_here() {
        // The library's own message lists what it knows.
        for table in keys::TABLES {
            let Some(unknown) = table.example("zzz = 1") else { continue };
            let message = Config::parse(&unknown, "t").expect_err("there is no such key").to_string();
            let (_, listed) = message.split_once("expected ").unwrap_or_default();
            let mut listed: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
            let mut known: Vec<&str> = table.keys.iter().map(|it| it.name).collect();
            listed.sort_unstable();
            known.sort_unstable();
            if table.name.is_empty() {
                known.extend([
                    "tool",
                    "consent",
                    "identity",
                    "backend",
                    "endpoints",
                    "delivery",
                    "journal",
                    "erasure",
                ]);
                known.sort_unstable();
            }
            // Tables of their own here.
            let nested: &[&str] = match table.name {
                "backend" => &["settings", "limits"],
                "delivery" => &["sample"],
                _ => &[],
            };
            listed.retain(|it| !nested.contains(it));
            assert_eq!(known, listed, "[{}]: {message}", table.name);
        }
    }

    #[test]
    fn what_this_refuses_the_library_refuses_and_the_other_way_round() {
        for (wrong, expected) in [
            (
                "[tool]\nid = \"com.example.greet\"\nforse = true",
                "3: unknown key `forse` in [tool]: did you mean `force`?",
            ),
            (
                "[tool]\nid = \"com.example.greet\"\nforce = \"yes\"",
                "3: `force` in [tool] is true or false, not a string",
            ),
            (
                "[tool]\nid = \"a.b\"\n[erasure]\nendpoint = \"gdpr\"",
                "4: `endpoint` in [erasure] is not granted: add `[endpoints.gdpr]` with `url`",
            ),
            (
                "[tool]\nid = \"a.b\"\n[erasure]\nemail = \"a@b.example\\r\\nbcc: c@d.example\"",
                "4: `email` in [erasure] is not one address, as in \"privacy@example.com\"",
            ),
            ("[tool]\nname = \"greet\"", "1: [tool] needs `id`: `id = \"com.example.greet\"`"),
            ("", "1: [tool] is missing: `[tool]` and `id = \"com.example.greet\"`"),
            (
                "[tool]\nid = \"greet\"",
                "2: `id` in [tool] is not in reverse-domain form, as in \"com.example.greet\"",
            ),
            ("[tool]\nid = \"a.b\"\n[deliver]\n", "3: unknown table [deliver]: did you mean [delivery]?"),
            (
                "[tool]\nid = \"a.b\"\n[delivery]\ninterval = \"soon\"",
                "4: `interval` in [delivery] is a duration such as \"15m\", not \"soon\"",
            ),
            (
                "[tool]\nid = \"a.b\"\n[delivery]\ninterval = 15",
                "4: `interval` in [delivery] is a duration such as \"15m\", not an integer",
            ),
            (
                "[tool]\nid = \"a.b\"\n[delivery]\nmode = \"now\"",
                "4: `mode` in [delivery] is \"auto\", \"detached\", \"helper\", \"overlapped\", \"bounded\" or \"never\", not \"now\"",
            ),
            (
                "[tool]\nid = \"a.b\"\n[journal]\nmax_bytes = -1",
                "4: `max_bytes` in [journal] is a whole number that is not negative",
            ),
            (
                "[tool]\nid = \"a.b\"\n[delivery.sample]\nx = 1.5",
                "4: `x` in [delivery.sample] is a share from 0 to 1",
            ),
            (
                "[tool]\nid = \"a.b\"\n[delivery]\njitter = 1.5",
                "4: `jitter` in [delivery] is a share from 0 to 1",
            ),
            (
                "[tool]\nid = \"a.b\"\n[delivery]\nmax_attempts = 0",
                "4: `max_attempts` in [delivery] is a whole number from 1",
            ),
            (
                "[tool]\nid = \"a.b\"\n[backend]\nuse = \"otlp\"\npath = \"a.wasm\"",
                "5: [backend] has both `use` and `path`: keep the one that names the backend",
            ),
            (
                "[tool]\nid = \"a.b\"\n[backend]\nsha256 = \"12\"",
                "4: `sha256` in [backend] is 64 hexadecimal digits: what `sha256sum FILE` prints",
            ),
            (
                "[tool]\nid = \"a.b\"\n[endpoints.x]\nallow = [\"http\"]",
                "3: [endpoints.x] needs `url`: `url = \"https://example.com\"`",
            ),
            (
                "[tool]\nid = \"a.b\"\n[backend]\nuse = \"posthog\"\n[endpoints.api]\nsite = \"eu\"\nurl = \"https://e.com\"",
                "7: [endpoints.api] has both `url` and `site`: keep the one that is meant",
            ),
            (
                "[tool]\nid = \"a.b\"\n[backend]\npath = \"posthog.wasm\"\n[endpoints.api]\nsite = \"eu\"",
                "6: `site` goes with a bundled backend, and [backend] has a `path`: write `url`",
            ),
            (
                "[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"https://e.com\"\nallow = [\"htp\"]",
                "5: `allow` in [endpoints.x] can have \"http\", \"loopback\", \"private\" and \"link-local\", not \"htp\"",
            ),
            (
                "[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"https://e.com\"\ncredential = { bearer = true }",
                "5: the credential of [endpoints.x] needs one source: `env`, `file` or `value`",
            ),
            (
                "[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"https://e.com\"\ncredential = { env = \"A\" }",
                "5: the credential of [endpoints.x] needs one place: `header`, `bearer`, `basic_user`, `query` or `path`",
            ),
            ("[tool]\nid = \"a.b\"\nid = \"a.c\"", "3: duplicate key: `id`"),
            ("[tool]\nid = \"a.b", "2: invalid basic string, expected `\"`"),
            ("[tool\nid = \"a.b\"", "1: unclosed table, expected `]`"),
            ("[tool]\nid \"a.b\"", "2: key with no value, expected `=`"),
            ("[tool]\nid = a.b", "2: string values must be quoted, expected literal string: `a.b`"),
        ] {
            assert_eq!(told(wrong), [expected], "{wrong}");
            assert!(Config::parse(wrong, "t").is_err(), "the library takes what this refuses: {wrong}");
        }
    }

    #[test]
    fn several_mistakes_are_told_at_once() {
        let text = "[tool]\nid = \"a.b\"\nforce = 1\n[nothing]\n[journal]\nmap = \"x\"";
        assert_eq!(told(text).len(), 3);
    }
}
