//! Writes the embedded components as files: `cargo run -p telemetry-backends --example export -- DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: export DIR");
        return ExitCode::from(2);
    };
    for bundled in telemetry_backends::ALL {
        let file = directory.join(bundled.name).with_extension("wasm");
        let written = std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&file, bundled.wasm));
        if let Err(error) = written {
            eprintln!("{}: {error}", file.display());
            return ExitCode::FAILURE;
        }
        println!("{} ({} bytes)", file.display(), bundled.wasm.len());
    }
    ExitCode::SUCCESS
}
