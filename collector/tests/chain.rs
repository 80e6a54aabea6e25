//! Thirty asynchronous commands in a row: each is the child of the one before, the future of all grows by
//! the same step with each, and it stays `Send`.
//!
//! Neither is possible by the compiler's own `recursion_limit` of 128. To lay out a chain it goes four
//! steps deep for every state machine that another one holds (`MaybeUninit`, `ManuallyDrop`, `MaybeDangling`,
//! and the machine), and nothing in the language makes that fewer: so 31 plain `async fn`s are its end. What
//! is measured has to be a state machine inside of the one that the author's `async fn` is, because only from
//! outside of it can be seen when it is polled: so it is 15 annotated ones. A wrapper that were not a state
//! machine (which an `async fn` cannot return) would still be a fifth step, and 25. Only a box for every call
//! would cost no step, and an allocation while telemetry is off. What the limit allows is in
//! `chain_default.rs`.
#![forbid(unsafe_code)]
#![recursion_limit = "256"]
#![allow(unused_macros, reason = "each file of tests uses some of them")]

#[path = "chains/links.rs"]
#[macro_use]
mod links;

use links::{is_send, run};

asynchronous!(
    a01 a02 a03 a04 a05 a06 a07 a08 a09 a10 a11 a12 a13 a14 a15
    a16 a17 a18 a19 a20 a21 a22 a23 a24 a25 a26 a27 a28 a29 a30
);

returned!(in a block:
    b01 b02 b03 b04 b05 b06 b07 b08 b09 b10 b11 b12 b13 b14 b15
    b16 b17 b18 b19 b20 b21 b22 b23 b24 b25 b26 b27 b28 b29 b30
);

#[test]
fn each_of_thirty_is_the_child_of_the_one_before_and_they_are_send() {
    assert_eq!(run(30, || is_send(a01(1))), Ok(30));
    assert_eq!(run(30, || is_send(b01(1))), 30);
}

#[test]
fn the_future_of_all_grows_by_the_same_with_each() {
    for [ten, twenty, thirty] in [
        [size_of_val(&a21(1)), size_of_val(&a11(1)), size_of_val(&a01(1))],
        [size_of_val(&b21(1)), size_of_val(&b11(1)), size_of_val(&b01(1))],
    ] {
        assert_eq!(thirty - twenty, twenty - ten, "{ten}, {twenty}, {thirty} bytes");
    }
}
