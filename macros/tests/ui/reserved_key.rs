#[telemetry::command(metadata(parent = 1))]
fn build() {}

fn main() {
    build();
}
