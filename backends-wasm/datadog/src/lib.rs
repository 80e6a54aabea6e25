//! The datadog backend.
