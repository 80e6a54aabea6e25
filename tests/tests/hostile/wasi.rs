//! What WASI would give away elsewhere.

use super::{Guest, case, contained};

#[test]
fn a_component_that_ends_its_process() {
    let exiting = |status: u32| {
        Guest::importing(
            "wasi:cli/exit@0.2.3",
            "(import \"wasi:cli/exit@0.2.3\" \"exit\" (func $exit (param i32)))",
            &format!("(call $exit (i32.const {status})) (unreachable)"),
        )
    };
    contained([
        case(exiting(0), "called exit in `send` with status 0"),
        case(exiting(1), "called exit in `send` with status 1"),
    ]);
}

#[test]
fn a_component_that_looks_for_an_environment_or_files() {
    // Traps with another trap where it finds any.
    for (interface, function) in [
        ("wasi:cli/environment@0.2.3", "get-environment"),
        ("wasi:cli/environment@0.2.3", "get-arguments"),
        ("wasi:filesystem/preopens@0.2.3", "get-directories"),
    ] {
        contained([case(
            Guest::importing(
                interface,
                &format!("(import \"{interface}\" \"{function}\" (func $get (param i32)))"),
                "(call $get (i32.const 131072))
                 (if (i32.load (i32.const 131076)) (then (unreachable)))
                 (i32.div_u (i32.const 1) (i32.const 0))",
            ),
            "divide by zero",
        )]);
    }
}

#[test]
fn a_component_that_takes_all_randomness() {
    contained([case(
        Guest::importing(
            "wasi:random/random@0.2.3",
            "(import \"wasi:random/random@0.2.3\" \"get-random-bytes\" (func $random (param i64 i32)))",
            "(call $random (i64.const 0x100000000) (i32.const 131072)) (unreachable)",
        ),
        "the component failed in `send`",
    )]);
}
