#[telemetry::main]
fn main(arguments: Vec<String>) {}
