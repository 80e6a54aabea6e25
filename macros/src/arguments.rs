//! The arguments of `#[telemetry::command(..)]`.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, LitStr, Path, Token, parenthesized};

/// What the author wrote in the parentheses.
#[derive(Default)]
pub(crate) struct Arguments {
    /// `name = "remote/add"`
    pub(crate) name: Option<LitStr>,
    /// `purpose = "why"`
    pub(crate) purpose: Option<LitStr>,
    /// `metadata(key = expression)`
    pub(crate) metadata: Vec<Metadata>,
    /// `record(parameter, text(parameter))`
    pub(crate) record: Vec<Recorded>,
    /// `exit_code`: an integer that is returned is one.
    pub(crate) exit_code: Option<Ident>,
    /// `error_code = 2` or `error_code = function`
    pub(crate) error_code: Option<Expr>,
    /// `future`: a boxed future under another name is returned.
    pub(crate) future: bool,
    /// `crate = path`
    pub(crate) library: Option<Path>,
}

/// One `key = expression`.
pub(crate) struct Metadata {
    pub(crate) key: LitStr,
    pub(crate) value: Expr,
}

/// One parameter that is recorded.
pub(crate) struct Recorded {
    pub(crate) parameter: Ident,
    /// Written as `text(parameter)`.
    pub(crate) text: bool,
}

/// What the library itself adds to a command's event.
const RESERVED: &str = "parent";

/// The words, for messages.
const KNOWN: &str =
    "`name`, `purpose`, `metadata`, `record`, `exit_code`, `error_code`, `future` and `crate`";

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Self::default();
        let mut seen: Vec<String> = Vec::new();
        while !input.is_empty() {
            if input.peek(LitStr) {
                return Err(input.error("a name is given as `name = \"..\"`"));
            }
            let word = input.call(Ident::parse_any)?;
            let text = word.to_string();
            if seen.contains(&text) {
                return Err(syn::Error::new(word.span(), format!("`{text}` is given twice")));
            }
            match text.as_str() {
                "name" => {
                    let name = string(input, &word, "name = \"remote/add\"")?;
                    check_name(&name)?;
                    all.name = Some(name);
                }
                "purpose" => {
                    let purpose = string(input, &word, "purpose = \"why it is recorded\"")?;
                    if purpose.value().trim().is_empty() {
                        return Err(syn::Error::new(purpose.span(), "a purpose cannot be empty"));
                    }
                    all.purpose = Some(purpose);
                }
                "metadata" => {
                    all.metadata = list(input, &word, "metadata(key = expression)", Metadata::parse)?
                }
                "record" => all.record = list(input, &word, "record(parameter)", Recorded::parse)?,
                "exit_code" => {
                    flag(input, &word)?;
                    all.exit_code = Some(word);
                }
                "future" => {
                    flag(input, &word)?;
                    all.future = true;
                }
                "error_code" => {
                    equals(input, &word, "error_code = 2")?;
                    all.error_code = Some(input.parse()?);
                }
                "crate" => {
                    equals(input, &word, "crate = path")?;
                    all.library = Some(input.call(Path::parse_mod_style)?);
                }
                _ => return Err(unknown(&word, &text)),
            }
            seen.push(text);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        all.refuse_equal_keys()?;
        Ok(all)
    }
}

impl Arguments {
    fn refuse_equal_keys(&self) -> syn::Result<()> {
        let keys = self
            .metadata
            .iter()
            .map(|it| (it.key.value(), it.key.span()))
            .chain(self.record.iter().map(|it| (it.parameter.unraw().to_string(), it.parameter.span())));
        let mut seen: Vec<String> = Vec::new();
        for (key, span) in keys {
            if seen.contains(&key) {
                return Err(syn::Error::new(span, format!("`{key}` is recorded twice: keys are unique")));
            }
            seen.push(key);
        }
        Ok(())
    }
}

impl Parse for Metadata {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key: LitStr = if input.peek(LitStr) {
            input.parse()?
        } else {
            let parts =
                Punctuated::<Ident, Token![.]>::parse_separated_nonempty_with(input, Ident::parse_any)?;
            let text: Vec<String> = parts.iter().map(|part| part.unraw().to_string()).collect();
            LitStr::new(&text.join("."), parts.first().map_or_else(Span::call_site, Ident::span))
        };
        check_key(&key.value(), key.span())?;
        if !input.peek(Token![=]) {
            return Err(syn::Error::new(
                key.span(),
                format!("`{}` needs a value: `{0} = expression`", key.value()),
            ));
        }
        input.parse::<Token![=]>()?;
        Ok(Self { key, value: input.parse()? })
    }
}

impl Parse for Recorded {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Token![self]) {
            return Err(input.error(
                "`self` is not recorded: name what to record of it, as in `metadata(verbose = self.verbose)`",
            ));
        }
        let word: Ident = input.parse()?;
        let (parameter, text) = if word == "text" && input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            let parameter: Ident = content.parse()?;
            if !content.is_empty() {
                return Err(content.error("`text` takes one parameter"));
            }
            (parameter, true)
        } else {
            (word, false)
        };
        if input.peek(Token![=]) || input.peek(Token![.]) {
            return Err(input.error(
                "`record` takes parameters by name only: for anything else, `metadata(key = expression)`",
            ));
        }
        check_key(&parameter.unraw().to_string(), parameter.span())?;
        Ok(Self { parameter, text })
    }
}

fn equals(input: ParseStream<'_>, word: &Ident, example: &str) -> syn::Result<()> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return Ok(());
    }
    Err(syn::Error::new(word.span(), format!("`{word}` needs a value: `{example}`")))
}

fn string(input: ParseStream<'_>, word: &Ident, example: &str) -> syn::Result<LitStr> {
    equals(input, word, example)?;
    if input.peek(LitStr) {
        return input.parse();
    }
    Err(input.error(format!("expected a string: `{example}`")))
}

fn flag(input: ParseStream<'_>, word: &Ident) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(syn::Error::new(word.span(), format!("`{word}` takes no value")))
}

fn list<T>(
    input: ParseStream<'_>,
    word: &Ident,
    example: &str,
    item: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<Vec<T>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(word.span(), format!("`{word}` needs a list: `{example}`")));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(syn::Error::new(word.span(), format!("`{word}` is empty: `{example}`")));
    }
    Ok(content.parse_terminated(item, Token![,])?.into_iter().collect())
}

fn unknown(word: &Ident, text: &str) -> syn::Error {
    let message = match text {
        "skip" | "skip_all" => {
            "nothing is recorded of a parameter unless `record(..)` names it: `skip` is not needed".to_owned()
        }
        "fields" => "facts are given as `metadata(key = expression)`".to_owned(),
        "text" => "`text` goes around a parameter: `record(text(parameter))`".to_owned(),
        _ => format!("unknown argument `{text}`: there are {KNOWN}"),
    };
    syn::Error::new(word.span(), message)
}

/// A command's name: words joined by `/`, as the user types them.
pub(crate) fn check_name(name: &LitStr) -> syn::Result<()> {
    let text = name.value();
    let problem = if text.is_empty() {
        Some("a command's name cannot be empty")
    } else if text.len() > 128 {
        Some("a command's name is at most 128 bytes long")
    } else if text.split('/').any(str::is_empty) {
        Some("a command's name is words joined by single slashes: `remote/add`")
    } else if !text.bytes().all(|it| it.is_ascii_alphanumeric() || b"/-_.:".contains(&it)) {
        Some("a command's name has only ASCII letters, digits, `-`, `_`, `.`, `:` and `/`: `remote/add`")
    } else {
        None
    };
    problem.map_or(Ok(()), |problem| Err(syn::Error::new(name.span(), problem)))
}

/// An attribute's key.
pub(crate) fn check_key(key: &str, span: Span) -> syn::Result<()> {
    if key == RESERVED {
        return Err(syn::Error::new(span, "`parent` is the library's own: the command that ran this one"));
    }
    let fine = !key.is_empty()
        && key.len() <= 128
        && key.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    if fine {
        return Ok(());
    }
    Err(syn::Error::new(span, "a key is 1 to 128 ASCII letters, digits, `-`, `_` and `.`"))
}
