//! What WASI would give away elsewhere.

use super::{DIVIDED_BY_ZERO, Guest, case, contained, crashed};

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
        case(exiting(0), "crashed: the component called exit in `send` with status 0"),
        case(exiting(1), "crashed: the component called exit in `send` with status 1"),
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
            crashed(DIVIDED_BY_ZERO),
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
        crashed("requested len 4294967296 exceeds limit 65536"),
    )]);
}

#[test]
fn a_component_that_prints_without_end() {
    // A line of escapes, three times the bytes that one call may log to each.
    let flood = Guest::importing_from(
        "0.2.3",
        &["wasi:cli/stdout", "wasi:cli/stderr", "wasi:io/streams"],
        "(import \"wasi:cli/stdout@VERSION\" \"get-stdout\" (func $stdout (result i32)))
         (import \"wasi:cli/stderr@VERSION\" \"get-stderr\" (func $stderr (result i32)))
         (import \"wasi:io/streams@VERSION\" \"[method]output-stream.blocking-write-and-flush\"
           (func $write (param i32 i32 i32 i32)))",
        "(local $n i32)
         (memory.fill (i32.const 131072) (i32.const 27) (i32.const 4095))
         (i32.store8 (i32.const 135167) (i32.const 10))
         (loop $more
           (call $write (call $stdout) (i32.const 131072) (i32.const 4096) (i32.const 200000))
           (call $write (call $stderr) (i32.const 131072) (i32.const 4096) (i32.const 200000))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $n) (i32.const 50))))
         (i32.div_u (i32.const 1) (i32.const 0))",
    );
    contained([case(flood, crashed(DIVIDED_BY_ZERO))]);
}

#[test]
fn a_component_that_fills_bodies_and_sends_none_of_them() {
    // As much as the host takes into each of 60: another trap where that is more than it has room for.
    let hoard = Guest::over_wasi_http(
        "127.0.0.1:9",
        "",
        "(local $stream i32) (local $n i32) (local $total i64)
         (drop (memory.grow (i32.const 40)))
         (loop $more
           (local.set $stream (call $stream (call $body (call $made))))
           (loop $fill
             (call $check (local.get $stream) (i32.const 400))
             (if (i32.load8_u (i32.const 400)) (then (unreachable)))
             (if (i32.load (i32.const 408)) (then
               (local.set $total (i64.add (local.get $total) (i64.load (i32.const 408))))
               (call $write (local.get $stream) (i32.const 131072) (i32.load (i32.const 408)) (i32.const 416))
               (br $fill))))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $n) (i32.const 60))))
         (if (i64.eqz (local.get $total)) (then (unreachable)))
         (if (i64.gt_u (local.get $total) (i64.const 50331648)) (then (unreachable)))
         (i32.div_u (i32.const 1) (i32.const 0))",
    );
    contained([case(hoard, crashed(DIVIDED_BY_ZERO))]);
}
