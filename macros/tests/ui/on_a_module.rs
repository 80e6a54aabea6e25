#[telemetry::command]
mod tool {}

fn main() {}
