//! Where a tool keeps its state, for this user on this machine.
//!
//! Only a place is chosen here; nothing is made. What can be wrong with a home is that there is none
//! (a container, a service), that it cannot be written (then recording falls back to memory), or
//! that it is somebody else's: `sudo` may leave HOME as it was, and files of root's in there would
//! lock its owner out of their own telemetry settings.

use super::user;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Why there is no directory.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The tool's id cannot name a directory.
    #[error(
        "the tool's id {id:?} cannot name a directory; use letters, digits, '.', '-' and '_', as in com.example.tool"
    )]
    Id {
        /// The id.
        id: String,
    },
    /// There is no home.
    #[error(
        "this user has no home directory; set HOME or XDG_STATE_HOME, or name a directory for the tool's state"
    )]
    NoHome,
    /// The home is another user's.
    #[error("{} belongs to another user; nothing is stored there", directory.display())]
    Foreign {
        /// The directory.
        directory: PathBuf,
    },
    /// The program runs with other rights than its user's.
    #[error("the program runs with another user's or group's rights (setuid, setgid); nothing is stored")]
    Elevated,
}

/// What the choice depends on.
struct Surroundings<'a> {
    /// Directories for state, the best one first, each with what is below it.
    candidates: Vec<PathBuf>,
    elevated: bool,
    effective: u32,
    /// The administrator's own, for one who runs with another user's environment.
    administrator: PathBuf,
    owner: &'a dyn Fn(&Path) -> Option<u32>,
}

/// The directory for a tool's state: `$XDG_STATE_HOME/<id>` or `~/.local/state/<id>`;
/// `~/Library/Application Support/<id>` on macOS; `%LOCALAPPDATA%\<id>` on Windows. It need not
/// exist.
///
/// # Errors
/// [`DirectoryError`] says what to do.
pub fn state_directory(tool_id: &str) -> Result<PathBuf, DirectoryError> {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let variable = |name: &str| std::env::var_os(name);
    choose(tool_id, &Surroundings::here(candidates(home.as_deref(), variable)))
}

impl Surroundings<'_> {
    fn here(candidates: Vec<PathBuf>) -> Self {
        #[cfg(unix)]
        let effective = rustix::process::geteuid().as_raw();
        #[cfg(not(unix))]
        let effective = u32::MAX;
        let administrator = PathBuf::from(if cfg!(target_vendor = "apple") { "/var/root" } else { "/root" });
        Self { candidates, elevated: user::is_elevated(), effective, administrator, owner: &owner }
    }
}

fn candidates(home: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let named = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        named("LOCALAPPDATA").or_else(|| Some(home?.join("AppData").join("Local"))).into_iter().collect()
    } else if cfg!(target_vendor = "apple") {
        home.map(below_home).into_iter().collect()
    } else {
        named("XDG_STATE_HOME").into_iter().chain(home.map(below_home)).take(1).collect()
    }
}

fn below_home(home: &Path) -> PathBuf {
    if cfg!(target_vendor = "apple") {
        home.join("Library").join("Application Support")
    } else {
        home.join(".local").join("state")
    }
}

fn choose(tool_id: &str, around: &Surroundings<'_>) -> Result<PathBuf, DirectoryError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if tool_id.is_empty() || tool_id.len() > 200 || tool_id.starts_with('.') || !tool_id.bytes().all(plain) {
        return Err(DirectoryError::Id { id: tool_id.to_owned() });
    }
    if around.elevated {
        return Err(DirectoryError::Elevated);
    }
    let mut foreign = None;
    for base in &around.candidates {
        let directory = base.join(tool_id);
        if !is_foreign(&directory, around) {
            return Ok(directory);
        }
        foreign.get_or_insert(directory);
    }
    let Some(foreign) = foreign else {
        return Err(DirectoryError::NoHome);
    };
    let own = below_home(&around.administrator).join(tool_id);
    if around.effective == 0 && (around.owner)(&around.administrator).is_some() && !is_foreign(&own, around) {
        return Ok(own);
    }
    Err(DirectoryError::Foreign { directory: foreign })
}

/// Whether what exists of it belongs to another user. Somebody who is not the administrator may
/// share a place with its owner (a container's home is often root's and writable by a group). For
/// the administrator everything is writable, so that says nothing; but whoever owns a directory on the way to it
/// can put another in its stead, or a link.
fn is_foreign(directory: &Path, around: &Surroundings<'_>) -> bool {
    if around.effective == 0 {
        return directory.ancestors().filter_map(|path| (around.owner)(path)).any(|owner| owner != 0);
    }
    (around.owner)(directory).is_some_and(|owner| owner != around.effective)
}

#[cfg(unix)]
fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|metadata| metadata.uid())
}

/// Windows has no number for an owner; its permissions are inherited from the user's profile.
#[cfg(not(unix))]
fn owner(_path: &Path) -> Option<u32> {
    None
}

/// Where what a tool can make again is kept: `$XDG_CACHE_HOME` or `~/.cache`, on macOS
/// `~/Library/Caches`, on Windows `%LOCALAPPDATA%`. None where the program runs with another user's
/// rights, or the place is another user's: what it reads back from there could be that user's, and what it makes
/// there would lock the owner out.
#[cfg(feature = "components")]
pub(crate) fn cache_directory(tool_id: &str) -> Option<PathBuf> {
    let around = Surroundings::here(Vec::new());
    if user::has_more_powers_than_its_user() {
        return None;
    }
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    let base = if cfg!(windows) {
        named("LOCALAPPDATA")?
    } else if cfg!(target_vendor = "apple") {
        home()?.join("Library").join("Caches")
    } else {
        named("XDG_CACHE_HOME").or_else(|| Some(home()?.join(".cache")))?
    };
    Some(base.join(tool_id)).filter(|directory| !is_foreign(directory, &around))
}

#[cfg(all(test, unix, not(target_vendor = "apple")))]
mod tests {
    use super::*;

    const USER: u32 = 1000;

    fn chosen(effective: u32, candidates: &[&str], owners: &[(&str, u32)]) -> Result<String, DirectoryError> {
        let owner = |path: &Path| owners.iter().find(|(known, _)| Path::new(known) == path).map(|it| it.1);
        let around = Surroundings {
            candidates: candidates.iter().map(PathBuf::from).collect(),
            elevated: false,
            effective,
            administrator: PathBuf::from("/root"),
            owner: &owner,
        };
        choose("com.example.tool", &around).map(|path| path.to_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_users_own_home_serves_though_nothing_exists_below_it() {
        let owners = [("/", 0), ("/home/a", USER)];
        assert_eq!(
            chosen(USER, &["/home/a/.local/state"], &owners).unwrap(),
            "/home/a/.local/state/com.example.tool"
        );
    }

    #[test]
    fn sudo_with_the_users_home_stores_in_the_administrators_own() {
        let owners = [("/", 0), ("/root", 0), ("/home/a", USER)];
        assert_eq!(
            chosen(0, &["/home/a/.local/state"], &owners).unwrap(),
            "/root/.local/state/com.example.tool"
        );
        let owners = [("/", 0), ("/home/a", USER)];
        let error = chosen(0, &["/home/a/.local/state"], &owners).unwrap_err();
        assert!(matches!(error, DirectoryError::Foreign { .. }), "{error}");
    }

    #[test]
    fn the_administrators_own_directory_in_a_users_home_is_the_users_to_exchange() {
        let made = "/home/a/.local/state/com.example.tool";
        for way in ["/home/a", "/home/a/.local", "/home/a/.local/state"] {
            let owners = [("/", 0), ("/root", 0), (way, USER), (made, 0)];
            assert_eq!(
                chosen(0, &["/home/a/.local/state"], &owners).unwrap(),
                "/root/.local/state/com.example.tool",
                "{way}"
            );
        }
    }

    #[test]
    fn a_directory_that_somebody_else_made_is_refused() {
        let owners = [("/", 0), ("/home/a", USER), ("/home/a/.local/state/com.example.tool", 0)];
        let error = chosen(USER, &["/home/a/.local/state"], &owners).unwrap_err();
        assert!(matches!(error, DirectoryError::Foreign { .. }), "{error}");
    }

    #[test]
    fn a_containers_home_that_belongs_to_root_is_tried() {
        let owners = [("/", 0), ("/app", 0)];
        assert_eq!(
            chosen(12_345, &["/app/.local/state"], &owners).unwrap(),
            "/app/.local/state/com.example.tool"
        );
    }

    #[test]
    fn without_a_home_there_is_no_directory() {
        assert_eq!(chosen(USER, &[], &[("/", 0)]).unwrap_err(), DirectoryError::NoHome);
    }

    #[test]
    fn a_program_that_runs_as_another_user_or_group_stores_nothing() {
        let owner = |_: &Path| None;
        let around = Surroundings {
            candidates: vec![PathBuf::from("/home/a")],
            elevated: true,
            effective: 0,
            administrator: PathBuf::from("/root"),
            owner: &owner,
        };
        assert_eq!(choose("a.b", &around).unwrap_err(), DirectoryError::Elevated);
    }

    #[test]
    fn an_id_cannot_lead_out_of_the_directory() {
        for id in ["", "..", ".a", "a/b", "a\\b", "/a", "a\0b", "é"] {
            assert!(matches!(state_directory(id), Err(DirectoryError::Id { .. })), "{id:?}");
        }
    }

    #[test]
    fn the_state_variable_comes_first_if_it_is_absolute() {
        let with = |value: &str| {
            let value = OsString::from(value);
            candidates(Some(Path::new("/home/a")), move |name| {
                (name == "XDG_STATE_HOME").then(|| value.clone())
            })
        };
        assert_eq!(with("/state"), [PathBuf::from("/state")]);
        assert_eq!(with("state"), [PathBuf::from("/home/a/.local/state")]);
        assert_eq!(with(""), [PathBuf::from("/home/a/.local/state")]);
    }
}
