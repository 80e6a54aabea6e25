#[telemetry::command(skip_all, fields(a = 1))]
fn build() {}

fn main() {
    build();
}
