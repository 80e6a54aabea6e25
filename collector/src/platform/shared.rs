//! Whether others may exchange a file: what they may exchange is believed only where it is known by its digest.

use std::path::Path;

/// How others than this user and the administrator may exchange this file; none where they may not, or where there is
/// none.
#[cfg(unix)]
pub(crate) fn exchangeable(file: &Path) -> Option<String> {
    let whole = std::fs::canonicalize(file).ok()?;
    // A link is exchanged where it is, and what it leads to where that is.
    let places = [Some(whole.as_path()), whole.parent(), file.parent()];
    places.into_iter().flatten().find_map(loose)
}

#[cfg(unix)]
fn loose(place: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::metadata(place).ok()?;
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if about.uid() != user && about.uid() != 0 {
        return Some(format!("{} belongs to user {}", place.display(), about.uid()));
    }
    // Whoever may write such a directory may still not touch what is not theirs.
    if about.is_dir() && about.mode() & 0o1000 != 0 {
        return None;
    }
    if about.mode() & 0o002 != 0 {
        return Some(format!("everybody may write {}", place.display()));
    }
    // Where each user has a group of their own, it may write what they make.
    (about.mode() & 0o020 != 0 && about.gid() != group && about.gid() != 0)
        .then(|| format!("group {} may write {}", about.gid(), place.display()))
}

/// How others may exchange this file: by the system's own rules they may not, below a user's profile and where
/// programs are installed.
#[cfg(not(unix))]
pub(crate) fn exchangeable(_: &Path) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_everybody_may_write_or_replace_may_be_exchanged() {
        let temp = tempfile::tempdir().unwrap();
        let directory = temp.path().join("backends");
        std::fs::create_dir(&directory).unwrap();
        let (file, link) = (directory.join("a.wasm"), temp.path().join("link.wasm"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let said = |of_file, of_directory| {
            set(&file, of_file);
            set(&directory, of_directory);
            let by_name = exchangeable(&file);
            assert_eq!(exchangeable(&link), by_name, "what a link leads to is what counts");
            by_name.unwrap_or_default()
        };
        let shown = |path: &Path| std::fs::canonicalize(path).unwrap().display().to_string();
        assert_eq!(said(0o644, 0o755), "");
        assert_eq!(said(0o664, 0o775), "", "the group is this user's own");
        assert_eq!(said(0o644, 0o1777), "", "whose entries are safe from others");
        assert_eq!(said(0o666, 0o755), format!("everybody may write {}", shown(&file)));
        assert_eq!(said(0o644, 0o777), format!("everybody may write {}", shown(&directory)));
        set(&directory, 0o755);
        let loose = temp.path().join("loose");
        std::fs::create_dir(&loose).unwrap();
        set(&loose, 0o777);
        let link = loose.join("link.wasm");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(exchangeable(&link).unwrap(), format!("everybody may write {}", loose.display()));
        assert_eq!(exchangeable(&temp.path().join("none.wasm")), None);
    }

    #[test]
    fn what_belongs_to_another_user_may_be_exchanged_by_them() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("a.wasm");
        std::fs::write(&file, "").unwrap();
        if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
            eprintln!("SKIPPED what_belongs_to_another_user_may_be_exchanged_by_them: it needs root");
            return;
        }
        assert!(exchangeable(&file).unwrap().ends_with("belongs to user 12345"));
    }
}
