//! The kit.
fn main() {}
