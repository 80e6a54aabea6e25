//! `precompile FILE`: machine code for a tool that is built without a compiler. It is checked here,
//! because a tool's author should learn now, and not its user, that a component will be refused.

use std::path::PathBuf;
use std::process::ExitCode;

use telemetry_host::{CompileFor, LoadOptions, Source, precompile};

use crate::{component, show};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The component
    file: PathBuf,
    /// The target that the tool is built for, as in `x86_64-unknown-linux-gnu` [default: this machine's]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Where to write it [default: FILE.precompiled]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let component = component::load(&args.file, &LoadOptions::default())?;
    let target = args.target.clone().unwrap_or_else(|| env!("KIT_TARGET").to_owned());
    let progress = show::progress(&format!("compiling for {target}"));
    let artefact =
        precompile(Source::Path(&args.file), &LoadOptions::default(), &CompileFor::Native(target.clone()))
            .map_err(|error| component::said(&args.file, &error))?;
    drop(progress);
    let output = args.output.clone().unwrap_or_else(|| {
        let mut name = args.file.clone().into_os_string();
        name.push(".precompiled");
        name.into()
    });
    std::fs::write(&output, &artefact).map_err(|error| format!("{}: {error}", output.display()))?;
    show::line(&format!("{} ({} bytes, for {target})", output.display(), artefact.len()));
    show::aside(&format!(
        "made of the component with the SHA-256 {}; embed it with include_bytes! and load it as \
         telemetry_host::Source::Precompiled",
        component.sha256()
    ));
    Ok(ExitCode::SUCCESS)
}
