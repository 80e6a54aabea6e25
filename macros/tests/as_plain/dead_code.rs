#![deny(dead_code)]

#[telemetry::command]
fn never_called() -> u8 {
    1
}

fn main() {}
