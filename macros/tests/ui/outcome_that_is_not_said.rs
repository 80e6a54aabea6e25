struct Silent;

fn main() {
    telemetry::begin("build").finish(&Ok::<u8, Silent>(1));
    telemetry::begin("build").finish(&Silent);
}
