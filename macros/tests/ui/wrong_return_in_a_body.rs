#[telemetry::command]
fn build(fast: bool) -> u8 {
    if fast {
        return "eight";
    }
    8
}

fn main() {
    build(true);
}
