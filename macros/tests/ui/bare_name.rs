#[telemetry::command("build")]
fn build() {}

fn main() {
    build();
}
