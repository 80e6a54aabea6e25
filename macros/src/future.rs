//! Where the future is made in a function that returns one.
//!
//! Where a body is called to make its future, the compiler does not know from the function's type what
//! the future resolves to. So the usual forms, an `async move` block or one in `Box::pin` as the last
//! expression (what `async_trait` writes), are written back in place, where it can be said.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Block, Expr, ExprAsync, Stmt};

/// A function's body, taken apart.
pub(crate) struct InPlace {
    /// What runs when the function is called.
    pub(crate) before: TokenStream,
    /// What runs when the future is polled.
    pub(crate) block: TokenStream,
}

/// Finds the `async move` block that a body ends with; `None` if it does not end with one.
pub(crate) fn in_place(body: &TokenStream, boxed: bool) -> Option<InPlace> {
    let mut statements =
        (|input: ParseStream<'_>| input.call(Block::parse_within)).parse2(body.clone()).ok()?;
    let Some(Stmt::Expr(tail, None)) = statements.pop() else { return None };
    // An earlier `return` of a boxed future would go past what measures the last one.
    if boxed && !statements.is_empty() {
        return None;
    }
    let block = match tail {
        Expr::Async(block) if !boxed => block,
        Expr::Call(mut call) if boxed && is_box_pin(&call.func) && call.args.len() == 1 => {
            match call.args.pop()? {
                Expr::Async(block) => block,
                _ => return None,
            }
        }
        _ => return None,
    };
    let ExprAsync { attrs, capture: Some(_), block, .. } = block else { return None };
    if !attrs.is_empty() {
        return None;
    }
    let inside = &block.stmts;
    Some(InPlace { before: quote!(#(#statements)*), block: quote!(#(#inside)*) })
}

fn is_box_pin(function: &Expr) -> bool {
    let Expr::Path(path) = function else { return false };
    let mut segments = path.path.segments.iter().rev();
    segments.next().is_some_and(|it| it.ident == "pin") && segments.next().is_some_and(|it| it.ident == "Box")
}
