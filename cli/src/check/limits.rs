//! Batches as big as the component says that it takes: delivered, cut or set aside, never lost.

use std::time::Instant;

use telemetry_host::types::{Batch, Event, Outcome, Verdict};

use super::bench::Bench;
use super::report::{Report, Said};
use super::sample::{self, Found};
use super::sending;
use crate::batches;

/// Enough for any vendor's count, little enough for a check of seconds.
const EVENTS: usize = 10_000;
/// The host's own limit on a request, beyond which a described limit says nothing.
const BYTES: u64 = 16 << 20;

pub(crate) fn check(report: &mut Report, bench: &Bench) {
    report.group("limits");
    let limits = bench.description.limits;
    let bytes = u64::from(limits.bytes).min(BYTES);
    report.check("most-events", "a batch of as many events as it takes is delivered", |said| {
        let size = batches::estimate(&sample::event(0));
        let fit = usize::try_from(bytes / size).unwrap_or(EVENTS);
        let count = usize::try_from(limits.events).unwrap_or(EVENTS).min(EVENTS).min(fit).max(1);
        run(said, bench, (0..count).map(sample::event).collect());
    });
    report.check("most-bytes", "a batch of as many bytes as it takes is delivered", |said| {
        let each = u64::from(limits.event_bytes).min(bytes / 2).clamp(1, 100 << 10);
        let most = usize::try_from(limits.events).unwrap_or(EVENTS);
        let count = usize::try_from(bytes / each.max(1_000)).unwrap_or(1).clamp(1, most);
        run(said, bench, (0..count).map(|at| sample::event_of(at, each)).collect());
    });
    report.check("biggest-event", "an event as big as it takes is delivered", |said| {
        let each = u64::from(limits.event_bytes).min(bytes);
        run(said, bench, vec![sample::event_of(0, each)]);
    });
}

/// Delivers as a host does: cut in two where the outcome is `too-large`.
fn run(said: &mut Said, bench: &Bench, events: Vec<Event>) {
    if sending::stuck(said, bench) {
        return;
    }
    let alone = sample::found(&bench.send(&sample::first(1)).requests).get(&0).copied().unwrap_or_default();
    let (count, started) = (events.len(), Instant::now());
    let mut waiting = vec![sample::batch(events)];
    while let Some(mut batch) = waiting.pop() {
        let of = batch.events.len();
        let called = bench.send(&batch);
        if let Some(why) = &called.refused {
            said.fail(format!("of {of} events the host refused a request: {why}"));
            return;
        }
        match called.result {
            Err(why) => return said.fail(format!("{of} events within its limits: {why}")),
            Ok(Outcome::TooLarge) if of > 1 => {
                let events = batch.events.split_off(of / 2);
                waiting.extend([Batch { origin: batch.origin.clone(), events }, batch]);
            }
            Ok(Outcome::Delivered) => all_there(said, &batch, &sample::found(&called.requests), alone),
            Ok(Outcome::Partial(verdicts)) if verdicts.iter().all(|it| *it == Verdict::Delivered) => {
                all_there(said, &batch, &sample::found(&called.requests), alone);
            }
            Ok(outcome) => {
                return said.fail(format!(
                    "{of} events within the limits that it described, which the vendor took: {}",
                    sending::name(&outcome)
                ));
            }
        }
    }
    said.note(format!("{count} events in {} ms", started.elapsed().as_millis()));
}

fn all_there(said: &mut Said, batch: &Batch, found: &std::collections::BTreeMap<usize, Found>, alone: Found) {
    let number =
        |event: &Event| event.id.rsplit('-').next().and_then(|it| usize::from_str_radix(it, 16).ok());
    let missing = batch.events.iter().filter_map(number).filter(|number| {
        let here = found.get(number).copied().unwrap_or_default();
        here.less_than(alone)
    });
    let missing = missing.count();
    if missing > 0 {
        said.fail(format!(
            "{missing} of {} events are not in the requests, and it says that they are delivered",
            batch.events.len()
        ));
    }
}
