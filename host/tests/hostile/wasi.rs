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
    for (interface, function) in [
        ("wasi:cli/environment@0.2.3", "get-environment"),
        ("wasi:cli/environment@0.2.3", "get-arguments"),
        ("wasi:filesystem/preopens@0.2.3", "get-directories"),
    ] {
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
    let reason = "took longer than 300ms, requests included".into();
    assert_eq!(error, CallError::TookTooLong { call: "send", reason });
}

#[test]
fn timers_without_end_are_stopped() {
    let bytes = Guest::importing(
        "wasi:clocks/monotonic-clock@0.2.3",
        "(import \"wasi:clocks/monotonic-clock@0.2.3\" \"subscribe-duration\" (func $sleep (param i64) (result i32)))",
        "(loop $l (drop (call $sleep (i64.const 1))) (br $l)) (unreachable)",
    );
    assert_eq!(stopped(&bytes), failed("resource table has no free keys"));
}

#[test]
fn randomness_by_the_gigabyte_is_stopped() {
    let bytes = Guest::importing(
        "wasi:random/random@0.2.3",
        "(import \"wasi:random/random@0.2.3\" \"get-random-bytes\" (func $random (param i64 i32)))",
        "(call $random (i64.const 0x100000000) (i32.const 131072)) (unreachable)",
    );
    assert_eq!(stopped(&bytes), failed("requested len 4294967296 exceeds limit 65536"));
}

#[test]
fn there_is_no_working_directory() {
    let bytes = Guest::importing(
        "wasi:cli/environment@0.2.3",
        "(import \"wasi:cli/environment@0.2.3\" \"initial-cwd\" (func $get (param i32)))",
        "(call $get (i32.const 131072))
         (if (i32.load8_u (i32.const 131072)) (then (unreachable)))
         (call $request) (call $answer)",
    );
    assert_eq!(send(&bytes), Ok(Outcome::Delivered));
}

/// Standard output and error, by short names.
const OUTPUT: &str = "
    (import \"wasi:cli/stdout@VERSION\" \"get-stdout\" (func $stdout (result i32)))
    (import \"wasi:cli/stderr@VERSION\" \"get-stderr\" (func $stderr (result i32)))
    (import \"wasi:io/streams@VERSION\" \"[method]output-stream.blocking-write-and-flush\"
      (func $write (param i32 i32 i32 i32)))
    (import \"wasi:io/streams@VERSION\" \"[resource-drop]output-stream\" (func $drop (param i32)))";

fn printing(code: &str) -> Backend {
    let interfaces = ["wasi:cli/stdout", "wasi:cli/stderr", "wasi:io/streams"];
    let code = format!("(local $stream i32) (local $n i32) {code} (call $request) (call $answer)");
    start(&Guest::importing_from("0.2.3", &interfaces, OUTPUT, &code)).unwrap()
}

/// Writes this text's bytes to memory from 131072 on.
fn storing(text: &str) -> String {
    let byte =
        |(at, byte): (usize, u8)| format!("(i32.store8 (i32.const {}) (i32.const {byte}))", 131_072 + at);
    text.bytes().enumerate().map(byte).collect()
}

#[test]
fn what_is_printed_is_the_debug_log_line_by_line_and_without_control_characters() {
    let text = "\u{1b}[2Jone\r\ntw\u{7}o\n\nlast";
    for (stream, from) in [("$stdout", Stream::Stdout), ("$stderr", Stream::Stderr)] {
        // In two pieces that part a line.
        let mut backend = printing(&format!(
            "{}
             (local.set $stream (call {stream}))
             (call $write (local.get $stream) (i32.const 131072) (i32.const 6) (i32.const 200000))
             (call $write (local.get $stream) (i32.const 131078) (i32.const {rest}) (i32.const 200000))
             (if (i32.load8_u (i32.const 200000)) (then (unreachable)))
             (call $drop (local.get $stream))",
            storing(text),
            rest = text.len() - 6,
        ));
        assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
        let lines = backend.take_logs();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["\u{fffd}[2Jone", "tw\u{fffd}o", "", "last"]);
        assert!(lines.iter().all(|line| line.stream == from && line.level == Level::Debug), "{lines:?}");
        assert!(lines.iter().all(|line| !line.text.contains(char::is_control)), "{lines:?}");
    }
}

#[test]
fn a_flood_of_printed_lines_is_cut_and_counted() {
    let mut backend = printing(
        "(memory.fill (i32.const 131072) (i32.const 120) (i32.const 4095))
         (i32.store8 (i32.const 135167) (i32.const 10))
         (local.set $stream (call $stderr))
         (loop $l
           (call $write (local.get $stream) (i32.const 131072) (i32.const 4096) (i32.const 200000))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))",
    );
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    let mut lines = backend.take_logs();
    let told = lines.pop().unwrap();
    let kept = lines.len();
    assert!(kept > 1 && lines.iter().all(|line| line.stream == Stream::Stderr), "{kept}");
    let limits = Limits::default();
    assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() <= limits.log_bytes);
    assert!(lines.iter().all(|line| line.text.len() <= limits.log_line_bytes));
    assert_eq!(told.stream, Stream::Host);
    let dropped = 1_000 - kept;
    assert_eq!(told.text, format!("{dropped} more lines were dropped: the component wrote too much"));
}

#[test]
fn a_printed_line_without_end_is_one_line_and_no_longer_than_a_line_may_be() {
    let mut backend = printing(
        "(memory.fill (i32.const 131072) (i32.const 120) (i32.const 4096))
         (local.set $stream (call $stdout))
         (loop $l
           (call $write (local.get $stream) (i32.const 131072) (i32.const 4096) (i32.const 200000))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))
         (call $drop (local.get $stream))",
    );
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    let lines = backend.take_logs();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].text.len() <= Limits::default().log_line_bytes, "{}", lines[0].text.len());
}

#[test]
fn standard_input_is_closed() {
    // Anything but the error `closed`, the second of two, traps.
    let bytes = Guest::importing_from(
        "0.2.3",
        &["wasi:cli/stdin", "wasi:io/streams"],
        "(import \"wasi:cli/stdin@VERSION\" \"get-stdin\" (func $stdin (result i32)))
         (import \"wasi:io/streams@VERSION\" \"[method]input-stream.read\" (func $read (param i32 i64 i32)))
         (import \"wasi:io/streams@VERSION\" \"[method]input-stream.blocking-read\" (func $wait (param i32 i64 i32)))",
        "(local $stdin i32)
         (local.set $stdin (call $stdin))
         (call $read (local.get $stdin) (i64.const 100) (i32.const 200000))
         (if (i32.ne (i32.load8_u (i32.const 200000)) (i32.const 1)) (then (unreachable)))
         (if (i32.ne (i32.load8_u (i32.const 200004)) (i32.const 1)) (then (unreachable)))
         (call $wait (local.get $stdin) (i64.const 100) (i32.const 200000))
         (if (i32.ne (i32.load8_u (i32.const 200000)) (i32.const 1)) (then (unreachable)))
         (if (i32.ne (i32.load8_u (i32.const 200004)) (i32.const 1)) (then (unreachable)))
         (call $request) (call $answer)",
    );
    assert_eq!(send(&bytes), Ok(Outcome::Delivered));
}

#[test]
fn every_patch_of_wasi_whose_functions_are_there_is_met() {
    for version in ["0.2.0", "0.2.3", "0.2.12", "0.2.99"] {
        let bytes = Guest::importing_from(
            version,
            &["wasi:cli/environment", "wasi:cli/stdout", "wasi:io/streams", "wasi:random/random"],
            "(import \"wasi:cli/environment@VERSION\" \"get-environment\" (func $environment (param i32)))
             (import \"wasi:cli/stdout@VERSION\" \"get-stdout\" (func $stdout (result i32)))
             (import \"wasi:io/streams@VERSION\" \"[resource-drop]output-stream\" (func $drop (param i32)))
             (import \"wasi:random/random@VERSION\" \"get-random-bytes\" (func $random (param i64 i32)))",
            "(call $environment (i32.const 131072))
             (if (i32.load (i32.const 131076)) (then (unreachable)))
             (call $drop (call $stdout))
             (call $random (i64.const 8) (i32.const 131072))
             (if (i32.ne (i32.load (i32.const 131076)) (i32.const 8)) (then (unreachable)))
             (call $request) (call $answer)",
        );
        assert_eq!(send(&bytes), Ok(Outcome::Delivered), "{version}");
    }
}

#[test]
fn every_patch_of_the_contract_is_met() {
    for version in ["0.1.1", "0.1.7", "0.1.99"] {
        let at = |text: &str| text.replace("@0.1.0", &format!("@{version}"));
        let core = at(&Guest::default().module());
        let bytes = telemetry_guests::component_in(&core, &at(telemetry_guests::WIT), "backend");
        assert_eq!(send(&bytes), Ok(Outcome::Delivered), "{version}");
    }
}
