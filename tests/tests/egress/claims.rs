//! One request for each claim.

use telemetry_guests::Guest;
use telemetry_tests::{Answer, Vendor};

use super::*;

fn at_most_once(url: &str) -> String {
    config("intake", url, "allow = [\"http\", \"loopback\"]")
        .replace("[delivery]\n", "[delivery]\nsemantics = \"at-most-once\"\n")
}

#[test]
fn a_component_that_sends_twice_under_one_claim_gets_one_request_through() {
    // It answers with what the second request got.
    let twice = Guest::sending("(call $request) (call $request) (call $answer)");
    let vendor = Vendor::start();
    let home = waiting(&twice, &at_most_once(&vendor.url()), &[]);
    run(&home, &["telemetry", "flush"], &[]);
    let status = run(&home, &["telemetry", "status"], &[]);
    assert!(status.stdout.contains("no more than one request in one call"), "{status:?}");
    assert_eq!(vendor.requests().len(), 1);
    // The claim is used up, whatever became of it.
    run(&home, &["telemetry", "flush"], &[]);
    run(&home, &["telemetry", "flush"], &[]);
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn a_request_that_got_no_answer_is_not_made_again_either() {
    let vendor = Vendor::start();
    vendor.then(Answer::Reset);
    let home = waiting(&Guest::default().component(), &at_most_once(&vendor.url()), &[]);
    for _ in 0..3 {
        run(&home, &["telemetry", "flush"], &[]);
        assert_eq!(vendor.requests().len(), 1);
    }
}

#[test]
fn without_that_promise_a_component_may_make_several_requests() {
    let twice = Guest::sending("(call $request) (call $request) (call $answer)");
    let vendor = Vendor::start();
    let text = config("intake", &vendor.url(), "allow = [\"http\", \"loopback\"]");
    let home = waiting(&twice, &text, &[]);
    delivers(&home, &[]);
    assert_eq!(vendor.requests().len(), 2);
}
