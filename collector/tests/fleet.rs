//! An outage is not a flood: a fleet in virtual time. The full million is the example `fleet`; here a small
//! part of it, which has the same curve with more noise. The chance is seeded, so every run is the same.

#[path = "../examples/fleet/sim.rs"]
mod sim;

use sim::{Answer, Scenario};
use telemetry::delivery::rules::Rules;

#[test]
fn after_an_outage_the_fleet_comes_back_at_under_twice_its_steady_rate() {
    let scenario = Scenario::outage(30_000, 1);
    let spread = sim::run(&scenario, &Rules::default(), true);
    assert!(spread.after_recovery() < 2.0, "{}", spread.text());
    let control = sim::run(&scenario, &sim::without_jitter(), false);
    assert!(control.after_recovery() > 5.0, "the control proves nothing:\n{}", control.text());
}

#[test]
fn a_vendor_that_names_one_moment_to_all_does_not_get_all_at_that_moment() {
    let scenario = Scenario { answer: Answer::RetryAtRecovery, ..Scenario::outage(30_000, 1) };
    let spread = sim::run(&scenario, &Rules::default(), true);
    assert!(spread.after_recovery() < 2.0, "{}", spread.summary());
}

#[test]
fn a_day_of_outage_sees_fewer_requests_than_a_good_day_by_far() {
    let spread = sim::run(&Scenario::outage(10_000, 24), &Rules::default(), true);
    assert!(spread.during_outage() < 0.6, "{}", spread.summary());
}
