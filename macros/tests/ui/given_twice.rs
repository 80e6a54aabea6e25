#[telemetry::command(name = "a", name = "b")]
fn build() {}

fn main() {
    build();
}
