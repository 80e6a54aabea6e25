#[telemetry::command(metadata = 1)]
fn build() {}

fn main() {
    build();
}
