//! A whole tool that starts the library by hand, with the `telemetry.toml` beside its manifest.
#![forbid(unsafe_code)]

use telemetry_renamed::{Format, export};

fn main() {
    let _usage = usage::start!();
    let _ = export(Format::Json, "name");
}
