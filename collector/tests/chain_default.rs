//! How long a chain of commands that are futures may be by the compiler's own `recursion_limit`: see
//! `chain.rs` for why it is not longer.
#![forbid(unsafe_code)]

#[path = "chains/links.rs"]
#[macro_use]
mod links;

use links::{is_send, run};
use telemetry::command::future;

asynchronous!(a01 a02 a03 a04 a05 a06 a07 a08 a09 a10 a11 a12 a13 a14 a15);

returned!(in a block:
    b01 b02 b03 b04 b05 b06 b07 b08 b09 b10 b11 b12 b13 b14 b15 b16 b17 b18 b19 b20 b21 b22 b23 b24 b25
);

returned!(as it is:
    r01 r02 r03 r04 r05 r06 r07 r08 r09 r10 r11 r12 r13 r14 r15
    r16 r17 r18 r19 r20 r21 r22 r23 r24 r25 r26 r27 r28 r29 r30
);

#[test]
fn fifteen_async_functions_in_a_row_are_send() {
    assert_eq!(run(15, || is_send(a01(1))), Ok(15));
}

#[test]
fn twenty_five_that_return_a_block_are_send() {
    assert_eq!(run(25, || is_send(b01(1))), 25);
}

#[test]
fn thirty_that_return_the_future_of_the_next_are_send() {
    assert_eq!(run(30, || is_send(r01(1))), 30);
}

#[test]
fn a_future_that_is_returned_as_it_is_is_held_once() {
    let (ten, twenty, thirty) = (size_of_val(&r21(1)), size_of_val(&r11(1)), size_of_val(&r01(1)));
    assert_eq!(thirty - twenty, twenty - ten, "{ten}, {twenty}, {thirty} bytes");
}

#[test]
fn a_future_by_hand_is_held_once() {
    let one = future("a", std::future::ready(String::new()));
    let first = size_of_val(&one);
    let two = future("b", one);
    let second = size_of_val(&two);
    let three = future("c", two);
    assert_eq!(size_of_val(&three) - second, second - first, "{first}, {second} bytes");
    drop(three);
}
