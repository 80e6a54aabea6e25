//! Which imports a component may have. Everything is refused that is not named here.

use std::collections::HashSet;

use semver::Version;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use crate::error::Offence;
use crate::state::State;
use crate::text::tidy;
use crate::track::{self, Track};

/// The most offences that are named.
const MOST: usize = 50;

/// The version under which the inert interfaces are linked.
pub(crate) const WASI: Version = Version::new(0, 2, 12);

/// The contract's interfaces.
const OWN: [&str; 3] = ["telemetry:backend/types", "telemetry:backend/http", "telemetry:backend/log"];

/// WASI that is met by stubs.
const INERT: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// HTTP as WASI has it, through the same gate.
const WASI_HTTP: [&str; 2] = ["wasi:http/outgoing-handler", "wasi:http/types"];

/// What an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// The one power, in the contract's words or (with the feature `wasi-http`) in WASI's; the log; the types.
    Granted,
    /// WASI that does nothing.
    Inert,
    /// Not to be had. The text says why, and what the likely cause is.
    Refused(String),
}

/// An import's name without its version, and the version.
fn split(import: &str) -> (&str, Option<Version>) {
    match import.split_once('@') {
        Some((name, version)) => (name, Version::parse(version).ok()),
        None => (import, None),
    }
}

/// Whether an import is one of the contract's interfaces, in whatever version.
pub(crate) fn is_of_the_contract(import: &str) -> bool {
    OWN.contains(&split(import).0)
}

/// Whether something built for `asked` can be met by `offered`, as semantic versions have it.
pub(crate) fn compatible(asked: &Version, offered: &Version) -> bool {
    if !asked.pre.is_empty() || !offered.pre.is_empty() {
        return asked == offered;
    }
    match (asked.major, asked.minor) {
        (0, 0) => asked == offered,
        (0, minor) => offered.major == 0 && offered.minor == minor,
        (major, _) => offered.major == major,
    }
}

/// The class of an import by its name alone.
pub fn classify(import: &str) -> Class {
    let (name, version) = split(import);
    let refused = |why: &str| Class::Refused(why.to_owned());
    if OWN.contains(&name) {
        return match version {
            Some(version) if Track::that_meets(&version).is_some() => Class::Granted,
            // A version may be as long as its author likes.
            Some(version) => Class::Refused(format!(
                "built for version {} of the contract; this host speaks {}",
                tidy(&version.to_string(), 100),
                track::known()
            )),
            None => refused("names no version of the contract"),
        };
    }
    let met = match name {
        _ if INERT.contains(&name) => Some(Class::Inert),
        _ if cfg!(feature = "wasi-http") && WASI_HTTP.contains(&name) => Some(Class::Granted),
        _ => None,
    };
    if let Some(class) = met {
        return match version {
            Some(version) if compatible(&version, &WASI) => class,
            Some(version) if version.minor >= 3 || version.major >= 1 => {
                refused("WASI 0.3: built with async; rebuild it for WASI 0.2 (for JavaScript with `--sync`)")
            }
            _ => refused("an early version of WASI; rebuild it with a current toolchain for WASI 0.2"),
        };
    }
    let package = name.split('/').next().unwrap_or_default();
    match package {
        "wasi:sockets" => refused(
            "a backend has no sockets; it asks the host for a request through `telemetry:backend/http`. \
             Likely cause: an HTTP or networking library inside the component",
        ),
        "wasi:http" if !WASI_HTTP.contains(&name) => refused("a backend sends requests and takes none"),
        "wasi:http" => refused(
            "a backend sends through `telemetry:backend/http`. Likely cause: an HTTP library of WASI (or `fetch`) \
             inside the component; this host links it only with the feature `wasi-http`",
        ),
        "wasi:filesystem" => refused("a backend has no files"),
        "telemetry:backend" => refused("not an interface of the contract that a host offers"),
        _ if version
            .as_ref()
            .is_some_and(|v| package.starts_with("wasi:") && (v.minor >= 3 || v.major >= 1)) =>
        {
            refused("WASI 0.3: built with async; rebuild it for WASI 0.2 (for JavaScript with `--sync`)")
        }
        "wasi:keyvalue" | "wasi:blobstore" | "wasi:config" | "wasi:messaging" | "wasi:logging"
        | "wasi:nn" => refused("a service of other hosts that a backend does not have"),
        "wasi_snapshot_preview1" | "env" => {
            refused("an import of a core module; the component was put together without an adapter")
        }
        _ => refused("unknown to this host"),
    }
}

/// The name under which the host links what an accepted import asks for.
fn linked_name(import: &str, class: &Class) -> Option<String> {
    let (name, version) = split(import);
    match class {
        Class::Granted | Class::Inert if name.starts_with("wasi:") => Some(format!("{name}@{WASI}")),
        Class::Granted | Class::Inert => {
            Track::that_meets(&version?).map(|track| format!("{name}@{}", track.version))
        }
        Class::Refused(_) => None,
    }
}

/// Whether every import is of an interface that a component may have. Whether each function in it is there is
/// found when it is linked.
pub(crate) fn may_have_all(engine: &Engine, component: &Component) -> bool {
    component.component_type().imports(engine).all(|(import, item)| {
        matches!(item.ty, ComponentItem::ComponentInstance(_))
            && !matches!(classify(import), Class::Refused(_))
    })
}

/// Imports that cannot be met, with the likely cause of each: the first [`MOST`], and that there are more.
pub(crate) fn offences(engine: &Engine, component: &Component, linker: &Linker<State>) -> Vec<Offence> {
    let mut found = Found::new(linker);
    let mut offences = Vec::new();
    let component = component.component_type();
    for (import, item) in component.imports(engine) {
        // Only as many as are named are looked for: a file may have a million of them.
        let room = MOST + 1 - offences.len();
        offences.extend(found.offences(engine, import, &item.ty).take(room));
        if offences.len() > MOST {
            offences.truncate(MOST);
            let cause = format!("there are more than these {MOST}");
            offences.push(Offence { import: "and so on".to_owned(), cause });
            break;
        }
    }
    offences
}

/// What the linker has of what is looked for: it can be asked for a name only by defining it once more, which
/// is done in a copy of it. One copy for all the imports of a component: to make it costs more than to ask.
pub(crate) struct Found {
    probe: Linker<State>,
    /// What the copy has from having been asked for it.
    missing: HashSet<(String, String)>,
}

impl Found {
    pub(crate) fn new(linker: &Linker<State>) -> Self {
        Self { probe: linker.clone(), missing: HashSet::new() }
    }

    /// What is wrong with one import, found as it is taken.
    pub(crate) fn offences<'a>(
        &'a mut self,
        engine: &'a Engine,
        import: &'a str,
        item: &'a ComponentItem,
    ) -> impl Iterator<Item = Offence> + 'a {
        let offence =
            |import: &str, cause: &str| Offence { import: tidy(import, 200), cause: cause.to_owned() };
        let class = classify(import);
        let (whole, within) = match (&class, item) {
            (Class::Refused(cause), _) => (Some(offence(import, cause)), None),
            (_, ComponentItem::ComponentInstance(instance)) => {
                (None, linked_name(import, &class).map(|linked| (linked, instance)))
            }
            _ => (Some(offence(import, "must be an interface")), None),
        };
        let functions = within.map(move |(linked, instance)| {
            let missing =
                instance.exports(engine).filter(move |(name, item)| !self.is_linked(&linked, name, &item.ty));
            missing.map(move |(name, _)| {
                let cause = "newer than this host: it has the interface, but not this function";
                offence(&format!("{import}#{name}"), cause)
            })
        });
        whole.into_iter().chain(functions.into_iter().flatten())
    }

    fn is_linked(&mut self, interface: &str, name: &str, item: &ComponentItem) -> bool {
        // Types come with the functions that use them.
        let ComponentItem::ComponentFunc(_) = item else { return true };
        let Ok(mut instance) = self.probe.instance(interface) else { return true };
        let key = || (interface.to_owned(), name.to_owned());
        if instance.func_new(name, |_, _, _, _| Ok(())).is_ok() {
            self.missing.insert(key());
            return false;
        }
        self.missing.is_empty() || !self.missing.contains(&key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_meet_as_semantic_versions_have_it() {
        for (asked, offered, meets) in [
            ("0.1.0", "0.1.0", true),
            ("0.1.9", "0.1.0", true),
            ("0.1.0", "0.1.9", true),
            ("0.2.0", "0.1.0", false),
            ("0.1.0", "0.2.0", false),
            ("0.2.99", "0.2.12", true),
            ("0.3.0", "0.2.12", false),
            ("1.2.0", "1.9.3", true),
            ("1.9.3", "1.2.0", true),
            ("2.0.0", "1.9.3", false),
            ("1.0.0", "0.1.0", false),
            ("0.1.0", "1.1.0", false),
            ("0.0.3", "0.0.3", true),
            ("0.0.4", "0.0.3", false),
            ("0.0.3", "0.1.3", false),
            ("0.2.0-draft.1", "0.2.0", false),
            ("0.2.0", "0.2.0-draft.1", false),
            ("0.2.0-draft.1", "0.2.0-draft.1", true),
            ("0.2.0-draft.1", "0.2.0-draft.2", false),
            ("0.1.0+build.5", "0.1.0", true),
        ] {
            let parse = |text| Version::parse(text).unwrap();
            assert_eq!(compatible(&parse(asked), &parse(offered)), meets, "{asked} by {offered}");
        }
    }
}
