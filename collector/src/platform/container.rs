//! Is this a container? Ids made in one say less about a machine, so events are marked.
//!
//! What is looked at, cheapest first: what Kubernetes and systemd (also podman and LXC) put into the
//! environment, the files that Docker, podman and systemd-nspawn leave, and the names of the control
//! groups, as version 1 of them shows.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// The kind of container that this process runs in.
///
/// Not to be asked before a yes: it looks at files.
#[must_use]
pub fn container() -> Option<&'static str> {
    container_in(Path::new("/"), &|name| std::env::var_os(name))
}

/// What decides whether this is a container, at a tenth of the cost: as long as it is the same, so is the answer.
/// All but the environment and the control groups is in the file system, whose root a container does not share with its
/// host; who is moved between groups and keeps the root is taken for what it was.
pub(crate) fn decided_by(add: &mut dyn FnMut(&[u8])) {
    for name in ["KUBERNETES_SERVICE_HOST", "container"] {
        add(std::env::var_os(name).unwrap_or_default().as_encoded_bytes());
    }
    #[cfg(unix)]
    if let Ok(root) = fs::symlink_metadata("/") {
        use std::os::unix::fs::MetadataExt;
        add(&root.dev().to_le_bytes());
        add(&root.ino().to_le_bytes());
    }
}

fn container_in(root: &Path, environment: &dyn Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    let set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    if set("KUBERNETES_SERVICE_HOST") {
        return Some("kubernetes");
    }
    if let Some(manager) = environment("container").filter(|value| !value.is_empty()) {
        return Some(named(&manager.to_string_lossy()));
    }
    if !cfg!(unix) {
        return None;
    }
    if root.join(".dockerenv").exists() {
        return Some("docker");
    }
    if root.join("run/.containerenv").exists() {
        return Some("podman");
    }
    if let Ok(manager) = fs::read_to_string(root.join("run/systemd/container")) {
        return Some(named(manager.trim()));
    }
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    [
        ("kubepods", "kubernetes"),
        ("docker", "docker"),
        ("libpod", "podman"),
        ("lxc", "lxc"),
        ("containerd", "other"),
    ]
    .into_iter()
    .find(|(sign, _)| groups.contains(sign))
    .map(|(_, name)| name)
}

/// Only names from a fixed set leave the machine: what stands in the environment may be anything.
fn named(manager: &str) -> &'static str {
    ["docker", "podman", "lxc", "lxc-libvirt", "systemd-nspawn", "rkt", "wsl", "proot", "pouch", "flatpak"]
        .into_iter()
        .find(|known| manager.eq_ignore_ascii_case(known))
        .unwrap_or("other")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn look(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Option<&'static str> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        container_in(root.path(), &|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn a_container_is_recognised_by_each_of_its_signs() {
        assert_eq!(look(&[], &[]), None);
        assert_eq!(look(&[("proc/self/cgroup", "0::/user.slice\n")], &[]), None);
        assert_eq!(look(&[(".dockerenv", "")], &[]), Some("docker"));
        assert_eq!(look(&[("run/.containerenv", "engine=podman")], &[]), Some("podman"));
        assert_eq!(look(&[("run/systemd/container", "systemd-nspawn\n")], &[]), Some("systemd-nspawn"));
        assert_eq!(look(&[("proc/self/cgroup", "4:cpu:/docker/0a1b\n")], &[]), Some("docker"));
        assert_eq!(look(&[("proc/self/cgroup", "4:cpu:/kubepods/x/docker/0a\n")], &[]), Some("kubernetes"));
        assert_eq!(look(&[], &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]), Some("kubernetes"));
        assert_eq!(look(&[], &[("container", "lxc")]), Some("lxc"));
        assert_eq!(look(&[], &[("container", "")]), None);
    }

    #[test]
    fn what_stands_in_the_environment_never_leaves_as_it_is() {
        assert_eq!(look(&[], &[("container", "customer-4711")]), Some("other"));
    }
}
