//! The helper of `note`: it sends what `note` recorded. It lies beside the tool under this very name, is
//! built with the library's default features, and this is all that it does.

fn main() {
    #[cfg_attr(
        not(feature = "config-file"),
        allow(unused_mut, reason = "only a file that is read replaces it")
    )]
    let mut tool = telemetry::tool!("examples/note.toml");
    // As in `note`, for its tests.
    #[cfg(feature = "config-file")]
    if let Some(path) = std::env::var_os("NOTE_CONFIG") {
        tool = tool.config_file(path);
    }
    telemetry::helper!(tool)
}
