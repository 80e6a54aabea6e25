#![deny(unreachable_code)]

#[telemetry::command]
fn build(fast: bool) -> u8 {
    return u8::from(fast);
    8
}

fn main() {
    build(true);
}
