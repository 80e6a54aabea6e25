#[telemetry::command(error_code = 2)]
fn build() {}

fn main() {
    build();
}
