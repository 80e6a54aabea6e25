struct Options;

#[telemetry::command(record(options))]
fn build(options: &Options) {
    let _ = options;
}

fn main() {
    build(&Options);
}
