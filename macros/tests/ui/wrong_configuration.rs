fn main() {
    let _telemetry = telemetry::start!("wrong_telemetry.toml");
}
