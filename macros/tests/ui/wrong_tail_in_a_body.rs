#[telemetry::command]
fn build() -> Result<u8, String> {
    "eight"
}

fn main() {
    let _ = build();
}
