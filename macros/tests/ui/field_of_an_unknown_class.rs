#[derive(telemetry::Event)]
#[event(purpose = "To test.")]
struct Happened {
    #[field(purpose = "To test.", class = "private")]
    count: u8,
}

fn main() {}
