//! What `#[telemetry::command]` writes.
//!
//! The signature is written back as it was read. The body goes into a block of its own: in place
//! where nothing is returned that could say how the command ended, in a closure that borrows what it
//! can (so that parameters are dropped when they were) where a value is returned, and in an `async
//! move` block where there is a future. Every name that is introduced is invisible to the body,
//! because its span is the macro's.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, LitStr, Path, Type};

use crate::arguments::{Arguments, Recorded};
use crate::function::{Function, about, bindings};
use crate::future::{InPlace, in_place};
use crate::types::{self, Returns};

/// The whole attribute: what it writes, or the errors and the function as it was.
pub(crate) fn command(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(error) => return or_as_it_was(&error, item),
    };
    match syn::parse2::<Arguments>(arguments).and_then(|arguments| expand(&arguments, &function)) {
        Ok(tokens) => tokens,
        Err(error) => or_as_it_was(&error, item),
    }
}

/// An error beside the untouched item, so that nothing else in the crate fails with it.
pub(crate) fn or_as_it_was(error: &syn::Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#item #error)
}

/// A name that the author's code can neither see nor be captured by: its span is the macro's. That does
/// not hold for items (a `let` cannot shadow a `static`, and a `const` turns it into a comparison), so
/// the name is also one that nobody gives to an item.
pub(crate) fn hidden(name: &str) -> Ident {
    Ident::new(&format!("__telemetry_{name}"), Span::mixed_site())
}

fn expand(arguments: &Arguments, function: &Function) -> syn::Result<TokenStream> {
    let library = library(arguments.library.as_ref());
    let measured =
        Measured { arguments, private: quote!(#library::__private), name: name(arguments, function) };
    let body = measured.body(function)?;
    let Function { outer, inner, visibility, signature, body: written } = function;
    // The author's own braces: lints look at where a function ends, and are silent where a macro wrote it.
    let mut braces = Group::new(Delimiter::Brace, quote!(#(#inner)* #body));
    braces.set_span(written.span());
    Ok(quote!(#(#outer)* #visibility #signature #braces))
}

/// Where the library is: `::telemetry`, unless the author renamed it.
pub(crate) fn library(renamed: Option<&Path>) -> TokenStream {
    renamed.map_or_else(|| quote!(::telemetry), ToTokens::to_token_stream)
}

/// The command's name: what the author gave, otherwise the function's with `-` for `_`.
fn name(arguments: &Arguments, function: &Function) -> LitStr {
    arguments.name.clone().unwrap_or_else(|| {
        let ident = &function.signature.ident;
        LitStr::new(&ident.unraw().to_string().trim_matches('_').replace('_', "-"), ident.span())
    })
}

/// What is common to every form of function.
struct Measured<'a> {
    arguments: &'a Arguments,
    /// `::telemetry::__private`
    private: TokenStream,
    name: LitStr,
}

impl Measured<'_> {
    fn body(&self, function: &Function) -> syn::Result<TokenStream> {
        let registration = self.registration(function)?;
        let signature = &function.signature;
        let body = &function.body;
        let measured = if signature.asyncness.is_some() {
            let begin = self.begin("task");
            let awaited = match types::stated(&signature.output) {
                Some(output) => self.awaited(&self.block(Some(&output), &body.stream())),
                None => self.awaited_for_ever(&body.stream()),
            };
            quote!(#begin #awaited)
        } else {
            match types::returns(&signature.output, self.arguments.future) {
                Returns::Nothing => self.nothing(body)?,
                Returns::Value(value) => self.value(&value, body),
                Returns::Future { boxed, output } => {
                    self.future(boxed, output.as_deref(), &signature.output, &body.stream())
                }
            }
        };
        Ok(quote!(#registration #measured))
    }

    /// What makes the command part of the schema when the tool is linked.
    fn registration(&self, function: &Function) -> syn::Result<TokenStream> {
        let Self { private, name, arguments } = self;
        let bound = bindings(&function.signature);
        let mut fields = Vec::new();
        for metadata in &arguments.metadata {
            let (key, value) = (&metadata.key, metadata.value.to_token_stream().to_string());
            fields.push(quote!(#private::Field::metadata(#key, #value)));
        }
        for recorded in &arguments.record {
            let Some((_, written)) = bound.iter().find(|(ident, _)| *ident == recorded.parameter) else {
                return Err(no_such_parameter(recorded, function, &bound));
            };
            let key = recorded.parameter.unraw().to_string();
            let written = written.map_or_else(String::new, types::text);
            fields.push(if recorded.text {
                quote!(#private::Field::text(#key, #written))
            } else {
                quote!(#private::Field::value(#key, #written))
            });
        }
        let about = about(&function.outer);
        let purpose = arguments.purpose.as_ref().map(LitStr::value).unwrap_or_default();
        Ok(quote! {
            #private::submit! { #private::Entry::command(#name, #about, #purpose, &[#(#fields),*]) }
        })
    }

    /// `let mut guard = begin(..);`
    fn begin(&self, kind: &str) -> TokenStream {
        let (guard, begun) = (hidden("guard"), self.begun(kind));
        quote!(let mut #guard = #begun;)
    }

    /// What begins the command: its name, and what is recorded of it as it begins.
    fn begun(&self, kind: &str) -> TokenStream {
        let Self { private, name, arguments } = self;
        if arguments.metadata.is_empty() && arguments.record.is_empty() {
            let kind = Ident::new(kind, Span::call_site());
            return quote!(#private::#kind(#name));
        }
        let metadata = arguments.metadata.iter().map(|it| {
            let (key, value) = (&it.key, &it.value);
            let span = spanned(value);
            quote_spanned!(span=> #private::metadata(#key, &(#value)))
        });
        let record = arguments.record.iter().map(|it| {
            let (parameter, key) = (&it.parameter, it.parameter.unraw().to_string());
            let how = Ident::new(if it.text { "text" } else { "recorded" }, Span::call_site());
            quote_spanned!(parameter.span()=> #private::#how(#key, &#parameter))
        });
        let kind = Ident::new(&format!("{kind}_with"), Span::call_site());
        quote!(#private::#kind(#name, || [#(#metadata,)* #(#record),*]))
    }

    /// A function that returns nothing: its body stays where it is.
    fn nothing(&self, body: &Group) -> syn::Result<TokenStream> {
        if let Some(word) = &self.arguments.exit_code {
            return Err(syn::Error::new(
                word.span(),
                "the function returns nothing that could be an exit code",
            ));
        }
        if let Some(code) = &self.arguments.error_code {
            return Err(syn::Error::new(
                spanned(code),
                "the function returns no error that could have a code",
            ));
        }
        let (guard, begun, body) = (hidden("guard"), self.begun("command"), braced(body));
        Ok(quote!(let #guard = #begun; #body))
    }

    /// A function that returns a value.
    fn value(&self, value: &Type, body: &Group) -> TokenStream {
        let private = &self.private;
        let (begin, out) = (self.begin("command"), hidden("out"));
        let end = self.end("Guard");
        // A closure captures by the edition of its own tokens, and only from 2021 on by place, which is
        // what leaves a body's borrows as they were: so its braces have to be the macro's.
        let block = braced(body);
        quote! {
            #begin
            let #out = #private::call(|| -> #value #block);
            #end
            #out
        }
    }

    /// A function that returns a future, which is what is measured, from its first poll.
    fn future(
        &self,
        boxed: bool,
        output: Option<&Type>,
        written: &syn::ReturnType,
        body: &TokenStream,
    ) -> TokenStream {
        let private = &self.private;
        let [guard, future, out] = ["guard", "future", "out"].map(hidden);
        let begun = self.begun("task");
        // Where its type does not say what it resolves to, the block alone might not either.
        let block = output.and_then(|_| in_place(body, boxed));
        let made = if let Some(InPlace { before, block }) = block {
            let block = self.block(output, &block);
            quote!(#before let #future = #block;)
        } else {
            let returned = match types::returns(written, false) {
                Returns::Value(value) => value.to_token_stream(),
                _ if boxed => match written {
                    syn::ReturnType::Type(_, written) => written.to_token_stream(),
                    syn::ReturnType::Default => quote!(()),
                },
                _ => quote!(_),
            };
            quote!(let #future = #private::call(|| -> #returned { #body });)
        };
        let report = self.report(&out.to_token_stream());
        let measured = quote! {
            let #guard = #begun;
            #made
            #private::measured(#guard, #future, move |#out| {
                use #private::by_type::*;
                #report
            })
        };
        if !boxed {
            return measured;
        }
        // In `{..}` first, so that statements before the block stay statements.
        quote!(#private::Box::pin({ #measured }))
    }

    /// The author's code as a future. What it returns is fixed first, so that a wrong type is
    /// reported where it is written, as in a plain `async fn`.
    fn block(&self, output: Option<&Type>, body: &TokenStream) -> TokenStream {
        let private = &self.private;
        let edge = output.filter(|it| !matches!(it, Type::Infer(_))).map(|output| {
            let value = hidden("value");
            quote! {
                if let #private::Some(#value) = #private::edge::<#output>() {
                    return #value;
                }
            }
        });
        quote!(async move { #edge #body })
    }

    /// A future polled to its end, inside the command.
    fn awaited(&self, future: &TokenStream) -> TokenStream {
        let private = &self.private;
        let (guard, out) = (hidden("guard"), hidden("out"));
        let end = self.end("Command");
        quote! {
            let #out = #private::poll(&mut #guard, #private::pin!(#future)).await;
            #end
            #out
        }
    }

    /// A future that never ends: only a panic or its being dropped is seen. It is given `()` for a type,
    /// because `!` is not allowed as one yet.
    fn awaited_for_ever(&self, body: &TokenStream) -> TokenStream {
        let (private, guard) = (&self.private, hidden("guard"));
        let block = self.block(Some(&syn::parse_quote!(())), body);
        quote! {
            #private::poll(&mut #guard, #private::pin!(#block)).await;
            loop {}
        }
    }

    /// Ends the command, if it is recorded. By paths, not by methods: a method of the author's that every
    /// type has would be found first.
    fn end(&self, held: &str) -> TokenStream {
        let private = &self.private;
        let (guard, out) = (hidden("guard"), hidden("out"));
        let held = Ident::new(held, Span::call_site());
        let report = self.report(&quote!(&#out));
        quote! {
            if #private::#held::is_on(&#guard) {
                use #private::by_type::*;
                #held::end(&mut #guard, #report);
            }
        }
    }

    /// How it ended, by the type of what it returned. Where it stands, what is in `by_type` is in scope, and
    /// nearer than anything of the author's.
    fn report(&self, returned: &TokenStream) -> TokenStream {
        let private = &self.private;
        let [value, error] = ["value", "error"].map(hidden);
        let on_value = self.arguments.exit_code.as_ref().map_or_else(
            || quote!((&&&Probe(#value)).__telemetry_value()),
            |word| {
                let value = Ident::new(&value.to_string(), Span::mixed_site().located_at(word.span()));
                quote_spanned!(word.span()=> #private::exit_code(#value))
            },
        );
        let on_error = quote!((&&&&Probe(#error)).__telemetry_error());
        let on_error = self.arguments.error_code.as_ref().map_or_else(
            || on_error.clone(),
            |code| {
                let by = match code {
                    Expr::Closure(_) => quote!(code_by),
                    _ => quote!(code),
                };
                let code = quote_spanned!(spanned(code)=> #private::#by(#code, #error));
                quote!(Report::code(#on_error, #code))
            },
        );
        quote! {
            match (&Probe(#returned)).__telemetry_parts() {
                Ok(#value) => #on_value,
                Err(#error) => #on_error,
            }
        }
    }
}

/// A body in braces of the macro's own, so that no lint sees braces that the author need not have
/// written.
pub(crate) fn braced(body: &Group) -> Group {
    let mut block = Group::new(body.delimiter(), body.stream());
    block.set_span(Span::call_site().located_at(body.span()));
    block
}

fn spanned(tokens: &impl ToTokens) -> Span {
    syn::spanned::Spanned::span(tokens)
}

fn no_such_parameter(
    recorded: &Recorded,
    function: &Function,
    bound: &[(Ident, Option<&Type>)],
) -> syn::Error {
    let names: Vec<String> = bound.iter().map(|(ident, _)| format!("`{ident}`")).collect();
    let has =
        if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
    syn::Error::new(
        recorded.parameter.span(),
        format!("`{}` is not a parameter of `{}`: {has}", recorded.parameter, function.signature.ident),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::TokenTree;

    fn count(tokens: TokenStream) -> usize {
        tokens.into_iter().fold(0, |sum, token| match token {
            TokenTree::Group(group) => sum + 2 + count(group.stream()),
            _ => sum + 1,
        })
    }

    /// How many tokens the attribute adds to a function.
    fn added(arguments: TokenStream, function: TokenStream) -> usize {
        count(command(arguments, function.clone())) - count(function)
    }

    #[test]
    fn the_expansion_stays_small() {
        let nothing: TokenStream = "fn build() { run(); }".parse().expect("it is Rust");
        let value: TokenStream =
            "fn build(fast: bool) -> Result<(), Error> { run(fast)?; Ok(()) }".parse().expect("it is Rust");
        let future: TokenStream = "async fn build(fast: bool) -> Result<(), Error> { run(fast).await }"
            .parse()
            .expect("it is Rust");
        let facts = quote!(name = "a/b", record(fast), metadata(a = 1));
        for (what, most, added) in [
            ("nothing returned", 60, added(quote!(), nothing)),
            ("a value", 190, added(quote!(), value.clone())),
            ("a value, with a name and facts", 265, added(facts, value)),
            ("a future", 240, added(quote!(), future)),
        ] {
            assert!(added <= most, "{what}: {added} tokens, and {most} are the most there should be");
        }
    }

    #[test]
    fn a_function_is_written_back_as_it_was() {
        let function = quote! {
            #[doc = "Builds."]
            #[inline]
            pub(crate) unsafe extern "C" fn build<'a, T: Copy, const N: usize>(self: &'a mut Self, (a, _): (T, u8)) -> &'a T
            where
                T: Send,
            { todo!() }
        };
        let written = command(quote!(), function.clone()).to_string();
        let signature = function.to_string();
        let signature = signature.split(" { todo").next().unwrap_or_default();
        assert!(written.starts_with(signature), "{written}");
    }

    #[test]
    fn an_error_leaves_the_function_in_place() {
        let function = quote!(
            fn build() {}
        );
        let written = command(quote!(nmae = "a"), function.clone()).to_string();
        assert!(written.starts_with(&function.to_string()) && written.contains("compile_error"), "{written}");
    }

    #[test]
    fn the_library_under_another_name_is_the_only_one_that_is_named() {
        let written = command(
            quote!(crate = usage),
            quote!(
                fn build(a: u8) -> Result<u8, u8> {
                    Ok(a)
                }
            ),
        );
        let words = written.to_string();
        assert!(!words.split_whitespace().any(|it| it == "telemetry"), "{words}");
    }
}
