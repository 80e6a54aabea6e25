#[telemetry::command(metadata(count))]
fn build(count: u8) {
    let _ = count;
}

fn main() {
    build(1);
}
