//! The attributes of cli-telemetry.
