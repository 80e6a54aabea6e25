#[telemetry::command]
trait Tool {}

fn main() {}
