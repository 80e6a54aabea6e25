#[telemetry::command(error_code = "two")]
fn build() -> Result<(), String> {
    Ok(())
}

fn main() {
    let _ = build();
}
