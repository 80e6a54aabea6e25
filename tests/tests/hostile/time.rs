//! Loops in every place where code of a component runs, and sleep.

use super::{BRIEF, Case, Guest, case, contained};

const FOREVER: &str = "(loop $forever (br $forever))";

#[test]
fn a_component_that_computes_for_ever() {
    let before = |call: &str| {
        format!("held: the component was stopped in `{call}`: it used more than 300ms of processor time")
    };
    let computing = [
        case(
            Guest::sending(&format!("{FOREVER} (unreachable)")),
            "crashed: the component was stopped in `send`: it used more than 300ms of processor time",
        ),
        case(Guest::with(|it| it.in_describe = FOREVER.into()), before("describe")),
        case(Guest::with(|it| it.in_configure = FOREVER.into()), before("configure")),
        case(
            Guest::with(|it| it.items = format!("(func $start {FOREVER}) (start $start)")),
            before("instantiation"),
        ),
        case(
            Guest::with(|it| {
                it.items = "(global $calls (mut i32) (i32.const 0))".into();
                // The first call of it takes the settings, the next ones the batch.
                it.in_realloc = format!(
                    "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                     (if (i32.gt_u (global.get $calls) (i32.const 1)) (then {FOREVER}))"
                );
            }),
            "crashed: the component was stopped in `send`: it used more than 300ms of processor time",
        ),
    ];
    contained(computing.map(|case| Case { limits: BRIEF, ..case }));
}

#[test]
fn a_component_that_sleeps_for_ever() {
    contained([case(
        Guest::importing(
            "wasi:clocks/monotonic-clock@0.2.3",
            "(import \"wasi:clocks/monotonic-clock@0.2.3\" \"subscribe-duration\" (func $sleep (param i64) (result i32)))
             (import \"wasi:io/poll@0.2.3\" \"[method]pollable.block\" (func $block (param i32)))",
            "(call $block (call $sleep (i64.const -1))) (unreachable)",
        ),
        "crashed: the component was stopped in `send`: it took longer than 3s, requests included",
    )]);
}

#[test]
fn a_component_that_takes_the_compiler_for_ever() {
    let body = "(drop (i64.mul (i64.const 1) (i64.const 2)))".repeat(2_000);
    let many: String = (0..40).map(|number| format!("(func $f{number} {body})")).collect();
    let wasm = Guest::with(|it| it.items = many);
    contained([Case {
        limits: "compile_time = \"1ms\"",
        ..case(
            wasm,
            "held: compiling the component took longer than 1ms; raise `compile_time` under [backend.limits] if it \
             is meant to",
        )
    }]);
}
