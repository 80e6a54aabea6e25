#[telemetry::command(name = "remote add")]
fn build() {}

fn main() {
    build();
}
