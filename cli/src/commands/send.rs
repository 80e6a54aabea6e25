//! `send FILE --events FILE.ndjson`: events through a component, to where the configuration grants.
//! What a sender does once; nothing is kept and nothing is tried again.

use std::path::PathBuf;
use std::process::ExitCode;

use telemetry_host::types::{Outcome, SendContext, Verdict};
use telemetry_host::{Backend, Door, LoadOptions, Proxies, Setup};

use crate::configuration::Configuration;
use crate::{batches, component, events, show};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The component
    file: PathBuf,
    /// Events, one JSON object on each line: what the backend `file` writes, or {"type": ..., "name": ...}
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Settings and endpoints
    #[arg(long, value_name = "FILE", default_value = "telemetry.toml")]
    config: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let configuration = Configuration::read(&args.config)?;
    let events = events::read(&args.events)?;
    let mut options = LoadOptions::default();
    options.limits = configuration.limits();
    let component = component::load(&args.file, &options)?;
    let mut setup = Setup::new(configuration.settings()?, Door::open());
    setup.grants = configuration.grants()?;
    setup.proxies = Proxies::from_env();
    let mut backend = Backend::start(&component, setup).map_err(|error| error.to_string())?;

    let cut = batches::cut(events, backend.description().limits);
    let mut failures = cut.too_big.len();
    for (event, size) in &cut.too_big {
        let most = backend.description().limits.event_bytes;
        show::bad(&format!("{}: {size} bytes, and the backend takes {most}", event.id));
    }
    let mut waiting: Vec<_> = cut.batches.into_iter().rev().collect();
    let mut number = 0;
    while let Some(batch) = waiting.pop() {
        number += 1;
        let context = SendContext { attempt: 1, request_id: events::id(number), now: events::now() };
        let count = batch.events.len();
        let progress = show::progress(&format!("batch {number} of {}", number + waiting.len()));
        let outcome = backend.send(&batch, &context);
        drop(progress);
        for line in backend.take_logs() {
            show::aside(&format!("{:?}: {}", line.level, line.text));
        }
        let said = match outcome {
            Ok(Outcome::TooLarge) if count > 1 => {
                let mut front = batch;
                let back = front.events.split_off(count / 2);
                let origin = front.origin.clone();
                waiting.push(telemetry_host::types::Batch { origin, events: back });
                waiting.push(front);
                show::note(&format!("{count} events are too large for one request: cut in two"));
                continue;
            }
            Ok(outcome) => judge(&outcome, count),
            Err(error) => Err((count, error.to_string())),
        };
        match said {
            Ok(()) => show::good(&format!("{count} events delivered")),
            Err((lost, reason)) => {
                failures += lost;
                show::bad(&format!("{lost} of {count} events were not delivered: {reason}"));
            }
        }
    }
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many events were not delivered, and why.
fn judge(outcome: &Outcome, count: usize) -> Result<(), (usize, String)> {
    match outcome {
        Outcome::Delivered => Ok(()),
        Outcome::Partial(verdicts) => {
            let reasons: Vec<_> = verdicts
                .iter()
                .filter_map(|verdict| match verdict {
                    Verdict::Delivered => None,
                    Verdict::Retry(why) | Verdict::Rejected(why) | Verdict::Other(why) => Some(why),
                })
                .collect();
            match reasons.first() {
                None => Ok(()),
                Some(why) => Err((reasons.len(), (*why).clone())),
            }
        }
        Outcome::Retry(advice) => Err((count, format!("to be tried again: {}", advice.reason))),
        Outcome::TooLarge => Err((count, "too large for one request".into())),
        Outcome::Rejected(why) => Err((count, format!("rejected: {why}"))),
        Outcome::Other(why) => Err((count, why.clone())),
    }
}
