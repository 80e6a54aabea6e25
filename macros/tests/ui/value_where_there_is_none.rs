#[telemetry::command]
fn build() {
    8
}

fn main() {
    build();
}
