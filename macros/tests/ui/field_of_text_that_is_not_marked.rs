#[derive(telemetry::Event)]
#[event(purpose = "To test.")]
struct Happened {
    #[field(purpose = "To test.", class = "content")]
    path: String,
}

fn main() {}
