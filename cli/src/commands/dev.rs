//! `dev FILE|DIR`: builds, runs a batch of samples against a receiver, shows the requests, the log and
//! what went wrong, and does it again whenever something changes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use telemetry_host::{Level, LoadOptions};

use crate::check::{Bench, sample, sending, settings};
use crate::commands::receive;
use crate::configuration::Configuration;
use crate::project::Project;
use crate::receiver::Receiver;
use crate::{component, show};

/// How often a project is looked at.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A component, or the directory of a project
    path: PathBuf,
    /// The settings to run it with [default: what it describes itself]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print a line for each event in place of whole requests
    #[arg(short, long)]
    brief: bool,
    /// Run once, and do not wait for a change
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let project = Project::find(&args.path)?;
    let receiver =
        Receiver::start().map_err(|error| format!("cannot listen on the loopback interface: {error}"))?;
    loop {
        let seen = project.look();
        let ran = project.build().and_then(|file| once(args, &file, &receiver));
        if let Err(why) = &ran {
            show::bad(why);
        }
        if args.once {
            return Ok(if ran.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        show::aside("waiting for a change; end with Ctrl-C");
        while project.look() == seen {
            std::thread::sleep(PAUSE);
        }
    }
}

/// One run: a batch of samples, and what became of it.
fn once(args: &Args, file: &Path, receiver: &Receiver) -> Result<(), String> {
    let configuration = args.config.as_deref().map(Configuration::read).transpose()?;
    let mut options = LoadOptions::default();
    if let Some(configuration) = &configuration {
        options.limits = configuration.limits();
    }
    let component = component::load(file, &options)?;
    show::title(&format!("{} (sha256 {})", file.display(), component.sha256()));
    let description = component.describe().map_err(|error| error.to_string())?;
    let mut bench =
        Bench::new(component, file, &options, &description, configuration.as_ref(), crate::check::success())?;
    if configuration.is_none() {
        bench.settings = settings::guess(&bench).map_err(|why| why.sentence(false))?;
    }
    let called = bench.send_to_url(&receiver.url(), &sample::batch(sample::shown()));
    for _ in &called.requests {
        // What left was answered, and so is here.
        if let Some(request) = receiver.next(Duration::from_secs(5)) {
            receive::print(&request, args.brief);
        }
    }
    for line in &called.logs {
        let text = format!("{:?} {:?}: {}", line.stream, line.level, line.text);
        if line.level >= Level::Warn { show::warn(&text) } else { show::note(&text) }
    }
    if let Some(why) = &called.refused {
        show::warn(&format!("the host refused a request: {why}"));
    }
    let outcome = called.result?;
    show::good(&format!("{} requests; the outcome is {}", called.requests.len(), sending::name(&outcome)));
    Ok(())
}
