//! Answers that are nonsense, lies, or made to be shown to somebody.

use super::*;

fn outcome(code: &str) -> Result<Outcome, CallError> {
    // After a request: without one, nothing can have been delivered.
    send(&Guest::sending(&format!("(call $request) {code} (global.get $outcome)")))
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
    for (pointer, length) in [("-16", "8"), ("1024", "-1"), ("0", "2147483647"), ("2147483647", "2147483647")]
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
        let Err(CallError::Contract(how)) = result else { panic!("{result:?}") };
        assert!(how.contains("no request of its was answered"), "{how}");
    }
}
