#[telemetry::command(record(path.len))]
fn build(path: &str) {
    let _ = path;
}

fn main() {
    build("a");
}
