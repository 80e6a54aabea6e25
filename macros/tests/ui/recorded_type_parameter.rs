#[telemetry::command(record(it))]
fn build<T>(it: T) -> T {
    it
}

fn main() {
    build(1);
}
