//! The switch of the tool's own `init`, for clap.

use super::CommandError;

/// For the tool's own `init`: `--skip-telemetry`, which is given by itself in CI.
///
/// ```
/// use clap::Parser;
///
/// #[derive(Parser)]
/// struct Init {
///     #[command(flatten)]
///     telemetry: telemetry::commands::InitArgs,
/// }
///
/// assert!(Init::parse_from(["init", "--skip-telemetry"]).telemetry.skips());
/// assert!(!Init::parse_from(["init", "--skip-telemetry=false"]).telemetry.skips());
/// ```
#[derive(Debug, Clone, Default, clap::Args)]
// The text above is for authors: it is no help.
#[command(long_about = None)]
#[non_exhaustive]
pub struct InitArgs {
    /// Do not ask about usage telemetry [default: true in CI]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub skip_telemetry: Option<bool>,
}

impl InitArgs {
    /// Whether the question is skipped.
    #[must_use]
    pub fn skips(&self) -> bool {
        self.skip_telemetry.unwrap_or_else(super::skips_by_default)
    }

    /// Puts the question, unless it is skipped; see [`ask_at_init`](super::ask_at_init).
    ///
    /// # Errors
    /// Where an answer cannot be stored.
    pub fn ask(&self, asker: &mut dyn crate::consent::Asker) -> Result<crate::consent::Asked, CommandError> {
        super::ask_at_init(self.skips(), asker)
    }
}
