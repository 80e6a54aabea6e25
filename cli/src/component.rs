//! Loading a component's file, with what went wrong said for its author.

use std::path::Path;

use telemetry_host::{Component, LoadError, LoadOptions, Source};

use crate::show;

/// Loads and compiles a file.
pub(crate) fn load(file: &Path, options: &LoadOptions) -> Result<Component, String> {
    let _progress = show::progress("compiling the component");
    Component::load(Source::Path(file), options).map_err(|error| said(file, &error))
}

/// An error with the file's name, which most of the host's do not have.
pub(crate) fn said(file: &Path, error: &LoadError) -> String {
    match error {
        LoadError::Read { .. } => error.to_string(),
        _ => format!("{}: {error}", file.display()),
    }
}
