#[telemetry::command(record(path))]
fn build(path: String) {
    let _ = path;
}

fn main() {
    build("a".into());
}
