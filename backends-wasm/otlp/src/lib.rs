//! The otlp backend.
