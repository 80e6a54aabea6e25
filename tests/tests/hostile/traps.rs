//! Traps of each sort, in each export, and where the component is called back.

use super::{Guest, case, contained};

fn trapping(code: &str) -> Vec<u8> {
    Guest::with(|it| {
        it.items = "(table $none 1 funcref)".into();
        it.send = Some(code.into());
    })
}

#[test]
fn a_component_that_traps_while_it_sends() {
    contained([
        case(trapping("(unreachable)"), "failed in `send`: wasm trap: wasm `unreachable`"),
        case(trapping("(i32.div_u (i32.const 1) (i32.const 0))"), "divide by zero"),
        case(trapping("(i32.load (i32.const -4))"), "out of bounds memory access"),
        case(trapping("(i32.trunc_f64_s (f64.const 1e300))"), "overflow"),
        case(trapping("(call_indirect $none (result i32) (i32.const 0))"), "uninitialized"),
        case(trapping("(call_indirect $none (result i32) (i32.const 99))"), "out of bounds"),
    ]);
}

#[test]
fn a_component_that_traps_before_it_sends() {
    contained([
        case(Guest::with(|it| it.in_describe = "(unreachable)".into()), "failed in `describe`"),
        case(Guest::with(|it| it.in_configure = "(unreachable)".into()), "failed in `configure`"),
        case(
            Guest::with(|it| it.items = "(func $start (unreachable)) (start $start)".into()),
            "failed in `instantiation`",
        ),
    ]);
}

#[test]
fn a_component_that_calls_out_while_it_is_handed_its_batch() {
    let guest = Guest::with(|it| {
        it.items = "(global $calls (mut i32) (i32.const 0))".into();
        it.in_realloc = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (call $request)))"
            .into();
    });
    contained([case(guest, "cannot leave component instance")]);
}
