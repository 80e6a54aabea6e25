#[telemetry::main]
async fn main() {}
