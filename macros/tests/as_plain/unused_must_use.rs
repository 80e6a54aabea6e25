#![deny(unused_must_use)]

#[telemetry::command]
fn fails() -> Result<u8, String> {
    Ok(1)
}

#[telemetry::command]
async fn waits() -> u8 {
    1
}

#[must_use]
#[telemetry::command]
fn needed() -> u8 {
    1
}

#[telemetry::command]
fn build() -> u8 {
    fails();
    waits();
    needed();
    needed() + 1
}

fn main() {
    build();
}
