struct Problem;

#[telemetry::command]
fn build(text: &str) -> Result<u8, Problem> {
    Ok(text.parse::<u8>()?)
}

fn main() {
    let _ = build("1");
}
