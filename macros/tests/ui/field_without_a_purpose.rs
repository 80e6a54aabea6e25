#[derive(telemetry::Event)]
#[event(purpose = "To test.")]
struct Happened {
    #[field(class = "usage")]
    count: u8,
}

fn main() {}
