struct Paths;

#[telemetry::command(metadata(paths = paths))]
fn build(paths: &Paths) {
    let _ = paths;
}

fn main() {
    build(&Paths);
}
