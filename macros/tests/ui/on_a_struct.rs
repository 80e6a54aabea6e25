#[telemetry::command]
struct Tool;

fn main() {}
