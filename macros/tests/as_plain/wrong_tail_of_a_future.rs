#[telemetry::command]
async fn build() -> Result<u8, String> {
    Ok("eight")
}

fn main() {
    drop(build());
}
