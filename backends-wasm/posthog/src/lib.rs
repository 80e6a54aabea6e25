//! The posthog backend.
