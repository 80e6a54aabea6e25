#[derive(telemetry::Event)]
#[event(purpose = "To test.")]
enum Happened {
    Once,
}

fn main() {}
