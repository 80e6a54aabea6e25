#[telemetry::command(record(verbose))]
fn build(release: bool, (jobs, _): (u8, u8)) {
    let _ = (release, jobs);
}

fn main() {
    build(true, (1, 2));
}
