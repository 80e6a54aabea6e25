//! A program that records much does not allocate for it.
#![forbid(unsafe_code)]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use telemetry::event::{Attribute, kind};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn an_event_with_three_texts_is_recorded_without_an_allocation() {
    let home = tempfile::tempdir().unwrap();
    let toml = "[tool]\nid = \"com.example.busy\"\nforce = true\nsend_from_tests = true\n[backend]\nuse = \"file\"\n";
    let tool = telemetry::Tool::from_toml("1.0.0", toml).data_directory(home.path());
    let telemetry = telemetry::start!(tool);
    let record = |events: u32| {
        for _ in 0..events {
            let attributes = [
                Attribute::new("format", "json"),
                Attribute::new("target", "x86_64-unknown-linux-gnu"),
                Attribute::new("profile", "release"),
            ];
            telemetry.track(kind::COMMAND_INVOCATION, "project/build", &attributes);
        }
    };
    // Past the first ones, after which the segment is mapped.
    record(500);
    // A stretch may meet the end of a segment, which is no steady state; most do not.
    let allocations: Vec<usize> = (0..20)
        .map(|_| {
            let region = Region::new(ALLOCATOR);
            record(50);
            region.change().allocations
        })
        .collect();
    let clean = allocations.iter().filter(|count| **count == 0).count();
    assert!(clean >= 18, "{allocations:?}");
    assert!(telemetry.enabled());
}
