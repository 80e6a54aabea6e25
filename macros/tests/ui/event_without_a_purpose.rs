#[derive(telemetry::Event)]
struct Happened;

fn main() {}
