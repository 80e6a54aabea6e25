//! `#[derive(Recordable)]` and `#[derive(Failure)]`: the name of a case, and nothing inside of it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, LitInt, LitStr, Path};

use crate::derive::{implementation, kebab, pattern, renamed, unknown, value, words};
use crate::expand::library;
use crate::function::about;

/// `#[derive(Recordable)]`
pub(crate) fn recordable(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut path: Option<Path> = None;
    words(&input.attrs, "recordable", |word, rest| match word.to_string().as_str() {
        "crate" => {
            path = Some(renamed(word, rest)?);
            Ok(())
        }
        _ => Err(unknown(word, "`crate = path`")),
    })?;
    let library = library(path.as_ref());
    let private = quote!(#library::__private);
    let returned = quote!(#private::Option<#library::event::Value<'static>>);
    let data = match &input.data {
        Data::Enum(data) => data,
        Data::Struct(data) if data.fields.len() == 1 => {
            let member = data.fields.members().next();
            let span = data.fields.iter().next().map_or(input.ident.span(), |it| it.ty.span());
            let recorded = quote_spanned!(span=> #library::command::Recordable::recorded(&self.#member));
            let body = quote!(fn recorded(&self) -> #returned { #recorded });
            return Ok(implementation(&input, path.as_ref(), &quote!(command::Recordable), &body));
        }
        _ => {
            return Err(syn::Error::new(
                input.ident.span(),
                "`Recordable` is derived for enums, and for structs with one field that is recordable",
            ));
        }
    };
    let mut arms = Vec::new();
    let mut cases = Vec::new();
    for variant in &data.variants {
        let mut name = LitStr::new(&kebab(&variant.ident), variant.ident.span());
        words(&variant.attrs, "recordable", |word, rest| match word.to_string().as_str() {
            "rename" => {
                name = value(word, rest)?;
                Ok(())
            }
            _ => Err(unknown(word, "`rename = \"..\"`")),
        })?;
        let pattern = pattern(variant);
        arms.push(quote!(#pattern => #name));
        cases.push(name);
    }
    let body = if arms.is_empty() {
        quote!(fn recorded(&self) -> #returned { match *self {} })
    } else {
        quote!(fn recorded(&self) -> #returned { #private::case(match self { #(#arms),* }) })
    };
    let implementation = implementation(&input, path.as_ref(), &quote!(command::Recordable), &body);
    let (name, about) = (input.ident.to_string(), about(&input.attrs));
    Ok(quote! {
        #implementation
        #private::submit! { #library::schema::Choice::new(#name, #about, &[#(#cases),*]) }
    })
}

/// `#[derive(Failure)]`
pub(crate) fn failure(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut path: Option<Path> = None;
    let mut all = Case { kind: None, code: None };
    words(&input.attrs, "failure", |word, rest| {
        if word == "crate" {
            path = Some(renamed(word, rest)?);
            return Ok(());
        }
        all.read(word, rest, "`kind = \"..\"`, `code = 2` and `crate = path`")
    })?;
    let library = library(path.as_ref());
    let private = quote!(#library::__private);
    let (kind, code) = match &input.data {
        Data::Struct(_) => {
            let kind = all.kind(&input.ident);
            let code = all.code.unwrap_or_else(one);
            (quote!(#kind), quote!(#code))
        }
        Data::Enum(data) => {
            if let Some(kind) = &all.kind {
                return Err(syn::Error::new(
                    kind.span(),
                    "the kind of an enum is its case's: put this on a case",
                ));
            }
            let (mut kinds, mut codes) = (Vec::new(), Vec::new());
            for variant in &data.variants {
                let mut case = Case { kind: None, code: all.code.clone() };
                words(&variant.attrs, "failure", |word, rest| {
                    if word == "code" {
                        case.code = None;
                    }
                    case.read(word, rest, "`kind = \"..\"` and `code = 2`")
                })?;
                let (pattern, kind) = (pattern(variant), case.kind(&variant.ident));
                let code = case.code.unwrap_or_else(one);
                kinds.push(quote!(#pattern => #kind));
                codes.push(quote!(#pattern => #code));
            }
            if kinds.is_empty() {
                (quote!(match *self {}), quote!(match *self {}))
            } else {
                (quote!(match self { #(#kinds),* }), quote!(match self { #(#codes),* }))
            }
        }
        Data::Union(_) => {
            return Err(syn::Error::new(input.ident.span(), "`Failure` is derived for enums and structs"));
        }
    };
    let body = quote! {
        fn kind(&self) -> #private::Cow<'static, str> { #private::borrowed(#kind) }
        #[allow(clippy::match_same_arms)]
        fn exit_code(&self) -> i32 { #code }
        fn message(&self) -> #private::Option<#private::String> {
            use #private::by_type::*;
            (&&Probe(self)).__telemetry_words()
        }
    };
    Ok(implementation(&input, path.as_ref(), &quote!(command::Failure), &body))
}

fn one() -> LitInt {
    LitInt::new("1", proc_macro2::Span::call_site())
}

/// What is said of one case.
struct Case {
    kind: Option<LitStr>,
    code: Option<LitInt>,
}

impl Case {
    fn read(
        &mut self,
        word: &proc_macro2::Ident,
        rest: syn::parse::ParseStream<'_>,
        known: &str,
    ) -> syn::Result<()> {
        match word.to_string().as_str() {
            "kind" => {
                let kind: LitStr = value(word, rest)?;
                if kind.value().trim().is_empty() {
                    return Err(syn::Error::new(kind.span(), "a kind cannot be empty"));
                }
                self.kind = Some(kind);
            }
            "code" => {
                let code: LitInt = value(word, rest)?;
                code.base10_parse::<i32>()?;
                self.code = Some(code);
            }
            _ => return Err(unknown(word, known)),
        }
        Ok(())
    }

    fn kind(&self, ident: &proc_macro2::Ident) -> LitStr {
        self.kind.clone().unwrap_or_else(|| LitStr::new(&kebab(ident), ident.span()))
    }
}

/// Whether a struct's fields have names, or it has none.
pub(crate) fn is_plain(fields: &Fields) -> bool {
    matches!(fields, Fields::Named(_) | Fields::Unit)
}
