#[telemetry::command(record(text(count)))]
fn build(count: u8) {
    let _ = count;
}

fn main() {
    build(1);
}
