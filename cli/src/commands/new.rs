//! `new NAME`: a backend's project that builds and passes `check` as it stands.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{project, show};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The backend's name, and that of the new directory
    name: String,
    /// What it is written in
    #[arg(long, value_enum, default_value_t = Lang::Rust)]
    lang: Lang,
    /// The SDK's sources, in place of the published package
    #[arg(long, value_name = "DIR", env = "TELEMETRY_KIT_SDK_PATH")]
    sdk_path: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Lang {
    Rust,
    Js,
}

/// A file of a project, and its text with `{{name}}`, `{{crate}}` and `{{sdk}}` in it.
type Template = (&'static str, &'static str);

macro_rules! templates {
    ($language:literal: $($file:literal from $template:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../templates/", $language, "/", $template)))),*]
    };
}

// What cargo would take for a package or git for its own has another name here.
const RUST: &[Template] = templates!("rust":
    "Cargo.toml" from "Cargo.toml.in",
    "rust-toolchain.toml" from "rust-toolchain.toml.in",
    ".gitignore" from "gitignore.in",
    "README.md" from "README.md.in",
    "telemetry.toml" from "telemetry.toml.in",
    "src/lib.rs" from "src/lib.rs.in",
    "tests/requests.rs" from "tests/requests.rs.in",
    "tests/golden/requests.http" from "tests/golden.http.in",
);

const JS: &[Template] = templates!("js":
    "package.json" from "package.json.in",
    ".gitignore" from "gitignore.in",
    "README.md" from "README.md.in",
    "telemetry.toml" from "telemetry.toml.in",
    "src/index.js" from "src/index.js.in",
    "src/backend.js" from "src/backend.js.in",
    "test/backend.test.js" from "test/backend.test.js.in",
);

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let Args { name, .. } = args;
    check_name(name)?;
    let directory = Path::new(name);
    if directory.exists() {
        return Err(format!("{name} is there already: choose another name, or remove it"));
    }
    let sdk = sdk(args.sdk_path.as_deref())?;
    let library = name.replace('-', "_");
    let fill =
        |text: &str| text.replace("{{name}}", name).replace("{{crate}}", &library).replace("{{sdk}}", &sdk);
    let templates = match args.lang {
        Lang::Rust => RUST,
        Lang::Js => JS,
    };
    for (file, text) in templates {
        write(&directory.join(file), &fill(text))?;
    }
    if let Lang::Js = args.lang {
        write(&directory.join("wit/backend.wit"), telemetry_backend_sdk::WIT)?;
    }
    show::good(&format!("{name} is there. Next:"));
    show::note(&format!("cd {name}"));
    match args.lang {
        Lang::Rust => {
            show::note(&format!(
                "cargo test\ncargo build --release --target {target}\n\
                 telemetry-kit check target/{target}/release/{library}.wasm",
                target = project::TARGET
            ));
            if let Err(why) = project::require_target(directory) {
                show::aside(&why);
            }
        }
        Lang::Js => {
            show::note(&format!("npm install\nnpm test\nnpm run build\ntelemetry-kit check {name}.wasm"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let right =
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain) && name.len() <= 40;
    if right {
        return Ok(());
    }
    Err(format!(
        "{name:?} is no name for a backend: lower-case letters, digits, `-` and `_`, 40 at most, a letter first"
    ))
}

/// The dependency on the SDK as Cargo.toml has it.
fn sdk(path: Option<&Path>) -> Result<String, String> {
    let Some(path) = path else {
        return Ok(format!(
            "{:?}",
            concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"))
        ));
    };
    let found = path.canonicalize().map_err(|error| format!("--sdk-path {}: {error}", path.display()))?;
    let text = found.to_str().ok_or_else(|| format!("--sdk-path {}: is not text", path.display()))?;
    Ok(format!("{{ path = {text:?} }}"))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", file.display());
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    std::fs::write(file, text).map_err(failed)
}
