//! The machine's policy file: by which an administrator forbids, for every user. Where it lies and
//! what it may say is in [`consent`](crate::consent).
//!
//! A policy can only forbid: an empty file, a word that is not understood and a file that cannot be
//! read forbid everything, because somebody who may write there meant something by it. For the same
//! reason a file that is not root's still holds; `status` says whose it is, so that the administrator
//! can put it right.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Only the first bytes are looked at: a policy is a word and its explanation.
const LIMIT: u64 = 4096;

/// What the machine's administrator says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum MachinePolicy {
    /// Nothing.
    #[default]
    Silent,
    /// Nothing may leave.
    LocalOnly(Source),
    /// Nothing may be recorded.
    Off(Source),
}

/// The file that a policy comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What is odd about it, for `status`.
    pub remark: Option<String>,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.path.display())?;
        match &self.remark {
            Some(remark) => write!(out, " ({remark})"),
            None => Ok(()),
        }
    }
}

impl MachinePolicy {
    fn rank(&self) -> u8 {
        match self {
            Self::Silent => 0,
            Self::LocalOnly(_) => 1,
            Self::Off(_) => 2,
        }
    }
}

/// What the machine's policy files say about a tool. Two opens, where there are none.
#[must_use]
pub fn machine_policy(tool_id: &str) -> MachinePolicy {
    read_in(&directory(), tool_id, 0)
}

/// The stricter of the two files in a directory, `root` being who should own them.
pub(crate) fn read_in(directory: &Path, tool_id: &str, root: u32) -> MachinePolicy {
    // Where there is none, as nearly everywhere, that is all that is asked. A link that leads nowhere is no file that
    // is not there: somebody meant to say something.
    match fs::symlink_metadata(directory) {
        Err(error) if is_absent(&error) => return MachinePolicy::Silent,
        Ok(about) if about.is_symlink() && !directory.exists() => return leads_nowhere(directory),
        _ => {}
    }
    let everyone = read_one(&directory.join("policy"), root);
    // An id is made of letters, digits, dots and dashes; anything else must not leave the directory.
    let name: String =
        tool_id.chars().map(|c| if c.is_alphanumeric() || "-._".contains(c) { c } else { '_' }).collect();
    let own = read_one(&directory.join(format!("{name}.policy")), root);
    if own.rank() > everyone.rank() { own } else { everyone }
}

fn read_one(path: &Path, root: u32) -> MachinePolicy {
    let source = |remark| Source { path: path.to_owned(), remark };
    // Not to wait where somebody put a FIFO.
    match fs::metadata(path) {
        Err(error) if is_absent(&error) && fs::symlink_metadata(path).is_ok() => return leads_nowhere(path),
        Err(error) if is_absent(&error) => return MachinePolicy::Silent,
        Ok(about) if !about.is_file() => {
            return MachinePolicy::Off(source(Some("it is not a regular file".to_owned())));
        }
        _ => {}
    }
    let (text, remark) = match read_text(path, root) {
        Ok(read) => read,
        Err(error) if is_absent(&error) => return MachinePolicy::Silent,
        Err(error) => return MachinePolicy::Off(source(Some(format!("it cannot be read: {error}")))),
    };
    let word =
        text.lines().map(|line| line.split('#').next().unwrap_or("").trim()).find(|line| !line.is_empty());
    match word {
        Some(word) if word.eq_ignore_ascii_case("local") => MachinePolicy::LocalOnly(source(remark)),
        Some(word) if word.eq_ignore_ascii_case("off") => MachinePolicy::Off(source(remark)),
        Some(_) => MachinePolicy::Off(source(Some("it says neither `off` nor `local`".to_owned()))),
        None => MachinePolicy::Off(source(Some("it is empty".to_owned()))),
    }
}

fn leads_nowhere(path: &Path) -> MachinePolicy {
    let remark = Some("it is a link that leads nowhere".to_owned());
    MachinePolicy::Off(Source { path: path.to_owned(), remark })
}

fn read_text(path: &Path, root: u32) -> io::Result<(String, Option<String>)> {
    let file = File::open(path)?;
    let remark = not_roots(&file.metadata()?, root);
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), remark))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
fn not_roots(about: &fs::Metadata, root: u32) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    if about.uid() != root {
        Some(format!("root does not own it: user id {}", about.uid()))
    } else if about.mode() & 0o022 != 0 {
        Some("others than root may write it".to_owned())
    } else {
        None
    }
}

#[cfg(not(unix))]
fn not_roots(_: &fs::Metadata, _: u32) -> Option<String> {
    None
}

fn directory() -> PathBuf {
    if cfg!(windows) {
        let data = std::env::var_os("ProgramData").unwrap_or_else(|| r"C:\ProgramData".into());
        Path::new(&data).join("cli-telemetry")
    } else if cfg!(target_vendor = "apple") {
        PathBuf::from("/Library/Application Support/cli-telemetry")
    } else {
        PathBuf::from("/etc/cli-telemetry")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn policy(files: &[(&str, &str)]) -> MachinePolicy {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        read_in(directory.path(), "com.example.greet", me())
    }

    #[test]
    fn a_policy_is_one_word_and_the_stricter_file_holds() {
        let both =
            |all: &str, own: &str| policy(&[("policy", all), ("com.example.greet.policy", own)]).rank();
        assert_eq!(policy(&[]).rank(), 0);
        assert_eq!(policy(&[("policy", "off")]).rank(), 2);
        assert_eq!(policy(&[("policy", "# why\n\n  Local # for now\n")]).rank(), 1);
        assert_eq!(policy(&[("com.example.greet.policy", "off\n")]).rank(), 2);
        assert_eq!(policy(&[("com.example.other.policy", "off\n")]).rank(), 0);
        assert_eq!(both("local", "off"), 2);
        assert_eq!(both("off", "local"), 2);
        assert_eq!(both("local", "local"), 1);
    }

    #[test]
    fn a_policy_that_is_not_understood_forbids() {
        for text in ["", "# only a comment\n", "on", "allow", "offf", "\u{0}\u{1}", "local off"] {
            let MachinePolicy::Off(source) = policy(&[("policy", text)]) else { panic!("{text:?} allowed") };
            assert!(source.remark.is_some(), "{text:?} is explained");
        }
    }

    #[test]
    fn a_policy_in_an_odd_shape_forbids_and_says_why() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("policy")).unwrap();
        let MachinePolicy::Off(source) = read_in(directory.path(), "a", me()) else { panic!("allowed") };
        assert!(source.to_string().ends_with("policy (it is not a regular file)"), "{source}");
    }

    #[cfg(unix)]
    #[test]
    fn a_policy_that_is_a_link_to_nothing_forbids_and_so_does_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["policy", "com.example.greet.policy", "elsewhere"] {
            std::os::unix::fs::symlink("/nowhere/at/all", at(name)).unwrap();
        }
        assert_eq!(read_in(&at("missing"), "com.example.greet", me()).rank(), 0);
        for name in ["policy", "com.example.greet.policy"] {
            let MachinePolicy::Off(source) = read_in(directory.path(), "com.example.greet", me()) else {
                panic!("{name} allowed");
            };
            assert_eq!(
                source.to_string(),
                format!("{} (it is a link that leads nowhere)", at(name).display())
            );
            fs::remove_file(at(name)).unwrap();
        }
        assert_eq!(read_in(directory.path(), "com.example.greet", me()).rank(), 0);
        assert_eq!(read_in(&at("elsewhere"), "com.example.greet", me()).rank(), 2);
    }

    #[test]
    fn a_policy_that_is_not_roots_holds_and_is_remarked() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("policy"), "local").unwrap();
        let MachinePolicy::LocalOnly(source) = read_in(directory.path(), "a", me() + 1) else {
            panic!("it does not hold")
        };
        assert_eq!(source.remark, Some(format!("root does not own it: user id {}", me())));
    }

    #[test]
    fn a_tool_id_cannot_lead_out_of_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("inside")).unwrap();
        fs::write(directory.path().join("x.policy"), "off").unwrap();
        assert_eq!(read_in(&directory.path().join("inside"), "../x", me()), MachinePolicy::Silent);
    }
}
