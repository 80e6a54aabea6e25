#[telemetry::command(name = "")]
fn build() {}

fn main() {
    build();
}
