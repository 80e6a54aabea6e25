//! Prints its arguments, redacted. Measured by `benches/redact_size`.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for argument in telemetry::redact::redact_args(arguments.iter().map(String::as_str)) {
        println!("{}", telemetry::redact::redact(&argument));
    }
}
