//! Traps of each sort, in each export, and where the component is called back.

use super::{DIVIDED_BY_ZERO, Guest, UNREACHABLE, case, contained, crashed};

fn trapping(code: &str) -> Vec<u8> {
    Guest::with(|it| {
        it.items = "(table $none 1 funcref)".into();
        it.send = Some(code.into());
    })
}

#[test]
fn a_component_that_traps_while_it_sends() {
    contained([
        case(trapping("(unreachable)"), crashed(UNREACHABLE)),
        case(trapping("(i32.div_u (i32.const 1) (i32.const 0))"), crashed(DIVIDED_BY_ZERO)),
        case(trapping("(i32.load (i32.const -4))"), crashed("wasm trap: out of bounds memory access")),
        case(trapping("(i32.trunc_f64_s (f64.const 1e300))"), crashed("wasm trap: integer overflow")),
        case(
            trapping("(call_indirect $none (result i32) (i32.const 0))"),
            crashed("wasm trap: uninitialized element"),
        ),
        case(
            trapping("(call_indirect $none (result i32) (i32.const 99))"),
            crashed("wasm trap: undefined element: out of bounds table access"),
        ),
    ]);
}

#[test]
fn a_component_that_traps_before_it_sends() {
    let before = |call: &str| format!("held: the component failed in `{call}`: {UNREACHABLE}");
    contained([
        case(Guest::with(|it| it.in_describe = "(unreachable)".into()), before("describe")),
        case(Guest::with(|it| it.in_configure = "(unreachable)".into()), before("configure")),
        case(
            Guest::with(|it| it.items = "(func $start (unreachable)) (start $start)".into()),
            before("instantiation"),
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
    contained([case(guest, crashed("wasm trap: cannot leave component instance"))]);
}
