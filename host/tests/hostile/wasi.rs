//! What WASI would give away elsewhere: exit, environment, files, sleep, randomness.

use super::*;

#[test]
fn exit_ends_the_call_and_not_the_tool() {
    for status in [0, 1] {
        let bytes = Guest::importing(
            "wasi:cli/exit@0.2.3",
            "(import \"wasi:cli/exit@0.2.3\" \"exit\" (func $exit (param i32)))",
            &format!("(call $exit (i32.const {status})) (unreachable)"),
        );
        assert_eq!(stopped(&bytes), format!("the component called exit in `send` with status {status}"));
    }
}

#[test]
fn environment_arguments_and_directories_are_empty() {
    for (interface, function, parameters) in [
        ("wasi:cli/environment@0.2.3", "get-environment", 1),
        ("wasi:cli/environment@0.2.3", "get-arguments", 1),
        ("wasi:filesystem/preopens@0.2.3", "get-directories", 1),
    ] {
        assert_eq!(parameters, 1);
        let bytes = Guest::importing(
            interface,
            &format!("(import \"{interface}\" \"{function}\" (func $get (param i32)))"),
            // A list that is not empty traps.
            "(call $get (i32.const 131072))
             (if (i32.load (i32.const 131076)) (then (unreachable)))
             (call $request) (call $answer)",
        );
        assert_eq!(send(&bytes), Ok(Outcome::Delivered), "{function}");
    }
}

#[test]
fn a_sleep_without_end_costs_the_call_its_time_and_no_more() {
    let bytes = Guest::importing(
        "wasi:clocks/monotonic-clock@0.2.3",
        "(import \"wasi:clocks/monotonic-clock@0.2.3\" \"subscribe-duration\" (func $sleep (param i64) (result i32)))
         (import \"wasi:io/poll@0.2.3\" \"[method]pollable.block\" (func $block (param i32)))",
        "(call $block (call $sleep (i64.const -1))) (unreachable)",
    );
    let component = load_with(&bytes, |limits| limits.call_time = Duration::from_millis(300));
    let setup = Setup::new("{}", Door::open()).grant(grant("intake", "https://vendor.example", &[]));
    let error = Backend::start(&component, setup).unwrap().send(&batch(1), &context()).unwrap_err();
    assert!(error.to_string().contains("took longer than 300ms"), "{error}");
}

#[test]
fn timers_without_end_are_stopped() {
    let bytes = Guest::importing(
        "wasi:clocks/monotonic-clock@0.2.3",
        "(import \"wasi:clocks/monotonic-clock@0.2.3\" \"subscribe-duration\" (func $sleep (param i64) (result i32)))",
        "(loop $l (drop (call $sleep (i64.const 1))) (br $l)) (unreachable)",
    );
    let text = stopped(&bytes);
    assert!(text.contains("the component failed in `send`"), "{text}");
}

#[test]
fn randomness_by_the_gigabyte_is_stopped() {
    let bytes = Guest::importing(
        "wasi:random/random@0.2.3",
        "(import \"wasi:random/random@0.2.3\" \"get-random-bytes\" (func $random (param i64 i32)))",
        "(call $random (i64.const 0x100000000) (i32.const 131072)) (unreachable)",
    );
    assert!(stopped(&bytes).contains("the component failed in `send`"));
}
