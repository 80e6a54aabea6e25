//! Where a tool's state lies: a directory by the tool's id, below the platform's place for state.
//!
//! | system | place |
//! | --- | --- |
//! | Linux and others | `$XDG_STATE_HOME`, else `~/.local/state` |
//! | macOS | `~/Library/Application Support` |
//! | Windows | `%LOCALAPPDATA%` |
//!
//! State is not configuration (it is written by the program) and not a cache (a cleaner that removes it
//! loses events), so neither of those places serves.
//!
//! Hazard: `sudo tool` runs as root with the caller's `HOME`. Files made there would be root's, and the
//! caller's own runs could not use the directory any more. So a home that belongs to somebody else is no
//! home, and the tool has no state in that run.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why there is no place for state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum NoDirectory {
    /// The environment names no home.
    NoHome,
    /// The home belongs to another user, as under `sudo`.
    Foreign(PathBuf),
}

impl fmt::Display for NoDirectory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHome => out.write_str("the environment names no home directory: set HOME"),
            Self::Foreign(home) => {
                write!(out, "{} belongs to another user: under sudo, use `sudo -H`", home.display())
            }
        }
    }
}

/// The directory for the state of the tool of this id. It need not exist.
pub(crate) fn state_directory(tool_id: &str) -> Result<PathBuf, NoDirectory> {
    below(
        tool_id,
        &|name| std::env::var_os(name).map(PathBuf::from),
        &is_ours,
        "XDG_STATE_HOME",
        ".local/state",
    )
}

/// The directory for what the tool of this id can make again. It need not exist.
pub(crate) fn cache_directory(tool_id: &str) -> Option<PathBuf> {
    below(tool_id, &|name| std::env::var_os(name).map(PathBuf::from), &is_ours, "XDG_CACHE_HOME", ".cache")
        .ok()
        .map(|directory| directory.join("telemetry"))
}

fn below(
    tool_id: &str,
    variable: &dyn Fn(&str) -> Option<PathBuf>,
    is_ours: &dyn Fn(&Path) -> bool,
    xdg: &str,
    fallback: &str,
) -> Result<PathBuf, NoDirectory> {
    // A relative path would be relative to the working directory, which is anybody's (the XDG
    // specification says to ignore it, too).
    let absolute = |name| variable(name).filter(|path: &PathBuf| path.is_absolute());
    let place = if cfg!(windows) {
        absolute("LOCALAPPDATA").ok_or(NoDirectory::NoHome)?
    } else if let Some(chosen) = absolute(xdg).filter(|_| !cfg!(target_os = "macos")) {
        chosen
    } else {
        let home = absolute("HOME").ok_or(NoDirectory::NoHome)?;
        if !is_ours(&home) {
            return Err(NoDirectory::Foreign(home));
        }
        home.join(if cfg!(target_os = "macos") { "Library/Application Support" } else { fallback })
    };
    // The nearest directory that exists decides whose it would be.
    let nearest = place.ancestors().find(|path| path.exists());
    match nearest.filter(|nearest| nearest.starts_with(place.parent().unwrap_or(&place)) && !is_ours(nearest))
    {
        Some(foreign) => Err(NoDirectory::Foreign(foreign.to_path_buf())),
        None => Ok(place.join(tool_id)),
    }
}

/// Whether a directory belongs to the user that this process acts for. What does not exist is nobody's.
#[cfg(unix)]
fn is_ours(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map_or(true, |meta| meta.uid() == rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn is_ours(_: &Path) -> bool {
    true
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    fn state(variables: &[(&str, &str)], ours: bool) -> Result<PathBuf, NoDirectory> {
        let variable = |name: &str| {
            variables.iter().find(|(have, _)| *have == name).map(|(_, value)| PathBuf::from(value))
        };
        below("com.example.greet", &variable, &|_| ours, "XDG_STATE_HOME", ".local/state")
    }

    #[test]
    fn the_directory_is_below_the_platforms_place_by_the_tools_id() {
        let home = [("HOME", "/nowhere/ada")];
        assert_eq!(state(&home, true), Ok("/nowhere/ada/.local/state/com.example.greet".into()));
        let both = [("HOME", "/nowhere/ada"), ("XDG_STATE_HOME", "/nowhere/state")];
        assert_eq!(state(&both, true), Ok("/nowhere/state/com.example.greet".into()));
    }

    #[test]
    fn a_relative_place_is_ignored_so_that_the_working_directory_is_never_used() {
        let both = [("HOME", "/nowhere/ada"), ("XDG_STATE_HOME", "state")];
        assert_eq!(state(&both, true), Ok("/nowhere/ada/.local/state/com.example.greet".into()));
        assert_eq!(state(&[("HOME", "ada")], true), Err(NoDirectory::NoHome));
        assert_eq!(state(&[], true), Err(NoDirectory::NoHome));
    }

    #[test]
    fn under_sudo_nothing_is_kept_in_the_callers_home() {
        assert_eq!(state(&[("HOME", "/home")], false), Err(NoDirectory::Foreign("/home".into())));
    }
}
