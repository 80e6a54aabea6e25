//! What an author does for a large fleet: sampling by machine and a ceiling for each run, seen in a whole tool.
#![cfg(unix)]

use serde_json::Value;

#[path = "probe/home.rs"]
mod home;

use home::{Home, program};

/// A home whose tool is set up like this, without a backend on any network.
struct Scaled(Home, &'static str);

impl Scaled {
    fn new(delivery: &'static str) -> Self {
        Self(Home::new(), delivery)
    }

    fn run(&self, way: &str) -> std::process::Output {
        let mut command = self.0.command(&program(), way);
        let output = command.env("PROBE_DELIVERY", self.1).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// Events that arrived.
    fn arrived(&self) -> usize {
        std::fs::read_to_string(self.0.path("events.ndjson")).unwrap_or_default().lines().count()
    }

    fn status(&self) -> Value {
        serde_json::from_slice(&self.run("status").stdout).unwrap()
    }
}

#[test]
fn a_run_records_no_more_than_its_ceiling_and_the_rest_is_counted() {
    let it = Scaled::new("interval = \"0s\"\nmax_events_per_run = 3");
    it.run("five");
    it.run("five");
    assert_eq!(it.arrived(), 6, "three of each run");
    let status = it.status();
    assert_eq!(status["ceiling"], 3);
    assert_eq!(status["losses"], serde_json::json!([["over a run's ceiling", 4]]));
}

#[test]
fn a_machine_is_in_the_sample_of_a_kind_or_not_in_every_run_also_without_an_identity() {
    for identity in ["keyed", "none", "random", "unkeyed"] {
        for (share, most) in [("0.0", Some(0)), ("0.5", None), ("1.0", Some(30))] {
            let delivery = format!(
                "interval = \"0s\"\nsample = {{ \"feature.used\" = {share} }}\n[identity]\nkind = \"{identity}\""
            );
            let it = Scaled::new(delivery.leak());
            (0..6).for_each(|_| drop(it.run("five")));
            let arrived = it.arrived();
            match most {
                Some(exact) => assert_eq!(arrived, exact, "{identity}, {share}"),
                None => assert!(arrived == 0 || arrived == 30, "{identity}: the runs differ: {arrived}"),
            }
            let share: f64 = share.parse().unwrap();
            assert_eq!(it.status()["sampling"], serde_json::json!([["feature.used", share]]));
        }
    }
}

#[test]
fn status_says_how_a_fleet_is_spread() {
    let it = Scaled::new("interval = \"20m\"\njitter = 0.25");
    let status = it.status();
    assert_eq!((&status["interval_seconds"], &status["jitter"]), (&1200.0.into(), &0.25.into()));
    let it = Scaled::new("interval = \"0s\"");
    assert_eq!(it.status()["jitter"], 0.5, "by default");
}
