#[telemetry::command(metadata(count = text.parse::<u8>()?))]
fn build(text: &str) -> Result<u8, std::num::ParseIntError> {
    text.parse()
}

fn main() {
    let _ = build("1");
}
