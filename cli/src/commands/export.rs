//! `export DIR`: the bundled components as files, to be pinned, changed or shipped by path.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::show;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to; made if it is not there
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let failed = |error| format!("{}: {error}; choose a directory that you can write", args.dir.display());
    std::fs::create_dir_all(&args.dir).map_err(failed)?;
    for bundled in telemetry_backends::ALL {
        let file = args.dir.join(bundled.name).with_extension("wasm");
        std::fs::write(&file, bundled.wasm).map_err(failed)?;
        show::line(&format!("{} ({} bytes)", file.display(), bundled.wasm.len()));
    }
    Ok(ExitCode::SUCCESS)
}
