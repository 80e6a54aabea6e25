#[telemetry::main(path = "telemetry.toml")]
fn main() {}
