//! A million machines, in virtual time, through an outage of an hour: what the vendor sees, under the
//! rules as they are and under rules without jitter.
//!
//! ```text
//! cargo run --release -p cli-telemetry --no-default-features --example fleet [machines]
//! ```

mod sim;

use std::process::ExitCode;

use sim::{Answer, Scenario};
use telemetry::delivery::rules::Rules;

fn main() -> ExitCode {
    let machines = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 1_000_000,
        Some(Ok(machines)) => machines,
        Some(Err(_)) => {
            eprintln!("how many machines? a number, as in: fleet 100000");
            return ExitCode::FAILURE;
        }
    };
    println!("{machines} machines, 20 runs a day each; a tenth also runs at minute 0 of each hour.");
    println!("Away from 09:00. Rates are multiples of the steady mean; # mean, · highest minute.\n");
    let hour = Scenario::outage(machines, 1);
    let told = Scenario { answer: Answer::RetryAtRecovery, ..hour.clone() };
    let (rules, control) = (Rules::default(), sim::without_jitter());
    let mut highest = 0f64;
    for (what, scenario) in [
        ("the rules as they are", hour.clone()),
        ("the same; the vendor tells everybody to come back at 10:00", told),
    ] {
        let curve = sim::run(&scenario, &rules, true);
        println!("== {what}\n{}", curve.text());
        highest = highest.max(curve.after_recovery());
    }
    for hours in [2, 6, 24] {
        let curve = sim::run(&Scenario::outage(machines / 10, hours), &rules, true);
        println!("== a tenth of the fleet, away for {hours} hours\n{}", curve.summary());
        highest = highest.max(curve.after_recovery());
    }
    let control = sim::run(&hour, &control, false);
    println!("== control: without jitter\n{}", control.text());
    let kept = highest < 2.0 && control.after_recovery() > 5.0;
    println!("{}", if kept { "kept: under 2 in every case, and the control over 5" } else { "BROKEN" });
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
