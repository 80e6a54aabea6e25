#[telemetry::command]
fn build(count: u8) -> u8 {
    count
}

fn main() {
    build("eight");
    build();
}
