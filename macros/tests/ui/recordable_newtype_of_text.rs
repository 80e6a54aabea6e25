#[derive(telemetry::Recordable)]
struct Path(String);

fn main() {}
