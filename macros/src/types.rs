//! What a written type says about how a function ends.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    AssocType, GenericArgument, PathArguments, ReturnType, Token, Type, TypeInfer, TypeParamBound, TypePath,
};

/// What a function's written return type means for the attribute.
pub(crate) enum Returns {
    /// Nothing that could say how it ended: no type, `()` or `!`.
    Nothing,
    /// A value, of this type with every `impl Trait` in it replaced by `_`.
    Value(Box<Type>),
    /// A future, that begins when it is first polled.
    Future {
        /// Whether it has to be boxed again.
        boxed: bool,
        /// What it resolves to, where the type says so.
        output: Option<Box<Type>>,
    },
}

/// Reads a return type. `future` is the author's word that it is a boxed future under a name that
/// only the author knows.
pub(crate) fn returns(output: &ReturnType, future: bool) -> Returns {
    let ReturnType::Type(_, written) = output else { return Returns::Nothing };
    match plain(written) {
        Type::Never(_) => return Returns::Nothing,
        Type::Tuple(tuple) if tuple.elems.is_empty() => return Returns::Nothing,
        Type::ImplTrait(it) => {
            if let Some(output) = future_output(&it.bounds) {
                return Returns::Future { boxed: false, output };
            }
        }
        Type::Path(path) => {
            if let Some(output) = boxed_future(path) {
                return Returns::Future { boxed: true, output };
            }
        }
        _ => {}
    }
    if future {
        return Returns::Future { boxed: true, output: None };
    }
    let mut erased = written.clone();
    erase(&mut erased);
    Returns::Value(erased)
}

/// What an `async fn` resolves to, with every `impl Trait` in it replaced by `_`; `None` for `!`.
pub(crate) fn stated(output: &ReturnType) -> Option<Type> {
    match output {
        ReturnType::Default => Some(syn::parse_quote!(())),
        ReturnType::Type(_, written) => stated_type(written),
    }
}

/// [`stated`], of a type.
fn stated_type(written: &Type) -> Option<Type> {
    if matches!(plain(written), Type::Never(_)) {
        return None;
    }
    let mut erased = written.clone();
    erase(&mut erased);
    Some(erased)
}

/// The type inside parentheses and invisible groups.
fn plain(mut written: &Type) -> &Type {
    loop {
        written = match written {
            Type::Paren(inner) => &inner.elem,
            Type::Group(inner) => &inner.elem,
            other => return other,
        };
    }
}

/// `Some` if one of the bounds is `Future`; inside, what it says of `Output`.
fn future_output(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Option<Option<Box<Type>>> {
    let last = bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|last| last.ident == "Future"),
        _ => None,
    })?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Some(None) };
    Some(arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == "Output" => {
            stated_type(ty).map(Box::new)
        }
        _ => None,
    }))
}

/// `Pin<Box<dyn Future<..>>>`, and what the `futures` crate calls `BoxFuture` and `LocalBoxFuture`.
fn boxed_future(path: &TypePath) -> Option<Option<Box<Type>>> {
    let last = path.path.segments.last()?;
    let mut arguments = match &last.arguments {
        PathArguments::AngleBracketed(it) => it.args.iter(),
        _ => return None,
    };
    let types = |argument: &GenericArgument| match argument {
        GenericArgument::Type(it) => Some(it.clone()),
        _ => None,
    };
    if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
        return Some(arguments.find_map(types).as_ref().and_then(stated_type).map(Box::new));
    }
    if last.ident != "Pin" {
        return None;
    }
    let Type::Path(inner) = plain(&arguments.find_map(types)?).clone() else { return None };
    let inner = inner.path.segments.last().filter(|it| it.ident == "Box")?.clone();
    let PathArguments::AngleBracketed(arguments) = inner.arguments else { return None };
    match plain(&arguments.args.iter().find_map(types)?) {
        Type::TraitObject(object) => future_output(&object.bounds),
        _ => None,
    }
}

/// Replaces every `impl Trait` by `_`: a closure's return type may not name one.
fn erase(written: &mut Type) {
    match written {
        Type::ImplTrait(_) => {
            *written = Type::Infer(TypeInfer { attrs: Vec::new(), underscore_token: <Token![_]>::default() });
        }
        Type::Array(it) => erase(&mut it.elem),
        Type::Group(it) => erase(&mut it.elem),
        Type::Paren(it) => erase(&mut it.elem),
        Type::Ptr(it) => erase(&mut it.elem),
        Type::Reference(it) => erase(&mut it.elem),
        Type::Slice(it) => erase(&mut it.elem),
        Type::Tuple(it) => it.elems.iter_mut().for_each(erase),
        Type::Path(it) => {
            for segment in &mut it.path.segments {
                let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { continue };
                for argument in &mut arguments.args {
                    match argument {
                        GenericArgument::Type(inner) => erase(inner),
                        GenericArgument::AssocType(inner) => erase(&mut inner.ty),
                        _ => {}
                    }
                }
            }
        }
        _ => {}
    }
}

/// A type as a reader would write it: the compiler's spacing between tokens taken out.
pub(crate) fn text(written: &Type) -> String {
    compact(&written.to_token_stream())
}

fn compact(tokens: &TokenStream) -> String {
    let mut text = tokens.to_string();
    for (loose, tight) in [
        (" :: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" ,", ","),
        ("( ", "("),
        (" )", ")"),
        ("[ ", "["),
        (" ]", "]"),
    ] {
        text = text.replace(loose, tight);
    }
    text
}
