//! Loops in every place where code of a component runs.

use super::*;

const FOREVER: &str = "(loop $l (br $l))";

fn out_of_time(call: &str) -> String {
    format!("the component was stopped in `{call}`: it used more than 1s of processor time")
}

#[test]
fn a_loop_in_send_is_stopped() {
    let text = stopped(&Guest::sending(&format!("{FOREVER} (unreachable)")));
    assert_eq!(text, out_of_time("send"));
}

#[test]
fn calls_without_end_that_take_no_stack_are_stopped() {
    let guest = Guest::with(|guest| {
        guest.items = "(func $on (param i32) (result i32) (return_call $on (local.get 0)))".into();
        guest.send = Some("(call $on (i32.const 0))".into());
    });
    assert_eq!(stopped(&guest), out_of_time("send"));
}

#[test]
fn a_loop_in_describe_is_stopped() {
    let guest = Guest::with(|guest| guest.in_describe = FOREVER.into());
    assert_eq!(not_started(&guest), out_of_time("describe"));
    assert_eq!(load_with(&guest, quick).describe().unwrap_err().to_string(), out_of_time("describe"));
}

#[test]
fn a_loop_in_configure_is_stopped() {
    let guest = Guest::with(|guest| guest.in_configure = FOREVER.into());
    assert_eq!(not_started(&guest), out_of_time("configure"));
}

#[test]
fn a_loop_in_erase_is_stopped() {
    let guest = Guest::with(|guest| guest.erase = Some(format!("{FOREVER} (unreachable)")));
    let error = start(&guest).unwrap().erase(&["0123456789abcdef".into()], &context()).unwrap_err();
    assert_eq!(error.to_string(), out_of_time("erase"));
}

#[test]
fn a_loop_before_anything_was_called_is_stopped() {
    let guest = Guest::with(|guest| guest.items = format!("(func $start {FOREVER}) (start $start)"));
    assert_eq!(not_started(&guest), out_of_time("instantiation"));
}

#[test]
fn a_loop_while_the_host_hands_over_a_batch_is_stopped() {
    let guest = Guest::with(|guest| {
        guest.items = "(global $calls (mut i32) (i32.const 0))".into();
        // The first call hands over the settings.
        guest.in_realloc = format!(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.gt_u (global.get $calls) (i32.const 1)) (then {FOREVER}))"
        );
    });
    assert_eq!(stopped(&guest), out_of_time("send"));
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
    assert!(matches!(error, LoadError::CompileTime(given) if given == Duration::from_millis(1)), "{error}");
}
