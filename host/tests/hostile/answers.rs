//! Answers that are nonsense, lies, or made to be shown to somebody.

use super::*;

fn outcome(code: &str) -> Result<Outcome, CallError> {
    // After a request: without one, nothing can have been delivered.
    send(&Guest::sending(&format!("(call $request) {code} (global.get $outcome)")))
}

#[test]
fn fewer_or_more_verdicts_than_events_break_the_contract() {
    let wrong = |count| Err(CallError::Contract(format!("`send` gave {count} verdicts for 2 events")));
    for (count, expected) in [
        (0, wrong(0)),
        (1, wrong(1)),
        (2, Ok(Outcome::Partial(vec![Verdict::Delivered, Verdict::Delivered]))),
        (3, wrong(3)),
        (1 << 20, Err(CallError::Trapped { call: "send", reason: NO_MORE_COPYING.into() })),
    ] {
        let result = outcome(&format!(
            "(i32.store8 (global.get $outcome) (i32.const 1))
             (drop (memory.grow (i32.const 400)))
             (i32.store offset=8 (global.get $outcome) (i32.const 131072))
             (i32.store offset=12 (global.get $outcome) (i32.const {count}))"
        ));
        assert_eq!(result, expected, "{count}");
    }
}

#[test]
fn an_outcome_that_does_not_exist_is_a_failure() {
    let trapped = CallError::Trapped { call: "send", reason: "unexpected discriminant: 77".into() };
    assert_eq!(outcome("(i32.store8 (global.get $outcome) (i32.const 77))"), Err(trapped));
}

#[test]
fn text_that_is_no_text_or_lies_outside_memory_is_a_failure() {
    for (pointer, length) in [("-16", "8"), ("1024", "-1"), ("0", "2147483647"), ("2147483647", "2147483647")]
    {
        let result = outcome(&format!(
            "(i32.store8 (global.get $outcome) (i32.const 4))
             (i32.store offset=8 (global.get $outcome) (i32.const {pointer}))
             (i32.store offset=12 (global.get $outcome) (i32.const {length}))"
        ));
        let reason = "string pointer/length out of bounds of memory".into();
        assert_eq!(result, Err(CallError::Trapped { call: "send", reason }), "{pointer} {length}");
    }
    let no_utf8 = outcome(
        "(i32.store (i32.const 200000) (i32.const -1))
         (i32.store8 (global.get $outcome) (i32.const 4))
         (i32.store offset=8 (global.get $outcome) (i32.const 200000))
         (i32.store offset=12 (global.get $outcome) (i32.const 4))",
    );
    let reason = "invalid utf-8 sequence of 1 bytes from index 0".into();
    assert_eq!(no_utf8, Err(CallError::Trapped { call: "send", reason }));
}

#[test]
fn a_reason_with_escapes_and_without_end_is_tidied() {
    let result = outcome(
        "(memory.fill (i32.const 131072) (i32.const 27) (i32.const 100000))
         (i32.store8 (global.get $outcome) (i32.const 4))
         (i32.store offset=8 (global.get $outcome) (i32.const 131072))
         (i32.store offset=12 (global.get $outcome) (i32.const 100000))",
    );
    // 1,024 bytes at most: 340 of them, which have three each, and what says that there were more.
    assert_eq!(result, Ok(Outcome::Rejected(format!("{}…", "\u{fffd}".repeat(340)))));
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
    let broken = |how: &str| format!("the component broke the contract: `describe` {how}");
    assert_eq!(not_started(&many), broken("lists more than 100 settings or endpoints"));
    for (name, shown) in [
        ("", ""),
        ("Intake", "Intake"),
        ("https://evil.example", "https://evil.example"),
        ("a\nb = 1", "a b = 1"),
        ("a.b", "a.b"),
        ("\u{1b}[2J", "\u{fffd}[2J"),
    ] {
        let guest = Guest::with(|guest| guest.endpoints = vec![name.into()]);
        let expected = broken(&format!("names an endpoint `{shown}`, which is not a name"));
        assert_eq!(not_started(&guest), expected);
    }
    let twice = Guest::with(|guest| guest.endpoints = vec!["intake".into(), "intake".into()]);
    assert_eq!(not_started(&twice), broken("names the endpoint `intake` twice"));
}

#[test]
fn what_is_called_delivered_without_a_request_is_not_believed() {
    let whole =
        send(&Guest::sending("(i32.store8 (global.get $outcome) (i32.const 0)) (global.get $outcome)"));
    let part = send(&Guest::sending(
        "(i32.store8 (global.get $outcome) (i32.const 1))
         (i32.store offset=8 (global.get $outcome) (i32.const 131072))
         (i32.store offset=12 (global.get $outcome) (i32.const 2))
         (global.get $outcome)",
    ));
    for result in [whole, part] {
        let how = "`send` says that events were delivered, but no request of its was answered";
        assert_eq!(result, Err(CallError::Contract(how.into())));
    }
}

#[test]
fn a_receipt_without_a_request_is_not_believed() {
    let receipt = "(i32.store8 (i32.const 131072) (i32.const 0))
        (i32.store (i32.const 131080) (global.get $problem))
        (i32.store (i32.const 131084) (global.get $problem_length))
        (i32.const 131072)";
    let erased = |guest: &[u8], ids: &[String]| start(guest).unwrap().erase(ids, &context());
    let ids = ["0123456789abcdef".to_owned()];
    let erasing = |code: String| Guest::with(|guest| guest.erase = Some(code));
    let lie = erasing(receipt.into());
    let how = "`erase` says that it has a receipt, but no request of its was answered";
    assert_eq!(erased(&lie, &ids), Err(CallError::Contract(how.into())));
    // Nor is one for a request that was not let out, or that an earlier call made.
    let denied = Guest::with(|guest| {
        guest.endpoint = "other".into();
        guest.erase = Some(format!("(call $request) {receipt}"));
    });
    assert_eq!(erased(&denied, &ids), Err(CallError::Contract(how.into())));
    let mut backend = start(&lie).unwrap();
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    assert_eq!(backend.erase(&ids, &context()), Err(CallError::Contract(how.into())));

    let got = Ok(Erasure::Receipt("it is never right".into()));
    assert_eq!(erased(&erasing(format!("(call $request) {receipt}")), &ids), got);
    assert_eq!(erased(&lie, &[]), got, "of no ids there is nothing to ask");
}
