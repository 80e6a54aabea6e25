//! `precompile FILE`: code for a tool that is built without a compiler, for the processor and for the
//! interpreter, which serves where the system refuses executable memory. It is checked here,
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
    /// Only code for the interpreter, which every machine runs: for a target that no code can be made for here
    #[arg(long, conflicts_with = "target")]
    interpreted: bool,
    /// Where to write it [default: FILE.precompiled]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let component = component::load(&args.file, &LoadOptions::default())?;
    let (target, for_whom) = if args.interpreted {
        (CompileFor::Pulley, "the interpreter".to_owned())
    } else {
        let triple = args.target.clone().unwrap_or_else(|| env!("KIT_TARGET").to_owned());
        // The second part is for systems that refuse executable memory.
        let for_whom = format!("{triple} and the interpreter");
        (CompileFor::Both(triple), for_whom)
    };
    let progress = show::progress(&format!("compiling for {for_whom}"));
    let artefact = precompile(Source::Path(&args.file), &LoadOptions::default(), &target)
        .map_err(|error| component::said(&args.file, &error))?;
    drop(progress);
    let output = args.output.clone().unwrap_or_else(|| {
        let mut name = args.file.clone().into_os_string();
        name.push(".precompiled");
        name.into()
    });
    std::fs::write(&output, &artefact).map_err(|error| format!("{}: {error}", output.display()))?;
    show::line(&format!("{} ({} bytes, for {for_whom})", output.display(), artefact.len()));
    show::aside(&format!(
        "made of the component with the SHA-256 {}; embed it with include_bytes! and give it to \
         telemetry::Tool::precompiled",
        component.sha256()
    ));
    Ok(ExitCode::SUCCESS)
}
