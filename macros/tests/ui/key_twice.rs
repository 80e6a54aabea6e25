#[telemetry::command(record(count), metadata(count = 1))]
fn build(count: u8) {
    let _ = count;
}

fn main() {
    build(1);
}
