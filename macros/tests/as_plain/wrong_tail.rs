#[telemetry::command]
fn build() -> Result<u8, String> {
    Ok("eight")
}

fn main() {
    let _ = build();
}
