//! `--config telemetry.toml`: the author's own configuration, for a component that is given by path.

use std::path::{Path, PathBuf};

use telemetry::tool::Config;
use telemetry_host::{Grant, Limits};

/// A configuration and the directory that its paths are relative to.
pub(crate) struct Configuration {
    pub(crate) config: Config,
    pub(crate) base: PathBuf,
}

impl Configuration {
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let config = Config::read(file).map_err(|error| error.to_string())?;
        let file = std::path::absolute(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let base = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { config, base })
    }

    /// `[backend.settings]` as the JSON text that a component gets.
    pub(crate) fn settings(&self) -> Result<String, String> {
        serde_json::to_string(&self.config.backend.settings)
            .map_err(|error| format!("[backend.settings]: {error}"))
    }

    /// What the author grants, credentials read.
    pub(crate) fn grants(&self) -> Result<Vec<Grant>, String> {
        telemetry::backend::component::grants(&self.config, Some(&self.base))
    }

    /// The host's limits, with what the author chose instead.
    pub(crate) fn limits(&self) -> Limits {
        telemetry::backend::component::limits(&self.config, false)
    }
}
