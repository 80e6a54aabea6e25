//! What `#[telemetry::main]` writes.
//!
//! The library has to start before anything else of the tool: before an asynchronous runtime makes
//! threads, before a command begins. So whatever other attribute a `main` has moves to a function
//! inside of it, which runs when the library has started.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, LitStr, Path, Token};

use crate::expand::{braced, hidden, library, or_as_it_was};
use crate::function::Function;

/// `config = "path"` and `crate = path`.
#[derive(Default)]
struct Arguments {
    config: Option<LitStr>,
    library: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Self::default();
        while !input.is_empty() {
            let word = input.call(Ident::parse_any)?;
            match word.to_string().as_str() {
                "config" if all.config.is_none() => {
                    input.parse::<Token![=]>()?;
                    all.config = Some(input.parse()?);
                }
                "crate" if all.library.is_none() => {
                    input.parse::<Token![=]>()?;
                    all.library = Some(input.call(Path::parse_mod_style)?);
                }
                known @ ("config" | "crate") => {
                    return Err(syn::Error::new(word.span(), format!("`{known}` is given twice")));
                }
                other => {
                    return Err(syn::Error::new(
                        word.span(),
                        format!(
                            "unknown argument `{other}`: there are `config = \"path\"` and `crate = path`"
                        ),
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(all)
    }
}

/// The whole attribute.
pub(crate) fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = syn::parse2::<Function>(item.clone())
        .and_then(|function| syn::parse2::<Arguments>(arguments).and_then(|it| expand(&it, function)));
    expanded.unwrap_or_else(|error| or_as_it_was(&error, item))
}

fn expand(arguments: &Arguments, function: Function) -> syn::Result<TokenStream> {
    let Function { outer, inner, visibility, mut signature, body } = function;
    if let Some(parameter) = signature.inputs.first() {
        return Err(syn::Error::new(
            syn::spanned::Spanned::span(parameter),
            "`#[telemetry::main]` goes on a function without parameters",
        ));
    }
    let library = library(arguments.library.as_ref());
    let config = &arguments.config;
    let telemetry = hidden("session");
    let tool = config.as_ref().map(|path| quote!(#library::tool!(#path)));
    let start = quote!(let #telemetry = #library::start!(#tool););
    let (passive, active): (Vec<_>, Vec<_>) = outer.into_iter().partition(is_passive);
    if active.is_empty() {
        if let Some(asyncness) = signature.asyncness {
            return Err(syn::Error::new(
                asyncness.span,
                "an `async` main needs the attribute of a runtime below this one, such as `#[tokio::main]`",
            ));
        }
        let body = braced(&body);
        return Ok(quote!(#(#passive)* #visibility #signature { #(#inner)* #start #body }));
    }
    let (inside, name) = (signature.clone(), &signature.ident.clone());
    signature.asyncness = None;
    let call = Ident::new(&name.to_string(), name.span().located_at(Span::call_site()));
    Ok(quote! {
        #(#passive)*
        #visibility #signature {
            #(#active)*
            #inside { #(#inner)* #body }
            #start
            #call()
        }
    })
}

/// Whether an attribute only says something about a function, and so may stay outside.
fn is_passive(attribute: &Attribute) -> bool {
    const PASSIVE: [&str; 11] =
        ["doc", "allow", "warn", "deny", "forbid", "expect", "cfg", "cfg_attr", "inline", "cold", "must_use"];
    attribute.path().get_ident().is_some_and(|it| PASSIVE.iter().any(|known| it == known))
}
