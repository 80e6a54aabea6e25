//! Traps of each sort, and what comes after them.

use super::*;

#[test]
fn a_trap_of_each_sort_is_a_named_failure() {
    for (code, why) in [
        ("(unreachable)", "unreachable"),
        ("(i32.div_u (i32.const 1) (i32.const 0))", "divide by zero"),
        ("(i32.load (i32.const -4))", "out of bounds memory access"),
        ("(i32.trunc_f64_s (f64.const 1e300))", "overflow"),
        ("(call_indirect $none (result i32) (i32.const 0))", "uninitialized"),
        ("(call_indirect $none (result i32) (i32.const 99))", "out of bounds"),
    ] {
        let guest = Guest::with(|guest| {
            guest.items = "(table $none 1 funcref)".into();
            guest.send = Some(code.into());
        });
        let text = stopped(&guest);
        assert!(text.starts_with("the component failed in `send`: ") && text.contains(why), "{code}: {text}");
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
    let outcomes: Vec<bool> = (0..6).map(|_| backend.send(&batch(1), &context()).is_ok()).collect();
    assert_eq!(outcomes, [true, false, true, false, true, false]);
}

#[test]
fn a_component_that_always_fails_is_left_alone_after_three_times() {
    let mut backend = start(&Guest::sending("(unreachable)")).unwrap();
    for _ in 0..3 {
        assert!(matches!(backend.send(&batch(1), &context()), Err(CallError::Trapped { .. })));
    }
    let text = backend.send(&batch(1), &context()).unwrap_err().to_string();
    assert!(
        text.starts_with("the component is not called any more after 3 failures in a row; the last: "),
        "{text}"
    );
}

#[test]
fn calling_out_while_the_host_hands_over_memory_is_stopped() {
    let guest = Guest::with(|guest| {
        guest.items = "(global $calls (mut i32) (i32.const 0))".into();
        guest.in_realloc = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (call $request)))"
            .into();
    });
    assert!(stopped(&guest).contains("cannot leave component instance"));
}
