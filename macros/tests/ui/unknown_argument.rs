#[telemetry::command(nmae = "build")]
fn build() {}

fn main() {
    build();
}
