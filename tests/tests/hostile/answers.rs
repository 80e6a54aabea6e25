//! Answers that are nonsense, lies, or made to be shown to somebody.

use telemetry::event::Timestamp;
use telemetry_tests::{Home, Vendor};

use super::{Case, Guest, NO_MORE_COPYING, case, config, contained, crashed, greeting, run};

/// After an honest request, an outcome made by hand.
fn answering(code: &str) -> Vec<u8> {
    Guest::sending(&format!("(call $request) {code} (global.get $outcome)"))
}

/// A case of one request.
fn sent(wasm: Vec<u8>, says: impl Into<String>) -> Case {
    Case { leave: 1, ..case(wasm, says) }
}

fn verdicts(count: u32) -> Vec<u8> {
    answering(&format!(
        "(i32.store8 (global.get $outcome) (i32.const 1))
         (drop (memory.grow (i32.const 400)))
         (i32.store offset=8 (global.get $outcome) (i32.const 131072))
         (i32.store offset=12 (global.get $outcome) (i32.const {count}))"
    ))
}

#[test]
fn verdicts_on_other_events_than_there_are() {
    let wrong = |count| {
        format!("crashed: the component broke the contract: `send` gave {count} verdicts for 1 events")
    };
    contained([
        sent(verdicts(0), wrong(0)),
        sent(verdicts(2), wrong(2)),
        sent(verdicts(1 << 20), crashed(NO_MORE_COPYING)),
    ]);
}

#[test]
fn outcomes_and_texts_that_do_not_exist() {
    let text_at = |pointer: &str, length: &str| {
        answering(&format!(
            "(i32.store (i32.const 200000) (i32.const -1))
             (i32.store8 (global.get $outcome) (i32.const 4))
             (i32.store offset=8 (global.get $outcome) (i32.const {pointer}))
             (i32.store offset=12 (global.get $outcome) (i32.const {length}))"
        ))
    };
    let outside = "string pointer/length out of bounds of memory";
    contained([
        sent(
            answering("(i32.store8 (global.get $outcome) (i32.const 77))"),
            crashed("unexpected discriminant: 77"),
        ),
        sent(text_at("1024", "-1"), crashed(outside)),
        sent(text_at("2147483647", "2147483647"), crashed(outside)),
        sent(text_at("200000", "4"), crashed("invalid utf-8 sequence of 1 bytes from index 0")),
    ]);
}

#[test]
fn a_delivery_that_never_was() {
    let lie = Guest::sending("(i32.store8 (global.get $outcome) (i32.const 0)) (global.get $outcome)");
    contained([case(
        lie,
        "crashed: the component broke the contract: `send` says that events were delivered, but no request of its \
         was answered",
    )]);
}

#[test]
fn a_receipt_that_never_was() {
    let lie = Guest::with(|it| {
        it.erase = Some(
            "(i32.store8 (i32.const 131072) (i32.const 0))
             (i32.store (i32.const 131080) (global.get $problem))
             (i32.store (i32.const 131084) (global.get $problem_length))
             (i32.const 131072)"
                .into(),
        );
    });
    let vendor = Vendor::start();
    let home = Home::new(&config(&case(Vec::new(), ""), &vendor.url()));
    home.author_file("backend.wasm", &lie);
    assert_eq!(run(&home, &["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(&home, &["hello", "Ada"]), greeting());
    assert_eq!(vendor.requests().len(), 1, "something was sent, and is to be erased");
    let reset = run(&home, &["telemetry", "reset"]);
    let why = "the component broke the contract: `erase` says that it has a receipt, but no request of its was \
               answered";
    assert!(reset.stdout.contains(&format!("not confirmed yet ({why}")), "{reset:?}");
    assert!(!reset.stdout.contains("accepted"), "{reset:?}");
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn a_reason_that_speaks_to_the_terminal_and_never_ends() {
    let escapes = answering(
        "(memory.fill (i32.const 131072) (i32.const 27) (i32.const 100000))
         (i32.store8 (i32.const 131074) (i32.const 10))
         (i32.store8 (global.get $outcome) (i32.const 2))
         (i32.store8 offset=16 (global.get $outcome) (i32.const 0))
         (i32.store offset=8 (global.get $outcome) (i32.const 131072))
         (i32.store offset=12 (global.get $outcome) (i32.const 100000))",
    );
    // 300 characters at most. The line break became a space.
    contained([sent(escapes, format!("retry: \u{fffd}\u{fffd} {}…", "\u{fffd}".repeat(296)))]);
}

/// What the next attempt waits for after an answer with this wish, in seconds.
fn seconds_until_the_next_attempt(wish: &str) -> i64 {
    let wasm = answering(&format!(
        "(i32.store8 (global.get $outcome) (i32.const 2))
         (i32.store8 offset=16 (global.get $outcome) (i32.const 1))
         (f64.store offset=24 (global.get $outcome) (f64.const {wish}))"
    ));
    let vendor = Vendor::start();
    let home = Home::new(&config(&case(Vec::new(), ""), &vendor.url()));
    home.author_file("backend.wasm", &wasm);
    assert_eq!(run(&home, &["telemetry", "enable"]).code, Some(0));
    let before = Timestamp::now().seconds;
    assert_eq!(run(&home, &["hello", "Ada"]), greeting());
    assert_eq!(vendor.requests().len(), 1, "{wish}");
    let status = run(&home, &["telemetry", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(status["pending_events"], 1, "{wish}: {status}");
    let Some(next) = status["next_attempt"].as_str() else { return 0 };
    // RFC 3339 sorts as time does.
    let later = |seconds: i64| Timestamp { seconds: before + seconds, nanos: 0 }.rfc3339();
    (0..=72 * 60).map(|minute| minute * 60).find(|it| later(*it).as_str() > next).expect("within three days")
}

#[test]
fn a_wait_that_is_no_number_is_no_wait_and_one_without_end_is_a_day_and_a_half_at_most() {
    const HOUR: i64 = 3_600;
    for none in ["nan", "-1", "-inf"] {
        let waits = seconds_until_the_next_attempt(none);
        assert!(waits < 13 * HOUR, "{none}: the usual schedule: {waits}");
    }
    for endless in ["1e300", "1e15"] {
        let waits = seconds_until_the_next_attempt(endless);
        assert!((24 * HOUR..=36 * HOUR + 600).contains(&waits), "{endless}: {waits}");
    }
}

#[test]
fn descriptions_that_are_too_long_or_name_what_is_no_name() {
    let broken = |how: &str| format!("held: the component broke the contract: `describe` {how}");
    contained([
        case(
            Guest::with(|it| it.endpoints = (0..101).map(|number| format!("e{number}")).collect()),
            broken("lists more than 100 settings or endpoints"),
        ),
        case(
            Guest::with(|it| it.endpoints = vec!["\u{1b}[2J\n[endpoints.x]".into()]),
            broken("names an endpoint `\u{fffd}[2J [endpoints.x]`, which is not a name"),
        ),
        case(
            Guest::with(|it| it.endpoints = vec!["intake".into(), "intake".into()]),
            broken("names the endpoint `intake` twice"),
        ),
        case(
            Guest::with(|it| it.credential = true),
            "held: endpoint \"intake\" has no credential (The key), and its vendor takes no request without one: add \
             `credential = { bearer = true, env = \"…\" }` under [endpoints.intake] in telemetry.toml",
        ),
    ]);
}
