#[derive(telemetry::Failure)]
enum Problem {
    #[failure(code = "two")]
    Missing,
}

fn main() {}
