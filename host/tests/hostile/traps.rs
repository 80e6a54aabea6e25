//! Traps of each sort, and what comes after them.

use super::*;

#[test]
fn a_trap_of_each_sort_is_a_named_failure() {
    for (code, why) in [
        ("(unreachable)", UNREACHABLE),
        ("(i32.div_u (i32.const 1) (i32.const 0))", "wasm trap: integer divide by zero"),
        ("(i32.load (i32.const -4))", "wasm trap: out of bounds memory access"),
        ("(i32.trunc_f64_s (f64.const 1e300))", "wasm trap: integer overflow"),
        ("(call_indirect $none (result i32) (i32.const 0))", "wasm trap: uninitialized element"),
        (
            "(call_indirect $none (result i32) (i32.const 99))",
            "wasm trap: undefined element: out of bounds table access",
        ),
    ] {
        let guest = Guest::with(|guest| {
            guest.items = "(table $none 1 funcref)".into();
            guest.send = Some(code.into());
        });
        let trapped = CallError::Trapped { call: "send", reason: why.into() };
        assert_eq!(send(&guest), Err(trapped), "{code}");
    }
}

#[test]
fn after_a_trap_the_next_call_has_a_fresh_instance() {
    let guest = Guest::with(|guest| {
        guest.items = "(global $calls (mut i32) (i32.const 0))".into();
        guest.send = Some(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (if (i32.eq (global.get $calls) (i32.const 2)) (then (unreachable)))
             (call $request) (call $answer)"
                .into(),
        );
    });
    let mut backend = start(&guest).unwrap();
    for _ in 0..3 {
        assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
        let trapped = CallError::Trapped { call: "send", reason: UNREACHABLE.into() };
        assert_eq!(backend.send(&batch(1), &context()), Err(trapped));
    }
}

#[test]
fn a_trap_in_erase_is_a_named_failure_and_the_next_call_has_a_fresh_instance() {
    let guest = Guest::with(|guest| {
        guest.items = "(global $spoilt (mut i32) (i32.const 0))".into();
        guest.erase = Some("(global.set $spoilt (i32.const 1)) (unreachable)".into());
        guest.send = Some(
            "(if (global.get $spoilt) (then (drop (i32.div_u (i32.const 1) (i32.const 0)))))
             (call $request) (call $answer)"
                .into(),
        );
    });
    let mut backend = start(&guest).unwrap();
    for _ in 0..3 {
        let trapped = CallError::Trapped { call: "erase", reason: UNREACHABLE.into() };
        assert_eq!(backend.erase(&["0123456789abcdef".into()], &context()), Err(trapped));
        assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    }
}

#[test]
fn a_component_that_always_fails_is_left_alone_after_three_times() {
    let mut backend = start(&Guest::sending("(unreachable)")).unwrap();
    for _ in 0..3 {
        let trapped = CallError::Trapped { call: "send", reason: UNREACHABLE.into() };
        assert_eq!(backend.send(&batch(1), &context()), Err(trapped));
    }
    let broken = CallError::Broken { failures: 3, last: failed(UNREACHABLE) };
    assert_eq!(backend.send(&batch(1), &context()), Err(broken));
}

#[test]
fn calling_out_while_the_host_hands_over_memory_is_stopped() {
    let guest = Guest::with(|guest| {
        guest.items = "(global $calls (mut i32) (i32.const 0))".into();
        guest.in_realloc = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (call $request)))"
            .into();
    });
    assert_eq!(stopped(&guest), failed("wasm trap: cannot leave component instance"));
}
