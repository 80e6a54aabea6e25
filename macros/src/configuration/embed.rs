//! The form in which a configuration is embedded: the library's own `Found`, as a constant.
//!
//! Each array and each table is a `static` of its own: what a constant holds by reference may not need to be
//! dropped, and the library's type, which can also own what it holds, does.

use super::read::{Found, Value};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

/// An expression of the type `&'static Found`. `library` is the path of the library.
pub(super) fn found(library: &TokenStream, found: &Found) -> TokenStream {
    let mut writer = Writer { private: quote!(#library::__private), statics: Vec::new() };
    let whole = writer.found(found);
    let Writer { private, statics } = writer;
    quote!({
        #(#statics)*
        static FOUND: #private::Found = #whole;
        &FOUND
    })
}

struct Writer {
    private: TokenStream,
    statics: Vec<TokenStream>,
}

impl Writer {
    fn found(&mut self, found: &Found) -> TokenStream {
        let (private, line) = (self.private.clone(), u32::try_from(found.line).unwrap_or(u32::MAX));
        let value = self.value(&found.value);
        quote!(#private::Found { line: #line, value: #private::FoundValue::#value })
    }

    fn value(&mut self, value: &Value) -> TokenStream {
        let private = self.private.clone();
        match value {
            Value::Truth(it) => quote!(Truth(#it)),
            Value::Text(it) => quote!(Text(#private::Cow::Borrowed(#it))),
            Value::Whole(it) => quote!(Whole(#it)),
            Value::Number(it) if it.is_finite() => quote!(Number(#it)),
            // No literal says these.
            Value::Number(it) => {
                let bits = Literal::u64_suffixed(it.to_bits());
                quote!(Number(f64::from_bits(#bits)))
            }
            Value::Time(it) => quote!(Time(#private::Cow::Borrowed(#it))),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|it| self.found(it)).collect();
                let array = self.array(quote!(#private::Found), &items);
                quote!(Array(#private::Cow::Borrowed(&#array)))
            }
            Value::Table(pairs) => {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(key, found)| {
                        let found = self.found(found);
                        quote!((#private::Cow::Borrowed(#key), #found))
                    })
                    .collect();
                let array = self.array(quote!(#private::FoundPair), &pairs);
                quote!(Table(#private::Cow::Borrowed(&#array)))
            }
        }
    }

    fn array(&mut self, of: TokenStream, items: &[TokenStream]) -> Ident {
        let name = Ident::new(&format!("FOUND_{}", self.statics.len()), Span::call_site());
        let length = items.len();
        self.statics.push(quote!(static #name: [#of; #length] = [#(#items),*];));
        name
    }
}
