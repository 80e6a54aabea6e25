#[telemetry::command]
fn build(fast: bool) -> u8 {
    if fast {
        return "fast";
    }
    8
}

fn main() {
    build(true);
}
