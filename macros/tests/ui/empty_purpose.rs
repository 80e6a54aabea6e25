#[telemetry::command(purpose = " ")]
fn build() {}

fn main() {
    build();
}
