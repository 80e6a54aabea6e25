//! A backend's project: what it is written in, how it is built, and whether it has changed.
//!
//! Changes are found by looking, a few times a second: a project is a few files, and looking works on
//! every file system and in every container.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::Value as Json;

/// What a Rust backend is built for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Directories in which nobody writes sources.
const IGNORED: [&str; 4] = ["target", "node_modules", ".git", "dist"];

/// What is developed.
pub(crate) enum Project {
    /// A component that somebody else builds.
    File(PathBuf),
    Rust(PathBuf),
    JavaScript(PathBuf),
}

/// What the files of a project look like from outside.
pub(crate) type Look = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Project {
    /// A file is a component; a directory is a project of the language whose manifest it has.
    pub(crate) fn find(path: &Path) -> Result<Self, String> {
        if path.is_file() {
            return Ok(Self::File(path.to_owned()));
        }
        if path.join("Cargo.toml").is_file() {
            return Ok(Self::Rust(path.to_owned()));
        }
        if path.join("package.json").is_file() {
            return Ok(Self::JavaScript(path.to_owned()));
        }
        Err(format!(
            "{} is neither a component's file nor a directory with a Cargo.toml or a package.json; \
             `telemetry-kit new NAME` makes one",
            path.display()
        ))
    }

    /// Builds the component, and says where it is.
    pub(crate) fn build(&self) -> Result<PathBuf, String> {
        match self {
            Self::File(file) => Ok(file.clone()),
            Self::Rust(directory) => build_rust(directory),
            Self::JavaScript(directory) => build_js(directory),
        }
    }

    /// What there is to see now.
    pub(crate) fn look(&self) -> Look {
        let mut look = Look::new();
        match self {
            Self::File(file) => see(file, &mut look),
            Self::Rust(directory) | Self::JavaScript(directory) => walk(directory, &mut look),
        }
        look
    }
}

fn walk(directory: &Path, look: &mut Look) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let ignored = IGNORED.iter().any(|it| name == *it) || path.extension().is_some_and(|it| it == "wasm");
        if ignored {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, look),
            _ => see(&path, look),
        }
    }
}

fn see(file: &Path, look: &mut Look) {
    if let Ok(meta) = std::fs::metadata(file) {
        look.insert(file.to_owned(), (meta.modified().ok(), meta.len()));
    }
}

/// Says which command adds the target, before cargo says something longer.
pub(crate) fn require_target(directory: &Path) -> Result<(), String> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(directory)
        .stderr(Stdio::null())
        .output();
    let installed = output.is_ok_and(|it| Path::new(String::from_utf8_lossy(&it.stdout).trim()).is_dir());
    if installed {
        return Ok(());
    }
    Err(format!("this Rust cannot build for WebAssembly yet. Run: rustup target add {TARGET}"))
}

fn build_rust(directory: &Path) -> Result<PathBuf, String> {
    require_target(directory)?;
    let output = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--lib",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(directory)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo did not start: {error}; is Rust installed?"))?;
    if !output.status.success() {
        return Err("the build failed; cargo says why above".into());
    }
    // The last artefact is the project's own: what it depends on is built before it.
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut components = messages.lines().rev().filter_map(|line| {
        let message: Json = serde_json::from_str(line).ok()?;
        let files = message.get("filenames")?.as_array()?.iter().filter_map(Json::as_str);
        files.filter(|file| file.ends_with(".wasm")).map(PathBuf::from).next_back()
    });
    components.next().ok_or_else(|| {
        "the build wrote no component: Cargo.toml needs [lib] crate-type = [\"cdylib\"]".into()
    })
}

fn build_js(directory: &Path) -> Result<PathBuf, String> {
    if !directory.join("node_modules").is_dir() {
        return Err(format!("{} has no node_modules. Run: npm install", directory.display()));
    }
    let manifest = directory.join("package.json");
    let text =
        std::fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let json: Json =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let component = json.pointer("/telemetry-kit/component").and_then(Json::as_str).ok_or_else(|| {
        format!("{}: add \"telemetry-kit\": {{\"component\": \"NAME.wasm\"}}", manifest.display())
    })?;
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .args(["run", "--silent", "build"])
        .current_dir(directory)
        .output()
        .map_err(|error| format!("npm did not start: {error}; is Node installed?"))?;
    if !output.status.success() {
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return Err(format!("the build failed:\n{}", said.trim_end()));
    }
    Ok(directory.join(component))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_source_is_seen_and_one_of_what_is_built_is_not() {
        let home = tempfile::tempdir().unwrap();
        let at = |file: &str| home.path().join(file);
        for directory in ["src", "target", "node_modules"] {
            std::fs::create_dir(at(directory)).unwrap();
        }
        std::fs::write(at("Cargo.toml"), "[package]").unwrap();
        std::fs::write(at("src/lib.rs"), "a").unwrap();
        let project = Project::find(home.path()).unwrap();
        let before = project.look();
        assert_eq!(before.len(), 2);
        for built in ["target/x", "node_modules/x", "x.wasm"] {
            std::fs::write(at(built), "built").unwrap();
        }
        assert_eq!(project.look(), before);
        std::fs::write(at("src/lib.rs"), "ab").unwrap();
        assert_ne!(project.look(), before);
    }

    #[test]
    fn what_is_no_project_is_told_how_to_become_one() {
        let home = tempfile::tempdir().unwrap();
        let error = Project::find(home.path()).err().unwrap();
        assert!(error.contains("telemetry-kit new NAME"), "{error}");
    }
}
