//! The operating system's own machine id.

use std::path::PathBuf;

/// The file that holds it, where a file does.
pub(crate) fn path() -> Option<PathBuf> {
    cfg!(any(target_os = "linux", target_os = "android")).then(|| PathBuf::from("/etc/machine-id"))
}

/// The id. On Linux only `/etc/machine-id`: the D-Bus one beside it may differ, and a fleet's
/// receiver knows the former.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn read() -> Option<String> {
    clean(&std::fs::read(path()?).ok()?)
}

/// The id as the system gives it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn read() -> Option<String> {
    clean(machine_uid::get().ok()?.as_bytes())
}

fn clean(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_trimmed_and_an_empty_one_is_none() {
        assert_eq!(clean(b" 0123abc\r\n"), Some("0123abc".to_owned()));
        assert_eq!(clean(b"\n"), None);
        assert_eq!(clean(b""), None);
    }
}
