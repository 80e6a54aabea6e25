fn main() {
    let _telemetry = telemetry::start!(telemetry::tool!("nowhere.toml"));
}
