//! What consent and identity cost, as ratios to what was measured in the same run.
//!
//! Run with `cargo bench -p cli-telemetry --no-default-features --features commands,config-file,sender --bench consent`.

use std::hint::black_box;
use std::time::{Duration, Instant};
use telemetry::consent::{
    Author, Gate, Inputs, MachinePolicy, Place, Stored, SystemWait, Verdict, allow, at_start, deny, file,
    machine_policy,
};
use telemetry::event::Timestamp;
use telemetry::identity::{Identity, Signals, current, unkeyed};

/// The best of several runs: what it costs when nothing else gets in the way.
fn cost(name: &str, times: u32, mut what: impl FnMut()) -> Duration {
    let best = (0..15)
        .map(|_| {
            let start = Instant::now();
            (0..times).for_each(|_| what());
            start.elapsed() / times
        })
        .min()
        .unwrap_or_default();
    println!("{name:<58} {best:>12.1?}");
    best
}

fn decide(stored: &dyn Fn() -> Stored, machine: &dyn Fn() -> MachinePolicy) -> Verdict {
    let author = Author {
        tool_name: "greet",
        enabled: true,
        force: false,
        policy: 1,
        destination: "https://here.example",
        debug_sends: true,
        tests_count: true,
    };
    at_start(&Inputs {
        author: &author,
        debug_build: false,
        environment: &|name| std::env::var_os(name),
        machine,
        harness: &|| None,
        stored,
    })
}

fn main() -> std::io::Result<()> {
    let directory = std::env::temp_dir().join(format!("telemetry-bench-{}", std::process::id()));
    let place = Place::new(directory.join("greet"));
    let silent = || MachinePolicy::Silent;

    let stat = cost("one stat of a file", 2000, || drop(black_box(std::fs::symlink_metadata("/etc/passwd"))));
    let open = cost("open, read and close a file", 2000, || drop(black_box(std::fs::read("/etc/hostname"))));

    let undecided = cost("at the start, undecided", 2000, || {
        black_box(decide(&|| file::read(&place), &silent));
    });
    allow(&place, true, 1, "https://here.example", Timestamp::default())?;
    let granted = cost("at the start, granted, machine policy looked for", 2000, || {
        black_box(decide(&|| file::read(&place), &|| machine_policy("com.example.greet")));
    });

    let start = Timestamp::now();
    let gate = Gate::open(place.clone(), start, move |stored| decide(stored, &silent));
    let clock = cost("reading the clock", 100_000, || {
        black_box(Timestamp::now());
    });
    let between = cost("the gate between two looks", 100_000, || {
        black_box(gate.may(black_box(start)));
    });
    let look = cost("the gate's look", 2000, || {
        black_box(gate.look());
    });

    let signals = cost("the machine id, computed (unkeyed)", 200, || {
        black_box(unkeyed(&Signals::read()));
    });
    let cached = cost("the machine id, remembered (keyed)", 2000, || {
        black_box(current(place.directory(), Identity::Keyed, "com.example.greet"));
    });

    deny(&place, 1, Timestamp::default(), &SystemWait::default()).map_err(std::io::Error::other)?;
    let denied = cost("at the start, denied", 2000, || {
        black_box(decide(&|| file::read(&place), &silent));
    });

    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64().max(1e-12);
    println!();
    println!("the gate between two looks / reading the clock     {:>6.2}", ratio(between, clock));
    println!("the gate's look / one stat                         {:>6.2}", ratio(look, stat));
    println!("at the start, undecided / open, read and close     {:>6.2}", ratio(undecided, open));
    println!("at the start, denied / open, read and close        {:>6.2}", ratio(denied, open));
    println!("at the start, granted / open, read and close       {:>6.2}", ratio(granted, open));
    println!("the id remembered / open, read and close           {:>6.2}", ratio(cached, open));
    println!("the id remembered / computed                       {:>6.2}", ratio(cached, signals));
    std::fs::remove_dir_all(directory)
}
