//! What the derives have in common.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, DeriveInput, Fields, Path, Token, Variant};

use crate::expand::library;

/// Reads each `word` or `word = value` of every attribute of this name.
pub(crate) fn words(
    attributes: &[Attribute],
    name: &str,
    mut read: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    for attribute in attributes.iter().filter(|it| it.path().is_ident(name)) {
        let list = attribute.meta.require_list()?;
        let mut seen: Vec<String> = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let word = input.call(Ident::parse_any)?;
                if seen.contains(&word.to_string()) {
                    return Err(syn::Error::new(word.span(), format!("`{word}` is given twice")));
                }
                read(&word, input)?;
                seen.push(word.to_string());
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        parser.parse2(list.tokens.clone())?;
    }
    Ok(())
}

/// What follows `word =`.
pub(crate) fn value<T: syn::parse::Parse>(word: &Ident, input: ParseStream<'_>) -> syn::Result<T> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(word.span(), format!("`{word}` needs a value: `{word} = ..`")));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `crate = path`
pub(crate) fn renamed(word: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(word.span(), "`crate` needs a value: `crate = path`"));
    }
    input.parse::<Token![=]>()?;
    input.call(Path::parse_mod_style)
}

pub(crate) fn unknown(word: &Ident, known: &str) -> syn::Error {
    syn::Error::new(word.span(), format!("unknown argument `{word}`: there are {known}"))
}

/// `impl <trait> for <type>`, with its generics.
pub(crate) fn implementation(
    input: &DeriveInput,
    renamed: Option<&Path>,
    implemented: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let library = library(renamed);
    let ident = &input.ident;
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #library::#implemented for #ident #arguments #conditions {
            #body
        }
    }
}

/// A pattern for a case, whatever is inside of it.
pub(crate) fn pattern(variant: &Variant) -> TokenStream {
    let ident = &variant.ident;
    match variant.fields {
        Fields::Unit => quote!(Self::#ident),
        _ => quote!(Self::#ident { .. }),
    }
}

/// `PlainText` as `plain-text`, `HTTPProxy` as `http-proxy`.
pub(crate) fn kebab(name: &Ident) -> String {
    let letters: Vec<char> = name.unraw().to_string().chars().collect();
    let mut text = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        if letter == '_' {
            text.push('-');
            continue;
        }
        let after_small =
            at > 0 && letters.get(at - 1).is_some_and(|it| it.is_lowercase() || it.is_ascii_digit());
        let before_small = letters.get(at + 1).is_some_and(|it| it.is_lowercase());
        let after_large = at > 0 && letters.get(at - 1).is_some_and(|it| it.is_uppercase());
        if letter.is_uppercase() && (after_small || after_large && before_small) {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    #[test]
    fn a_case_is_named_as_a_user_would_type_it() {
        for (written, named) in [
            ("Json", "json"),
            ("PlainText", "plain-text"),
            ("HTTPProxy", "http-proxy"),
            ("Http2Server", "http2-server"),
            ("X", "x"),
            ("snake_case", "snake-case"),
        ] {
            assert_eq!(kebab(&Ident::new(written, Span::call_site())), named);
        }
    }
}
