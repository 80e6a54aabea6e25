//! What the attribute costs at run time: off at most 2 ns more than the same function without it, and on at
//! most 60 ns more than a start mark and a record of the same event alone. Exits with 1 where one is missed.
//!
//! `cargo bench -p cli-telemetry --no-default-features --features commands,config-file,sender --bench annotated`
//!
//! What is compared is called in turns, and each figure is the least of its rounds: what else the machine
//! does only ever adds to one. It runs itself again with a temporary home, so that "on" is the real journal,
//! with caps that it does not reach: a journal at its caps measures pruning.

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Instant;

use telemetry::__private::started_and_recorded;
use telemetry::event::Attribute;

const HOME: &str = "TELEMETRY_BENCH_HOME";
const ROUNDS: usize = 101;
/// Calls of each in a round, with telemetry on.
const ON_CALLS: u32 = 100;
/// Nanoseconds that the attribute may add.
const MOST_OFF: f64 = 2.0;
const MOST_ON: f64 = 60.0;
const AWAITS: u32 = 100;

macro_rules! pairs {
    ($($(#[$attribute:meta])* $name:ident $plain:ident($($parameter:ident: $type:ty),*) -> $out:ty $body:block)*) => {$(
        #[inline(never)]
        fn $plain($($parameter: $type),*) -> $out $body

        $(#[$attribute])*
        #[inline(never)]
        fn $name($($parameter: $type),*) -> $out $body
    )*};
}

pairs! {
    #[telemetry::command]
    nothing nothing_plain(n: &mut u64) -> () { *n = n.wrapping_mul(31).wrapping_add(7); }

    #[telemetry::command]
    value value_plain(n: u64) -> Result<u64, std::num::ParseIntError> { Ok(n.wrapping_mul(31).wrapping_add(7)) }

    #[telemetry::command(record(n), metadata(twice = n * 2))]
    facts facts_plain(n: u64) -> Result<u64, std::num::ParseIntError> { Ok(n.wrapping_mul(31).wrapping_add(7)) }
}

/// Something to wait for: without it the whole future would be taken apart into registers, which no future
/// is that waits for anything.
async fn something(n: &mut u64) {
    std::future::poll_fn(|_| {
        *black_box(&mut *n) += 1;
        std::task::Poll::Ready(())
    })
    .await;
}

macro_rules! futures {
    ($($(#[$attribute:meta])* $name:ident;)*) => {$(
        $(#[$attribute])*
        #[inline(never)]
        async fn $name(mut n: u64) -> Result<u64, std::num::ParseIntError> {
            something(&mut n).await;
            Ok(n.wrapping_mul(31).wrapping_add(7))
        }
    )*};
}

// The last one for what is measured with telemetry on: a function that is called at two places is not made
// part of either, and the others are each called at one.
futures! {
    future_plain;
    #[telemetry::command]
    future;
    #[telemetry::command]
    future_on;
}

fn wait<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(out) => out,
        std::task::Poll::Pending => unreachable!("it never waits"),
    }
}

/// Nanoseconds a call, of each, in turns: the least of all rounds.
fn compare(calls: u32, acts: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; acts.len()];
    for _ in 0..ROUNDS {
        for (act, least) in acts.iter_mut().zip(&mut least) {
            let started = Instant::now();
            for _ in 0..calls {
                act();
            }
            *least = least.min(started.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
        }
    }
    least
}

/// Prints a figure beside its target; whether it is met.
fn line(what: &str, with: f64, without: f64, most: f64) -> bool {
    let met = with - without <= most;
    let word = if met { "met" } else { "MISSED" };
    println!(
        "  {what:24} {with:8.2} ns   without {without:8.2} ns   {:+7.2} ns   (at most {most:+.0} ns: {word})",
        with - without
    );
    met
}

fn off() -> bool {
    println!("off, against the same function without the attribute:");
    let mut n = 1;
    let mut m = 1;
    let calls = 200_000;
    let times =
        compare(calls, &mut [&mut || nothing(black_box(&mut n)), &mut || nothing_plain(black_box(&mut m))]);
    let mut met = line("nothing returned", times[0], times[1], MOST_OFF);
    let times = compare(
        calls,
        &mut [&mut || drop(black_box(value(black_box(1)))), &mut || {
            drop(black_box(value_plain(black_box(1))))
        }],
    );
    met &= line("a value", times[0], times[1], MOST_OFF);
    let times = compare(
        calls,
        &mut [&mut || drop(black_box(facts(black_box(1)))), &mut || {
            drop(black_box(facts_plain(black_box(1))))
        }],
    );
    met &= line("a value, with two facts", times[0], times[1], MOST_OFF);
    // Awaited in a loop, as futures are: one that is made here and moved into what polls it would
    // measure the move of something larger.
    macro_rules! awaiting {
        ($future:ident) => {
            &mut || {
                wait(async {
                    for _ in 0..AWAITS {
                        drop(black_box($future(black_box(1)).await));
                    }
                });
            }
        };
    }
    let times = compare(calls / AWAITS, &mut [awaiting!(future), awaiting!(future_plain)]);
    met &= line("a future", times[0] / f64::from(AWAITS), times[1] / f64::from(AWAITS), MOST_OFF);
    met
}

fn on() -> bool {
    println!("on, against a start mark and a record of the same event:");
    let mut n = 1;
    let times = compare(
        ON_CALLS,
        &mut [
            &mut || started_and_recorded("value", &[]),
            &mut || nothing(black_box(&mut n)),
            &mut || drop(black_box(value(black_box(1)))),
            &mut || drop(black_box(wait(future_on(black_box(1))))),
            &mut || started_and_recorded("value", &[Attribute::new("n", 1), Attribute::new("twice", 2)]),
            &mut || drop(black_box(facts(black_box(1)))),
        ],
    );
    let mut met = true;
    for (what, time, without) in [
        ("nothing returned", times[1], times[0]),
        ("a value", times[2], times[0]),
        ("a future", times[3], times[0]),
        ("a value, with two facts", times[5], times[4]),
    ] {
        met &= line(what, time, without, MOST_ON);
    }
    met
}

fn main() -> ExitCode {
    if std::env::var_os(HOME).is_some() {
        let toml = "[tool]\nid = \"com.example.bench\"\nforce = true\nsend_from_tests = true\n[backend]\nuse = \"file\"\n[delivery]\nmode = \"never\"\n[journal]\nmax_events = 100_000_000\nmax_bytes = 100_000_000_000\n";
        let _telemetry = telemetry::start(telemetry::Tool::from_toml("1.0.0", toml).debug_build(false));
        if !telemetry::begin("probe").is_on() {
            println!("telemetry is off here, so there is nothing to measure: MISSED");
            return ExitCode::FAILURE;
        }
        return if on() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let off = off();
    let home = std::env::temp_dir().join(format!("telemetry-annotated-{}", std::process::id()));
    std::fs::create_dir_all(&home).expect("a temporary directory can be made");
    let mut again = Command::new(std::env::current_exe().expect("it is running"));
    for variable in ["XDG_STATE_HOME", "HOME", "LOCALAPPDATA", HOME] {
        again.env(variable, &home);
    }
    for variable in ["CI", "DO_NOT_TRACK", "TELEMETRY_ENABLED", "TELEMETRY_LOCAL"] {
        again.env_remove(variable);
    }
    let on = again.status().is_ok_and(|it| it.success());
    let _ = std::fs::remove_dir_all(&home);
    if off && on { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
