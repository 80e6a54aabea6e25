#[derive(telemetry::Recordable)]
struct Options {
    fast: bool,
    slow: bool,
}

fn main() {}
