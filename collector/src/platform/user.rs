//! The host's and the user's names.

/// The host's name, as the kernel has it.
#[cfg(unix)]
pub(crate) fn hostname() -> Option<String> {
    let name = rustix::system::uname();
    text(name.nodename().to_bytes())
}

/// The host's name.
#[cfg(not(unix))]
pub(crate) fn hostname() -> Option<String> {
    whoami::hostname().ok().and_then(|name| text(name.as_bytes()))
}

/// The host's name and the system's version, in one look.
pub(crate) fn system(add: &mut dyn FnMut(&[u8])) {
    #[cfg(unix)]
    {
        let system = rustix::system::uname();
        add(system.nodename().to_bytes());
        add(system.release().to_bytes());
    }
    #[cfg(not(unix))]
    add(hostname().unwrap_or_default().as_bytes());
}

/// The user's number; 0 where users have none.
pub(crate) fn number() -> u32 {
    #[cfg(unix)]
    {
        rustix::process::getuid().as_raw()
    }
    #[cfg(not(unix))]
    {
        0
    }
}

/// Whether the program runs as another user or group than its user does: setuid, setgid.
pub(crate) fn is_elevated() -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{getegid, geteuid, getgid, getuid};
        getuid() != geteuid() || getgid() != getegid()
    }
    #[cfg(not(unix))]
    false
}

/// Whether the program got powers when it was started that its user does not have, capabilities of its file among them;
/// also where that cannot be known. Code that the user may write is not run with them.
#[cfg(feature = "components")]
pub(crate) fn has_more_powers_than_its_user() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if std::fs::read("/proc/self/auxv").map_or(true, |vector| is_secure(&vector)) {
        return true;
    }
    is_elevated()
}

/// Whether the system started a program in secure execution mode, by what it handed over: pairs of words, see
/// `getauxval(3)`.
#[cfg(all(feature = "components", any(target_os = "linux", target_os = "android")))]
fn is_secure(vector: &[u8]) -> bool {
    const AT_SECURE: usize = 23;
    let (words, _) = vector.as_chunks::<{ size_of::<usize>() }>();
    let (pairs, _) = words.as_chunks::<2>();
    let secure = pairs.iter().find(|[key, _]| usize::from_ne_bytes(*key) == AT_SECURE);
    secure.is_none_or(|[_, value]| usize::from_ne_bytes(*value) != 0)
}

/// The name of the real user: that of the first line of `/etc/passwd` with the number, else `$USER`
/// where there is a home, too. That is what Go's `os/user` does without the C library, which is how
/// the ancestor's tools are built.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn name() -> Option<String> {
    let users = std::fs::read("/etc/passwd").unwrap_or_default();
    among(&String::from_utf8_lossy(&users), number()).or_else(|| {
        let filled = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        filled("HOME").and_then(|_| filled("USER"))
    })
}

/// The user's name, on Windows with the domain before it, as Go's `os/user` has it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn name() -> Option<String> {
    let name = whoami::username().ok().and_then(|name| text(name.as_bytes()))?;
    match std::env::var("USERDOMAIN") {
        Ok(domain) if cfg!(windows) && !domain.is_empty() => Some(format!("{domain}\\{name}")),
        _ => Some(name),
    }
}

/// The first name with this number, by the rules of Go's `os/user`: seven fields, both numbers
/// numbers, no name that begins with a sign.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn among(users: &str, number: u32) -> Option<String> {
    users.lines().map(str::trim).filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields: Vec<_> = line.splitn(7, ':').collect();
        let [name, _, uid, gid, _, _, _] = fields[..] else { return None };
        let signed = name.is_empty() || name.starts_with(['+', '-']);
        let numbers = uid.parse() == Ok(number) && gid.parse::<i64>().is_ok();
        (!signed && numbers).then(|| name.to_owned())
    })
}

fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[cfg(feature = "components")]
    #[test]
    fn a_program_that_was_started_with_more_powers_is_known_by_what_the_system_handed_over() {
        let vector = |pairs: &[(usize, usize)]| -> Vec<u8> {
            pairs.iter().flat_map(|(key, value)| [key.to_ne_bytes(), value.to_ne_bytes()]).flatten().collect()
        };
        assert!(is_secure(&vector(&[(6, 4096), (23, 1), (0, 0)])));
        assert!(!is_secure(&vector(&[(6, 4096), (23, 0), (0, 0)])));
        assert!(is_secure(&vector(&[(6, 4096), (0, 0)])) && is_secure(&[]), "nobody knows");
        assert!(!has_more_powers_than_its_user(), "these tests have none");
    }

    #[test]
    fn the_first_line_with_the_number_names_the_user() {
        let users = "# comment\nroot:x:0:0:root:/root:/bin/sh\n+nis:x:7:7:::\nshort:x:7:7\nada:x:7:7:Ada:/home/ada:/bin/sh\n\
                     bob:x:7:7:::\nbad:x:8:none:::\n";
        assert_eq!(among(users, 0), Some("root".to_owned()));
        assert_eq!(among(users, 7), Some("ada".to_owned()));
        assert_eq!(among(users, 8), None);
        assert_eq!(among("", 0), None);
    }
}
