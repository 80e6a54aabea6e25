//! The same with a sender of its own, as most tools have one: nobody waits for a hostile component.

use super::{BRIEF, Case, Guest, case, config, greeting, honest, run, said};
use telemetry_tests::{Home, Vendor, eventually};

#[test]
fn a_sender_with_a_hostile_component_ends_and_leaves_the_reason_behind() {
    let exit = Guest::importing(
        "wasi:cli/exit@0.2.3",
        "(import \"wasi:cli/exit@0.2.3\" \"exit\" (func $exit (param i32)))",
        "(call $exit (i32.const 0)) (unreachable)",
    );
    for (wasm, says) in [
        (
            Guest::sending("(loop $forever (br $forever)) (unreachable)"),
            "the component was stopped in `send`: it used more than 300ms of processor time",
        ),
        (
            Guest::sending("(unreachable)"),
            "the component failed in `send`: wasm trap: wasm `unreachable` instruction executed",
        ),
        (exit, "the component called exit in `send` with status 0"),
    ] {
        let vendor = Vendor::start();
        let text = config(&Case { limits: BRIEF, ..case(Vec::new(), "") }, &vendor.url())
            .replace("mode = \"bounded\"\nwait = \"60s\"\n", "");
        let home = Home::new(&text);
        home.author_file("backend.wasm", &wasm);
        assert_eq!(run(&home, &["telemetry", "enable"]).code, Some(0));
        assert_eq!(run(&home, &["hello", "Ada"]), greeting());
        let mut status = String::new();
        // Failure upon failure without a wait in between, which only tests ask for, until it is held.
        eventually(&format!("the sender gives up: {says}"), || {
            status = run(&home, &["telemetry", "status"]).stdout;
            status.contains("the backend failed 8 times in a row") && !status.contains("(running)")
        });
        let held = said(&status);
        let last = held.strip_prefix("held: the backend failed 8 times in a row: ").expect("held for that");
        // So it begins where one sender has seen the last four of them.
        let left_alone = "the component is not called any more after 3 failures in a row; the last: ";
        assert_eq!(last.strip_prefix(left_alone).unwrap_or(last), says);
        assert!(status.contains("1 event, "), "{status}");
        assert!(vendor.requests().is_empty());

        home.author_file("backend.wasm", honest());
        assert_eq!(run(&home, &["telemetry", "flush"]).code, Some(0));
        assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
    }
}
