#[telemetry::command(metadata("the count" = 1))]
fn build() {}

fn main() {
    build();
}
