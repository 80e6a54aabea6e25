//! A function as the attributes see it: its signature parsed, its body left as tokens.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, FnArg, Lit, Meta, Pat, Signature, Token, Type, Visibility, braced};

/// What stands under an attribute.
pub(crate) struct Function {
    /// Attributes before it, documentation included.
    pub(crate) outer: Vec<Attribute>,
    /// `#![..]` at the top of its body.
    pub(crate) inner: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// The body's braces and what is in them, inner attributes aside.
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let outer = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        refuse_what_is_no_function(input)?;
        let signature: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(syn::Error::new(
                signature.ident.span(),
                "a function without a body cannot be measured: put the attribute on its implementations",
            ));
        }
        if let Some(constness) = signature.constness {
            return Err(syn::Error::new(
                constness.span(),
                "a `const fn` cannot be a command: it may run while the tool is compiled",
            ));
        }
        if let Some(variadic) = &signature.variadic {
            return Err(syn::Error::new(
                variadic.span(),
                "a function with variadic arguments cannot be a command",
            ));
        }
        // Not a `Group`: a macro that passes a `block` on puts it into one without delimiters.
        let statements;
        let braces = braced!(statements in input);
        let (inner, statements) = after_inner_attributes(&statements)?;
        let mut group = Group::new(Delimiter::Brace, statements);
        group.set_span(braces.span.join());
        Ok(Self { outer, inner, visibility, signature, body: group })
    }
}

/// A body's inner attributes, and what follows them.
fn after_inner_attributes(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, TokenStream)> {
    Ok((input.call(Attribute::parse_inner)?, input.parse()?))
}

fn refuse_what_is_no_function(input: ParseStream<'_>) -> syn::Result<()> {
    let ahead = input.fork();
    let first = loop {
        match ahead.parse::<TokenTree>() {
            Ok(TokenTree::Ident(it)) => {
                let word = it.to_string();
                match word.as_str() {
                    "fn" => return Ok(()),
                    "const" | "async" | "unsafe" | "extern" => {
                        // `const X: ..` and `unsafe impl` are told from qualifiers by what follows.
                        if !(ahead.peek(Token![fn])
                            || ahead.peek(Token![async])
                            || ahead.peek(Token![unsafe])
                            || ahead.peek(Token![extern])
                            || ahead.peek(syn::LitStr))
                        {
                            break it;
                        }
                    }
                    _ => break it,
                }
            }
            Ok(TokenTree::Literal(_)) => {}
            _ => return Err(input.error("this attribute goes on a function")),
        }
    };
    let what = match first.to_string().as_str() {
        "impl" => "this attribute goes on the functions inside an `impl` block, not on the block",
        "trait" => "this attribute goes on the functions that implement a trait, not on the trait",
        "mod" => "this attribute goes on the functions inside a module, not on the module",
        _ => "this attribute goes on a function",
    };
    Err(syn::Error::new(first.span(), what))
}

/// What a parameter list binds: the name, and the type where the pattern is a plain name.
pub(crate) fn bindings(signature: &Signature) -> Vec<(Ident, Option<&Type>)> {
    let mut found = Vec::new();
    for input in &signature.inputs {
        if let FnArg::Typed(typed) = input {
            match &*typed.pat {
                Pat::Ident(plain) if plain.subpat.is_none() => {
                    found.push((plain.ident.clone(), Some(&*typed.ty)));
                }
                other => bound_by(other, &mut |ident| found.push((ident.clone(), None))),
            }
        }
    }
    found
}

fn bound_by(pattern: &Pat, found: &mut dyn FnMut(&Ident)) {
    match pattern {
        Pat::Ident(it) => {
            found(&it.ident);
            if let Some((_, inner)) = &it.subpat {
                bound_by(inner, found);
            }
        }
        Pat::Paren(it) => bound_by(&it.pat, found),
        Pat::Reference(it) => bound_by(&it.pat, found),
        Pat::Slice(it) => it.elems.iter().for_each(|one| bound_by(one, found)),
        Pat::Struct(it) => it.fields.iter().for_each(|one| bound_by(&one.pat, found)),
        Pat::Tuple(it) => it.elems.iter().for_each(|one| bound_by(one, found)),
        Pat::TupleStruct(it) => it.elems.iter().for_each(|one| bound_by(one, found)),
        Pat::Type(it) => bound_by(&it.pat, found),
        _ => {}
    }
}

/// The first paragraph of a documentation comment, on one line: empty if there is none.
pub(crate) fn about(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        if !pair.path.is_ident("doc") {
            continue;
        }
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value else { continue };
        for line in line.value().split('\n') {
            let line = line.trim();
            if line.is_empty() {
                if !text.is_empty() {
                    return text;
                }
                continue;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text
}
