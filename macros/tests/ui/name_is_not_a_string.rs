#[telemetry::command(name = build)]
fn build() {}

fn main() {
    build();
}
