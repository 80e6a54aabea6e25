//! What an author's tests call so that the schema stays true.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::Schema;
use crate::Tool;
use crate::command::PARENT;
use crate::event::clean::LEFT_OUT;
use crate::recorder;

/// Setting this to anything writes the file instead of comparing it.
const UPDATE: &str = "TELEMETRY_UPDATE_SCHEMA";

/// The committed file is not what the program records.
#[derive(Debug)]
#[non_exhaustive]
pub struct Mismatch {
    path: PathBuf,
    what: What,
}

#[derive(Debug)]
enum What {
    Unreadable(std::io::Error),
    Unwritable(std::io::Error),
    Differs { line: usize, committed: Option<String>, program: Option<String> },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.what {
            What::Unreadable(error) => write!(out, "{path} cannot be read: {error}.")?,
            What::Unwritable(error) => return write!(out, "{path} cannot be written: {error}"),
            What::Differs { line, committed, program } => {
                let or_end = |it: &Option<String>| it.clone().unwrap_or_else(|| "(end of file)".to_owned());
                write!(
                    out,
                    "{path} is not what the program records. Line {line}\n  is        {}\n  should be {}\n",
                    or_end(committed),
                    or_end(program)
                )?;
            }
        }
        write!(out, " To write it, run this test once with {UPDATE}=1, read the difference and commit it.")
    }
}

impl std::error::Error for Mismatch {}

/// Compares a committed file with what the program records, which makes one line of a tool's tests.
///
/// A relative path is looked for from the package's directory, where `cargo test` runs tests. Line
/// endings do not matter. With `TELEMETRY_UPDATE_SCHEMA` set the file is written instead.
///
/// # Errors
/// The file is missing, unreadable or different; the message says where and how to write it.
pub fn check(path: impl AsRef<Path>) -> Result<(), Mismatch> {
    compare_or_write(path.as_ref(), &Schema::gather())
}

/// The same for a tool that says something with everything: what [`Tool::metadata`] adds is in the file
/// too, declared or not.
///
/// ```no_run
/// fn tool() -> telemetry::Tool {
///     # const TOML: &str = "[tool]\nid = \"com.example.greet\"";
///     telemetry::Tool::from_toml("1.0.0", TOML).metadata("edition", "community")
/// }
///
/// #[test]
/// fn telemetry_md_is_true() {
///     telemetry::schema::check_tool(&tool(), "TELEMETRY.md").unwrap();
/// }
/// ```
///
/// # Errors
/// As [`check`].
pub fn check_tool(tool: &Tool, path: impl AsRef<Path>) -> Result<(), Mismatch> {
    compare_or_write(path.as_ref(), &Schema::gather().with(tool))
}

fn compare_or_write(path: &Path, schema: &Schema) -> Result<(), Mismatch> {
    let program = schema.markdown();
    let update = std::env::var_os(UPDATE).is_some_and(|it| !it.is_empty());
    compare(path, &program, update)
}

fn compare(path: &Path, program: &str, update: bool) -> Result<(), Mismatch> {
    let mismatch = |what| Mismatch { path: path.to_owned(), what };
    if update {
        return std::fs::write(path, program).map_err(|error| mismatch(What::Unwritable(error)));
    }
    let committed = std::fs::read_to_string(path).map_err(|error| mismatch(What::Unreadable(error)))?;
    let (mut old, mut new) = (committed.lines(), program.lines());
    let mut line = 0;
    loop {
        line += 1;
        match (old.next(), new.next()) {
            (None, None) => return Ok(()),
            (old, new) if old != new => {
                let (committed, program) = (old.map(str::to_owned), new.map(str::to_owned));
                return Err(mismatch(What::Differs { line, committed, program }));
            }
            _ => {}
        }
    }
}

/// Something was recorded that the schema does not list.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unregistered {
    /// What, one line each: `kind: name`, with the key where only that is missing.
    pub missing: Vec<String>,
}

impl fmt::Display for Unregistered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "recorded, but not in the schema: {}. Declare it with `telemetry::declare!`, or record it by an attribute or a derive, which do so themselves.",
            self.missing.join("; ")
        )
    }
}

impl std::error::Error for Unregistered {}

/// Runs a part of the tool, in a test, and looks whether everything that it records, on any thread, is
/// in the schema. Nothing is stored or sent.
///
/// ```
/// #[telemetry::command]
/// fn build() {}
///
/// telemetry::schema::check_recorded(build).unwrap();
/// ```
///
/// A tool that is started in it says its [`Tool::metadata`] with everything, which is looked for, too.
///
/// # Errors
/// An event, or an attribute of one, that no attribute, derive or [`declare!`](crate::declare) lists.
pub fn check_recorded<R>(run: impl FnOnce() -> R) -> Result<R, Unregistered> {
    let (returned, events) = recorder::capture_all(true, run);
    let schema = Schema::gather();
    let mut missing = BTreeSet::new();
    for event in &events {
        if !schema.knows(&event.kind, &event.name) {
            missing.insert(format!("{}: {}", event.kind, event.name));
            continue;
        }
        for attribute in event.attributes.iter().filter(|it| it.key != PARENT && it.key != LEFT_OUT) {
            let key = &*attribute.key;
            if !schema.knows_everywhere(key) && !schema.knows_field(&event.kind, &event.name, key) {
                missing.insert(format!("{}: {} ({})", event.kind, event.name, attribute.key));
            }
        }
    }
    if missing.is_empty() {
        Ok(returned)
    } else {
        Err(Unregistered { missing: missing.into_iter().collect() })
    }
}
