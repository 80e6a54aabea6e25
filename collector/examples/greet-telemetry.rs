//! The helper of `greet`, where that is built with `default-features = false` and `clap`: it sends what `greet`
//! recorded, and does what `greet telemetry` is asked for. It lies beside the tool under this very name, is built
//! with the library's default features, and this is all that it does.

fn main() {
    #[cfg_attr(
        not(feature = "config-file"),
        allow(unused_mut, reason = "only a file that is read replaces it")
    )]
    let mut tool = telemetry::tool!("examples/greet.toml");
    // As in `greet`, for its tests.
    #[cfg(feature = "config-file")]
    if let Some(path) = std::env::var_os("GREET_CONFIG") {
        tool = tool.config_file(path);
    }
    telemetry::helper!(tool)
}
