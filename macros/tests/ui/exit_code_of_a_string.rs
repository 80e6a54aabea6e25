#[telemetry::command(exit_code)]
fn build() -> String {
    String::new()
}

fn main() {
    build();
}
