//! `#[derive(Event)]`: an event that is declared once, each field with a purpose and a class.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Field, LitStr, Path};

use crate::arguments::{check_key, check_name};
use crate::derive::{implementation, kebab, renamed, unknown, value, words};
use crate::derive_values::is_plain;
use crate::expand::{hidden, library};
use crate::function::about;
use crate::types;

/// The classes, with the names of their cases in the library.
const CLASSES: [(&str, &str); 5] = [
    ("usage", "Usage"),
    ("performance", "Performance"),
    ("environment", "Environment"),
    ("diagnostic", "Diagnostic"),
    ("content", "Content"),
];

/// The derive.
pub(crate) fn event(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let about_event = Event::read(&input)?;
    let library = library(about_event.library.as_ref());
    let private = quote!(#library::__private);
    let fields = match &input.data {
        Data::Struct(data) if is_plain(&data.fields) => &data.fields,
        _ => {
            return Err(syn::Error::new(
                input.ident.span(),
                "`Event` is derived for structs with named fields, or none",
            ));
        }
    };
    let (mut declared, mut recorded) = (Vec::new(), Vec::new());
    let with_extended = hidden("extended");
    let mut keys: Vec<String> = Vec::new();
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let Some(facts) = Facts::read(field, ident)? else { continue };
        let Facts { key, purpose, class, text, extended } = facts;
        if keys.contains(&key.value()) {
            return Err(syn::Error::new(
                key.span(),
                format!("`{}` is recorded twice: keys are unique", key.value()),
            ));
        }
        keys.push(key.value());
        let (about, written) = (about(&field.attrs), types::text(&field.ty));
        declared.push(quote! {
            #private::Field::declared(#key, #written, #text, #about, #purpose, #private::Class::#class, #extended)
        });
        let how = Ident::new(if text { "text" } else { "recorded" }, Span::call_site());
        let span = syn::spanned::Spanned::span(&field.ty);
        let how = quote::quote_spanned!(span=> #private::#how(#key, &self.#ident));
        recorded.push(if extended {
            quote!(if #with_extended { #how } else { #private::Option::None })
        } else {
            how
        });
    }
    let Event { kind, name, purpose, extended, .. } = &about_event;
    let about = about(&input.attrs);
    let entry = quote! {
        #private::Entry::event(#kind, #name, #about, #purpose, #extended, &[#(#declared),*])
    };
    let body = quote! {
        const ENTRY: #private::Entry = #entry;
        fn attributes(&self, #with_extended: bool) -> #private::Vec<#library::event::Attribute<'static>> {
            let _ = #with_extended;
            #private::gathered([#(#recorded),*])
        }
    };
    let implementation = implementation(&input, about_event.library.as_ref(), &quote!(Declared), &body);
    Ok(quote!(#implementation #private::submit! { #entry }))
}

/// What `#[event(..)]` says.
struct Event {
    kind: LitStr,
    name: LitStr,
    purpose: LitStr,
    extended: bool,
    library: Option<Path>,
}

impl Event {
    fn read(input: &DeriveInput) -> syn::Result<Self> {
        let (mut kind, mut name, mut purpose, mut library) = (None, None, None, None);
        let mut extended = false;
        words(&input.attrs, "event", |word, rest| {
            match word.to_string().as_str() {
                "kind" => kind = Some(value::<LitStr>(word, rest)?),
                "name" => {
                    let given: LitStr = value(word, rest)?;
                    check_name(&given)?;
                    name = Some(given);
                }
                "purpose" => purpose = Some(text(word, rest)?),
                "extended" => extended = true,
                "crate" => library = Some(renamed(word, rest)?),
                _ => {
                    return Err(unknown(word, "`kind`, `name`, `purpose`, `extended` and `crate`"));
                }
            }
            Ok(())
        })?;
        let ident = &input.ident;
        let kind = kind.unwrap_or_else(|| LitStr::new("feature.used", ident.span()));
        check_key(&kind.value(), kind.span())?;
        let purpose = purpose.ok_or_else(|| {
            syn::Error::new(
                ident.span(),
                format!("`{ident}` needs a purpose: `#[event(purpose = \"why it is recorded\")]`"),
            )
        })?;
        let name = name.unwrap_or_else(|| LitStr::new(&kebab(ident), ident.span()));
        Ok(Self { kind, name, purpose, extended, library })
    }
}

/// What `#[field(..)]` says.
struct Facts {
    key: LitStr,
    purpose: LitStr,
    /// The case of the library's `Class`.
    class: Ident,
    text: bool,
    extended: bool,
}

impl Facts {
    /// `None` for a field that is skipped.
    fn read(field: &Field, ident: &Ident) -> syn::Result<Option<Self>> {
        let (mut key, mut purpose, mut class) = (None, None, None);
        let (mut is_text, mut extended, mut skip) = (false, false, false);
        words(&field.attrs, "field", |word, rest| {
            match word.to_string().as_str() {
                "key" => key = Some(value::<LitStr>(word, rest)?),
                "purpose" => purpose = Some(text(word, rest)?),
                "class" => class = Some(class_of(&value(word, rest)?)?),
                "text" => is_text = true,
                "extended" => extended = true,
                "skip" => skip = true,
                _ => {
                    return Err(unknown(word, "`purpose`, `class`, `key`, `text`, `extended` and `skip`"));
                }
            }
            Ok(())
        })?;
        if skip {
            return Ok(None);
        }
        let example = "`#[field(purpose = \"why\", class = \"usage\")]`";
        let missing = |what: &str| {
            syn::Error::new(ident.span(), format!("`{}` needs {what}: {example}", ident.unraw()))
        };
        let purpose = purpose.ok_or_else(|| missing("a purpose"))?;
        let class = class.ok_or_else(|| missing("a class"))?;
        let key = key.unwrap_or_else(|| LitStr::new(&ident.unraw().to_string(), ident.span()));
        check_key(&key.value(), key.span())?;
        Ok(Some(Self { key, purpose, class, text: is_text, extended }))
    }
}

fn class_of(given: &LitStr) -> syn::Result<Ident> {
    let found = CLASSES.iter().find(|(word, _)| *word == given.value());
    found.map(|(_, case)| Ident::new(case, Span::call_site())).ok_or_else(|| {
        let known: Vec<String> = CLASSES.iter().map(|(word, _)| format!("`{word}`")).collect();
        syn::Error::new(given.span(), format!("unknown class: there are {}", known.join(", ")))
    })
}

/// A string that says something.
fn text(word: &Ident, rest: syn::parse::ParseStream<'_>) -> syn::Result<LitStr> {
    let given: LitStr = value(word, rest)?;
    if given.value().trim().is_empty() {
        return Err(syn::Error::new(given.span(), format!("`{word}` cannot be empty")));
    }
    Ok(given)
}
