//! `check FILE`: whether a backend keeps its promises, in the real host, against a loopback vendor
//! that answers well and badly.
//!
//! Each group of promises is a file: what it says of itself (`describe`), its settings
//! (`configure`), what it sends (`sending`), how much (`limits`), what it makes of answers
//! (`answers`) and of none (`silence`), erasure (`erasure`), and what would ship (`shipping`).
//! `bench` holds the component and the vendor, `report` what was found.

mod answers;
pub(crate) mod bench;
mod configure;
mod describe;
mod erasure;
mod limits;
mod report;
pub(crate) mod sample;
pub(crate) mod sending;
pub(crate) mod settings;
mod shipping;
mod silence;
mod vendor;

use std::path::PathBuf;
use std::process::ExitCode;

use telemetry_host::{Inspection, LoadOptions, Source, inspect};

use crate::configuration::Configuration;
use crate::{component, show};
pub(crate) use bench::Bench;
use report::Report;
use vendor::Answer;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The component
    file: PathBuf,
    /// The settings and endpoints to check it with [default: what it describes itself]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Only warn where this promise is broken, as `retry-429`; for what the vendor documents otherwise
    #[arg(long, value_name = "ID")]
    allow: Vec<String>,
    /// The status with which this vendor says success
    #[arg(long, value_name = "STATUS", default_value_t = 200)]
    success_status: u16,
    /// The body with which this vendor says success, where the status is not all
    #[arg(long, value_name = "TEXT", default_value = "")]
    success_body: String,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let configuration = args.config.as_deref().map(Configuration::read).transpose()?;
    let cache = tempfile::tempdir().map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    let mut options = LoadOptions::default();
    options.cache = Some(cache.path().to_owned());
    if let Some(configuration) = &configuration {
        options.limits = configuration.limits();
    }
    // A component that fails three times is left alone by a sender; here each failure is wanted.
    options.limits.failures = 0;
    let progress = show::progress("compiling the component");
    let inspection =
        inspect(Source::Path(&args.file), &options).map_err(|error| component::said(&args.file, &error))?;
    drop(progress);

    let mut report = Report::new(&args.file, &inspection, &args.allow);
    let success = Answer::Status(args.success_status, Vec::new(), args.success_body.clone().into_bytes());
    examine(args, &inspection, configuration.as_ref(), &options, success, &mut report)?;
    report.finish()?;
    if args.json {
        show::json(&report.json());
    } else {
        report.print();
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The answer that most vendors give to what they take.
pub(crate) fn success() -> Answer {
    Answer::status(200)
}

fn examine(
    args: &Args,
    inspection: &Inspection,
    configuration: Option<&Configuration>,
    options: &LoadOptions,
    success: Answer,
    report: &mut Report,
) -> Result<(), String> {
    report.group("file");
    report.check("loads", "a tool loads it: it asks for nothing that a backend may not have", |it| {
        if let Some(why) = &inspection.refused {
            it.fail(why);
        }
    });
    let description = match &inspection.description {
        Some(Ok(description)) => description,
        Some(Err(why)) => {
            report.check("describe", "it says what it is", |it| it.fail(why));
            return Ok(());
        }
        None => return Ok(()),
    };
    describe::check(report, description, options);
    if let Some(configuration) = configuration {
        shipping::check(report, description, inspection, configuration);
    }
    let component = component::load(&args.file, options)?;
    let bench = Bench::new(component, &args.file, options, description, configuration, success)?;
    let Some(bench) = configure::check(report, bench, configuration.is_some()) else { return Ok(()) };
    sending::check(report, &bench);
    limits::check(report, &bench);
    answers::check(report, &bench);
    silence::check(report, &bench);
    erasure::check(report, &bench);
    Ok(())
}
