#[telemetry::command(exit_code)]
fn build() {}

fn main() {
    build();
}
