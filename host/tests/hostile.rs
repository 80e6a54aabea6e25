//! Components that try to hurt the tool that loads them. Each is contained: a named error or a harmless
//! outcome, within its limits, and the host goes on.

mod support;

use std::time::Duration;

use support::guest::Guest;
use support::server::Server;
use support::{batch, context, grant, load, load_with, spec};
use telemetry_host::types::{Outcome, Verdict};
use telemetry_host::{
    Backend, CallError, Component, Credential, Door, Grant, Limits, LoadError, LoadOptions, Placement,
    Recorder, Secret, Setup, Source, StartError, Stream,
};

fn quick(limits: &mut Limits) {
    limits.cpu_time = Duration::from_secs(1);
    limits.call_time = Duration::from_secs(20);
}

fn start(bytes: &[u8]) -> Result<Backend, StartError> {
    start_through(bytes, Door::Record(Recorder::default()))
}

fn start_through(bytes: &[u8], door: Door) -> Result<Backend, StartError> {
    let component = load_with(bytes, quick);
    Backend::start(&component, Setup::new("{}", door).grant(grant("intake", "https://vendor.example", &[])))
}

fn send(bytes: &[u8]) -> Result<Outcome, CallError> {
    start(bytes).unwrap().send(&batch(2), &context())
}

fn stopped(bytes: &[u8]) -> String {
    match send(bytes) {
        Err(error) => error.to_string(),
        Ok(outcome) => panic!("{outcome:?}"),
    }
}

fn told(bytes: &[u8]) -> String {
    match send(bytes) {
        Ok(Outcome::Retry(advice)) => advice.reason,
        other => panic!("{other:?}"),
    }
}

mod time {
    use super::*;

    const FOREVER: &str = "(loop $l (br $l))";

    #[test]
    fn a_loop_in_send_is_stopped() {
        let text = stopped(&Guest::sending("(loop $l (br $l)) (unreachable)"));
        assert_eq!(text, "the component was stopped in `send`: it used more than 1s of processor time");
    }

    #[test]
    fn a_loop_in_describe_is_stopped() {
        let guest = Guest::with(|guest| guest.in_describe = FOREVER.into());
        assert!(start(&guest).unwrap_err().to_string().contains("stopped in `describe`"));
        assert!(
            load_with(&guest, quick).describe().unwrap_err().to_string().contains("stopped in `describe`")
        );
    }

    #[test]
    fn a_loop_in_configure_is_stopped() {
        let guest = Guest::with(|guest| guest.in_configure = FOREVER.into());
        assert!(start(&guest).unwrap_err().to_string().contains("stopped in `configure`"));
    }

    #[test]
    fn a_loop_in_erase_is_stopped() {
        let guest = Guest::with(|guest| guest.erase = Some(format!("{FOREVER} (unreachable)")));
        let error = start(&guest).unwrap().erase(&["0123456789abcdef".into()], &context()).unwrap_err();
        assert!(error.to_string().contains("stopped in `erase`"), "{error}");
    }

    #[test]
    fn a_loop_before_anything_was_called_is_stopped() {
        let guest = Guest::with(|guest| guest.items = format!("(func $start {FOREVER}) (start $start)"));
        assert!(start(&guest).unwrap_err().to_string().contains("stopped in `instantiation`"));
    }

    #[test]
    fn a_loop_while_the_host_hands_over_a_batch_is_stopped() {
        let guest = Guest::with(|guest| {
            guest.items = "(global $calls (mut i32) (i32.const 0))".into();
            // The first call hands over the settings.
            guest.in_realloc = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (loop $l (br $l))))"
                .into();
        });
        assert!(stopped(&guest).contains("processor time"));
    }

    #[test]
    fn a_slow_vendor_does_not_use_up_processor_time_and_a_call_has_its_own_limit() {
        let silent = Server::scripted(|_, _| {
            std::thread::park();
            Ok(())
        });
        let component = load_with(&Guest::default().component(), |limits| {
            limits.cpu_time = Duration::from_millis(50);
            limits.call_time = Duration::from_millis(400);
        });
        let granted = grant("intake", &silent.url(), &["http", "loopback"]);
        let mut backend = Backend::start(&component, Setup::new("{}", Door::open()).grant(granted)).unwrap();
        let text = backend.send(&batch(1), &context()).unwrap_err().to_string();
        assert_eq!(text, "the component was stopped in `send`: it took longer than 400ms, requests included");
    }

    #[test]
    fn code_that_takes_the_compiler_too_long_is_given_up() {
        let body = "(drop (i64.mul (i64.const 1) (i64.const 2)))".repeat(2_000);
        let many: String = (0..40).map(|n| format!("(func $f{n} {body})")).collect();
        let bytes = Guest::with(|guest| guest.items = many);
        let mut options = LoadOptions::default();
        options.limits.compile_time = Duration::from_millis(1);
        let error = Component::load(Source::Bytes(&bytes), &options).unwrap_err();
        assert!(matches!(error, LoadError::CompileTime(_)), "{error}");
    }
}

mod memory {
    use super::*;

    #[test]
    fn recursion_without_end_is_stopped() {
        let guest = Guest::with(|guest| {
            guest.items =
                "(func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))"
                    .into();
            guest.send = Some("(call $deep (i32.const 0))".into());
        });
        assert!(stopped(&guest).contains("call stack exhausted"));
    }

    #[test]
    fn growing_one_memory_without_end_is_stopped() {
        let text = stopped(&Guest::sending(
            "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 512)) (i32.const -1)))) (unreachable)",
        ));
        assert_eq!(
            text,
            "the component failed in `send` after it asked for more memory than 134217728 bytes"
        );
    }

    #[test]
    fn a_memory_that_begins_too_big_is_not_made() {
        let guest = Guest::with(|guest| guest.memory = "(memory (export \"memory\") 16384)".into());
        assert!(start(&guest).unwrap_err().to_string().contains("more memory than 134217728 bytes"));
    }

    #[test]
    fn many_memories_are_counted_together() {
        let guest = Guest::with(|guest| {
            guest.memory = "(memory (export \"memory\") 4)".to_owned() + &"(memory 500)".repeat(8);
        });
        assert!(start(&guest).unwrap_err().to_string().contains("more memory than 134217728 bytes"));
    }

    #[test]
    fn growing_many_memories_in_turn_is_stopped() {
        let grow: String = (1..5)
            .map(|n| format!("(br_if $l (i32.ne (memory.grow {n} (i32.const 256)) (i32.const -1)))"))
            .collect();
        let guest = Guest::with(|guest| {
            guest.memory = "(memory (export \"memory\") 4)".to_owned() + &"(memory 1)".repeat(4);
            guest.send = Some(format!("(loop $l {grow}) (unreachable)"));
        });
        assert!(stopped(&guest).contains("more memory than"));
    }

    #[test]
    fn growing_a_table_without_end_is_stopped() {
        let guest = Guest::with(|guest| {
            guest.items = "(table $t 1 funcref)".into();
            guest.send = Some(
                "(loop $l (br_if $l (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) (unreachable)"
                    .into(),
            );
        });
        assert!(stopped(&guest).contains("more table elements than 200000"));
    }

    #[test]
    fn a_table_that_begins_too_big_is_not_made() {
        let guest = Guest::with(|guest| guest.items = "(table 4000000000 funcref)".into());
        assert!(start(&guest).is_err());
    }

    #[test]
    fn a_failed_growth_does_not_use_up_the_allowance() {
        // Asked for too much a thousand times, then for what there is.
        let code = "(local $n i32)
            (loop $l
              (drop (memory.grow (i32.const 60000)))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))
            (if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then (unreachable)))
            (call $request) (call $answer)";
        assert_eq!(send(&Guest::sending(code)), Ok(Outcome::Delivered));
    }

    #[test]
    fn an_instance_that_has_grown_is_replaced_after_its_call() {
        let guest = Guest::with(|guest| {
            guest.items = "(global $calls (mut i32) (i32.const 0))".into();
            // Traps if it is called a second time in the same instance.
            guest.send = Some(
                "(if (global.get $calls) (then (unreachable)))
                 (global.set $calls (i32.const 1))
                 (drop (memory.grow (i32.const 1100)))
                 (call $request) (call $answer)"
                    .into(),
            );
        });
        let mut backend = start(&guest).unwrap();
        for _ in 0..3 {
            assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
        }
    }

    #[test]
    fn handles_without_end_are_stopped() {
        let guest = Guest::with(|guest| {
            guest.world = "package test:handles;
                interface things { resource thing { constructor(); } }
                world test { include telemetry:backend/backend@0.1.0; export things; }"
                .into();
            guest.imports =
                "(import \"[export]test:handles/things\" \"[resource-new]thing\" (func $new (param i32) (result i32)))".into();
            guest.items = "(func (export \"test:handles/things#[constructor]thing\") (result i32) (call $new (i32.const 1)))".into();
            guest.send = Some("(loop $l (drop (call $new (i32.const 1))) (br $l)) (unreachable)".into());
        });
        let text = stopped(&guest);
        assert!(text.contains("handle") || text.contains("resource"), "{text}");
    }
}

mod traps {
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
            assert!(
                text.starts_with("the component failed in `send`: ") && text.contains(why),
                "{code}: {text}"
            );
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
}

mod answers {
    use super::*;

    fn outcome(code: &str) -> Result<Outcome, CallError> {
        send(&Guest::sending(&format!("{code} (global.get $outcome)")))
    }

    #[test]
    fn fewer_or_more_verdicts_than_events_break_the_contract() {
        for (count, fits) in [(0, false), (1, false), (2, true), (3, false), (1 << 20, false)] {
            let result = outcome(&format!(
                "(i32.store8 (global.get $outcome) (i32.const 1))
                 (drop (memory.grow (i32.const 400)))
                 (i32.store offset=8 (global.get $outcome) (i32.const 131072))
                 (i32.store offset=12 (global.get $outcome) (i32.const {count}))"
            ));
            match result {
                Ok(Outcome::Partial(verdicts)) if fits => {
                    assert_eq!(verdicts, [Verdict::Delivered, Verdict::Delivered])
                }
                Err(CallError::Contract(_) | CallError::Trapped { .. }) if !fits => {}
                other => panic!("{count}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_outcome_that_does_not_exist_is_a_failure() {
        assert!(outcome("(i32.store8 (global.get $outcome) (i32.const 77))").is_err());
    }

    #[test]
    fn text_that_is_no_text_or_lies_outside_memory_is_a_failure() {
        for (pointer, length) in
            [("-16", "8"), ("1024", "-1"), ("0", "2147483647"), ("2147483647", "2147483647")]
        {
            let result = outcome(&format!(
                "(i32.store8 (global.get $outcome) (i32.const 4))
                 (i32.store offset=8 (global.get $outcome) (i32.const {pointer}))
                 (i32.store offset=12 (global.get $outcome) (i32.const {length}))"
            ));
            assert!(matches!(result, Err(CallError::Trapped { .. })), "{result:?}");
        }
        let no_utf8 = outcome(
            "(i32.store (i32.const 200000) (i32.const -1))
             (i32.store8 (global.get $outcome) (i32.const 4))
             (i32.store offset=8 (global.get $outcome) (i32.const 200000))
             (i32.store offset=12 (global.get $outcome) (i32.const 4))",
        );
        assert!(matches!(no_utf8, Err(CallError::Trapped { .. })), "{no_utf8:?}");
    }

    #[test]
    fn a_reason_with_escapes_and_without_end_is_tidied() {
        let result = outcome(
            "(memory.fill (i32.const 131072) (i32.const 27) (i32.const 100000))
             (i32.store8 (global.get $outcome) (i32.const 4))
             (i32.store offset=8 (global.get $outcome) (i32.const 131072))
             (i32.store offset=12 (global.get $outcome) (i32.const 100000))",
        );
        let Ok(Outcome::Rejected(text)) = result else { panic!("{result:?}") };
        assert!(text.len() <= 1_024 && !text.contains('\u{1b}'));
    }

    #[test]
    fn a_wait_that_is_no_number_is_no_wait() {
        for wait in ["nan", "inf", "-inf", "-1"] {
            let result = outcome(&format!(
                "(i32.store8 (global.get $outcome) (i32.const 2))
                 (i32.store8 offset=16 (global.get $outcome) (i32.const 1))
                 (f64.store offset=24 (global.get $outcome) (f64.const {wait}))"
            ));
            let Ok(Outcome::Retry(advice)) = result else { panic!("{result:?}") };
            assert_eq!(advice.after_ms, None, "{wait}");
        }
    }

    #[test]
    fn a_description_that_is_too_long_or_names_what_is_no_name_is_refused() {
        let many = Guest::with(|guest| guest.endpoints = (0..101).map(|n| format!("e{n}")).collect());
        assert!(start(&many).unwrap_err().to_string().contains("more than 100"));
        for name in ["", "Intake", "https://evil.example", "a\nb = 1", "a.b", "\u{1b}[2J"] {
            let guest = Guest::with(|guest| guest.endpoints = vec![name.into()]);
            let text = start(&guest).unwrap_err().to_string();
            assert!(text.contains("is not a name") && !text.contains(['\n', '\u{1b}']), "{text}");
        }
        let twice = Guest::with(|guest| guest.endpoints = vec!["intake".into(), "intake".into()]);
        assert!(start(&twice).unwrap_err().to_string().contains("twice"));
    }
}

mod requests {
    use super::*;

    #[test]
    fn http_is_closed_before_sending() {
        for (in_describe, in_configure) in [("(call $request)", ""), ("", "(call $request)")] {
            let recorder = Recorder::default();
            let guest = Guest::with(|guest| {
                guest.in_describe = in_describe.into();
                guest.in_configure = in_configure.into();
            });
            let backend = start_through(&guest, Door::Record(recorder.clone())).unwrap();
            assert!(recorder.take().is_empty());
            assert_eq!(
                backend.exchanges().last_denial.as_deref(),
                Some("http is closed during `describe` and `configure`")
            );
        }
    }

    #[test]
    fn a_url_is_no_endpoint() {
        for endpoint in ["https://evil.example", "intake@evil.example", "", "INTAKE", "../intake", "intake\0"]
        {
            let text = told(&Guest::with(|guest| guest.endpoint = endpoint.into()));
            assert!(text.contains("is not an endpoint's name"), "{endpoint}: {text}");
        }
    }

    #[test]
    fn an_endpoint_that_describe_did_not_ask_for_is_not_reached_even_if_granted() {
        let component = load(&Guest::with(|guest| guest.endpoint = "other".into())).unwrap();
        let setup = Setup::new("{}", Door::Record(Recorder::default()))
            .grant(grant("intake", "https://vendor.example", &[]))
            .grant(grant("other", "https://other.example", &[]));
        let mut backend = Backend::start(&component, setup).unwrap();
        let Ok(Outcome::Retry(advice)) = backend.send(&batch(1), &context()) else { panic!() };
        assert!(advice.reason.contains("`describe` does not ask for"), "{}", advice.reason);
    }

    #[test]
    fn a_path_that_climbs_or_is_a_url_does_not_leave() {
        for path in
            ["/../admin", "//evil.example/", "https://evil.example/", "/%2e%2e/", "/a\r\nX: y", "/?a#b"]
        {
            let text = told(&Guest::with(|guest| guest.path = path.into()));
            assert!(text.contains("path"), "{path}: {text}");
        }
    }

    #[test]
    fn smuggled_headers_do_not_leave() {
        for (name, value) in [
            ("Host", "evil.example"),
            ("Transfer-Encoding", "chunked"),
            ("content_length", "0"),
            ("x", "a\r\nHost: evil.example"),
            ("x: y\r\nz", "a"),
        ] {
            let text = told(&Guest::with(|guest| guest.headers = vec![(name.into(), value.into())]));
            assert!(text.contains("header"), "{name}: {text}");
        }
    }

    #[test]
    fn a_body_that_is_too_big_does_not_leave() {
        let recorder = Recorder::default();
        let guest = Guest::with(|guest| {
            guest.memory = "(memory (export \"memory\") 400)".into();
            guest.send = Some(
                "(call $http (i32.const 1024) (i32.const 6) (i32.const 1) (global.get $path) (i32.const 8)
                   (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                   (i32.const 2) (i32.const 131072) (i32.const 17000000)
                   (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
                 (call $answer)"
                    .into(),
            );
        });
        let mut backend = start_through(&guest, Door::Record(recorder.clone())).unwrap();
        let Ok(Outcome::Retry(advice)) = backend.send(&batch(1), &context()) else { panic!() };
        assert!(advice.reason.contains("bigger than 16777216"), "{}", advice.reason);
        assert!(recorder.take().is_empty());
    }

    #[test]
    fn a_small_memory_that_reads_as_a_huge_request_is_stopped() {
        // A million query parameters that all point at the same 60,000 bytes.
        let text = stopped(&Guest::with(|guest| {
            guest.memory = "(memory (export \"memory\") 400)".into();
            guest.send = Some(
                "(local $at i32)
                 (local.set $at (i32.const 262144))
                 (loop $l
                   (i32.store (local.get $at) (i32.const 131072))
                   (i32.store offset=4 (local.get $at) (i32.const 60000))
                   (local.set $at (i32.add (local.get $at) (i32.const 8)))
                   (br_if $l (i32.lt_u (local.get $at) (i32.const 20000000))))
                 (call $http (i32.const 1024) (i32.const 6) (i32.const 1) (global.get $path) (i32.const 8)
                   (i32.const 262144) (i32.const 1000000) (i32.const 0) (i32.const 0)
                   (i32.const 0) (i32.const 0) (i32.const 0)
                   (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
                 (call $answer)"
                    .into(),
            );
        }));
        assert!(text.contains("fuel"), "{text}");
    }

    #[test]
    fn requests_without_end_are_counted() {
        let recorder = Recorder::default();
        let guest = Guest::sending(
            "(local $n i32)
             (loop $l
               (call $request)
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))
             (call $answer)",
        );
        let mut backend = start_through(&guest, Door::Record(recorder.clone())).unwrap();
        let Ok(Outcome::Retry(advice)) = backend.send(&batch(1), &context()) else { panic!() };
        assert_eq!(advice.reason, "no more than 16 requests in one call");
        assert_eq!(recorder.take().len(), 16);
    }

    #[test]
    fn a_component_that_searches_all_its_memory_finds_no_credential() {
        const SECRET: &str = "s3cret-of-the-author";
        let echo = Server::scripted(|stream, request| {
            let body = format!("{:?}", request.headers);
            std::io::Write::write_all(
                stream,
                format!(
                    "HTTP/1.1 200 OK\r\nx-echo: {SECRET}\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .as_bytes(),
            )
        });
        // Traps where it finds what it looks for.
        let searching = |needle: &str| {
            let word = u64::from_le_bytes(needle.as_bytes()[..8].try_into().unwrap());
            Guest::sending(&format!(
                "(local $at i32)
                 (call $request)
                 (loop $l
                   (if (i64.eq (i64.load (local.get $at)) (i64.const {word})) (then (unreachable)))
                   (local.set $at (i32.add (local.get $at) (i32.const 1)))
                   (br_if $l (i32.lt_u (local.get $at) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)))))
                 (call $answer)"
            ))
        };
        let search = |needle: &str| {
            let mut spec = spec("intake", &echo.url(), &["http", "loopback"]);
            spec.credential = Some(Credential { placement: Placement::Bearer, secret: Secret::new(SECRET) });
            let component = load(&searching(needle)).unwrap();
            let setup = Setup::new("{}", Door::open()).grant(Grant::parse(spec).unwrap());
            Backend::start(&component, setup).unwrap().send(&batch(1), &context())
        };
        assert!(search("Bearer *").is_err(), "the search finds what is there");
        assert_eq!(search(SECRET), Ok(Outcome::Delivered));
        let seen = echo.seen();
        assert!(
            seen.iter().all(|request| request.header("authorization") == Some("Bearer s3cret-of-the-author"))
        );
    }
}

mod logs {
    use super::*;

    #[test]
    fn a_flood_of_long_lines_is_cut_and_counted() {
        let guest = Guest::sending(
            "(local $n i32)
             (memory.fill (i32.const 131072) (i32.const 120) (i32.const 100000))
             (loop $l
               (call $log (i32.const 1) (i32.const 131072) (i32.const 100000))
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br_if $l (i32.lt_u (local.get $n) (i32.const 100))))
             (call $request) (call $answer)",
        );
        let mut backend = start(&guest).unwrap();
        assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
        let lines = backend.take_logs();
        assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() <= 70_000);
        assert_eq!(lines.last().unwrap().stream, Stream::Host);
    }

    #[test]
    fn a_line_cannot_speak_to_the_terminal() {
        let guest = Guest::with(|guest| {
            guest.items = "(data (i32.const 131072) \"\\1b[2J\\1b]0;owned\\07\\0afake line\")".into();
            guest.send = Some(
                "(call $log (i32.const 3) (i32.const 131072) (i32.const 23)) (call $request) (call $answer)"
                    .into(),
            );
        });
        let mut backend = start(&guest).unwrap();
        backend.send(&batch(1), &context()).unwrap();
        let lines = backend.take_logs();
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].text.chars().any(char::is_control), "{:?}", lines[0].text);
    }
}

mod wasi {
    use super::*;

    const WASI: &str = "
        package wasi:io@0.2.3 { interface error { resource error; }
          interface poll { resource pollable { block: func(); } poll: func(in: list<borrow<pollable>>) -> list<u32>; } }
        package wasi:clocks@0.2.3 { interface monotonic-clock {
          use wasi:io/poll@0.2.3.{pollable};
          subscribe-duration: func(when: u64) -> pollable; } }
        package wasi:random@0.2.3 { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }
        package wasi:cli@0.2.3 {
          interface exit { exit: func(status: result); }
          interface environment {
            get-environment: func() -> list<tuple<string, string>>;
            get-arguments: func() -> list<string>;
            initial-cwd: func() -> option<string>; } }
        package wasi:filesystem@0.2.3 {
          interface types { resource descriptor; }
          interface preopens { use types.{descriptor}; get-directories: func() -> list<tuple<descriptor, string>>; } }";

    fn importing(interface: &str, import: &str, code: &str) -> Vec<u8> {
        Guest::with(|guest| {
            guest.world = format!(
                "package test:wasi; {WASI} world test {{ include telemetry:backend/backend@0.1.0; import {interface}; }}"
            );
            guest.imports = import.into();
            guest.send = Some(code.into());
        })
    }

    #[test]
    fn exit_ends_the_call_and_not_the_tool() {
        for status in [0, 1] {
            let bytes = importing(
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
            let bytes = importing(
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
        let bytes = importing(
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
        let bytes = importing(
            "wasi:clocks/monotonic-clock@0.2.3",
            "(import \"wasi:clocks/monotonic-clock@0.2.3\" \"subscribe-duration\" (func $sleep (param i64) (result i32)))",
            "(loop $l (drop (call $sleep (i64.const 1))) (br $l)) (unreachable)",
        );
        let text = stopped(&bytes);
        assert!(text.contains("the component failed in `send`"), "{text}");
    }

    #[test]
    fn randomness_by_the_gigabyte_is_stopped() {
        let bytes = importing(
            "wasi:random/random@0.2.3",
            "(import \"wasi:random/random@0.2.3\" \"get-random-bytes\" (func $random (param i64 i32)))",
            "(call $random (i64.const 0x100000000) (i32.const 131072)) (unreachable)",
        );
        assert!(stopped(&bytes).contains("the component failed in `send`"));
    }
}

mod files {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        load(bytes).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_component_is_refused_with_a_reason() {
        let honest = Guest::default().component();
        assert!(refused(b"").contains("not a WebAssembly component"));
        assert!(refused(b"\x7fELF").contains("not a WebAssembly component"));
        assert!(refused(&[0xff; 100]).contains("not a WebAssembly component"));
        assert!(refused(&wat::parse_str("(module)").unwrap()).contains("wasm32-wasip2"));
        assert!(refused(b"\0asm\x99\0\x01\0").contains("does not know"));
        assert!(refused(&honest[..honest.len() / 2]).contains("cannot be compiled"));
        for at in (8..honest.len()).step_by(honest.len() / 50) {
            let mut damaged = honest.clone();
            damaged[at] ^= 0xff;
            // Either it is refused, or the damage was in a name.
            let _ = load(&damaged);
        }
    }

    #[test]
    fn an_empty_component_and_one_of_another_world_are_not_backends() {
        assert!(refused(&wat::parse_str("(component)").unwrap()).contains("is not a telemetry backend"));
        let other = support::component_in(
            "(module (func (export \"run\")))",
            "package test:other; world test { export run: func(); }",
            "test",
        );
        assert!(refused(&other).contains("is not a telemetry backend"));
    }

    #[test]
    fn every_import_that_is_not_to_be_had_is_named() {
        let wat = r#"(component
            (import "wasi:sockets/instance-network@0.2.0" (instance))
            (import "wasi:http/outgoing-handler@0.2.0" (instance))
            (import "wasi:clocks/monotonic-clock@0.3.0" (instance))
            (import "wasi:cli/environment@0.2.99" (instance (export "read-mail" (func))))
            (import "telemetry:backend/http@0.2.0" (instance))
            (import "telemetry:backend/files@0.1.0" (instance))
            (import "run-command" (func (param "line" string))))"#;
        let text = refused(&wat::parse_str(wat).unwrap());
        for (import, cause) in [
            ("wasi:sockets/instance-network@0.2.0", "a backend has no sockets"),
            ("wasi:http/outgoing-handler@0.2.0", "wasi-http"),
            ("wasi:clocks/monotonic-clock@0.3.0", "built with async"),
            ("wasi:cli/environment@0.2.99#read-mail", "newer than this host"),
            ("telemetry:backend/http@0.2.0", "this host speaks 0.1.0"),
            ("telemetry:backend/files@0.1.0", "not an interface of the contract"),
            ("run-command", "unknown to this host"),
        ] {
            assert!(
                text.lines().any(|line| line.contains(import) && line.contains(cause)),
                "{import}: {text}"
            );
        }
    }

    #[test]
    fn a_file_that_is_too_big_is_not_compiled() {
        let mut options = LoadOptions::default();
        options.limits.file_bytes = 1_000;
        let bytes = Guest::default().component();
        assert!(matches!(
            Component::load(Source::Bytes(&bytes), &options),
            Err(LoadError::TooBig { most: 1_000 })
        ));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big.wasm");
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(
            Component::load(Source::Path(&path), &options),
            Err(LoadError::TooBig { most: 1_000 })
        ));
    }

    #[test]
    fn a_path_that_is_no_file_is_an_error_with_the_path_in_it() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().to_owned(), dir.path().join("missing.wasm"), "/dev/zero".into()] {
            let error =
                Component::load(Source::Path(&path), &LoadOptions::default()).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_the_pinned_one_is_refused() {
        let bytes = Guest::default().component();
        let mut options = LoadOptions::default();
        let honest = load(&bytes).unwrap().sha256().to_owned();
        options.pin = Some(honest.to_uppercase());
        assert!(Component::load(Source::Bytes(&bytes), &options).is_ok());
        options.pin = Some("0".repeat(64));
        let text = Component::load(Source::Bytes(&bytes), &options).unwrap_err().to_string();
        assert!(text.contains(&honest) && text.contains(&"0".repeat(64)), "{text}");
    }
}
