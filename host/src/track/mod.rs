//! The tracks of the contract. Versions that may break each other are tracks; each is a module of its own,
//! with its own bindings, that turns its words into the host's own types and back. Which one a component
//! speaks is told by the version of the `exporter` that it exports. Behind every track stand the same gate,
//! the same log and the same limits, so a track is a dialect and never another power.
//!
//! A new track is a module and a line in [`TRACKS`]; it loads beside the older ones.

pub(crate) mod checked;
#[cfg(test)]
mod next;
#[cfg(test)]
mod tests;
mod v0_1;

use std::pin::Pin;
use std::sync::Arc;

use semver::Version;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::check::compatible;
use crate::state::State;
use crate::types::{Batch, Description, Erasure, Outcome, Problem, SendContext};

/// Every track that this host speaks, oldest first.
const TRACKS: &[Track] = &[
    v0_1::TRACK,
    #[cfg(test)]
    next::TRACK,
];

/// The interface whose version names the track.
const EXPORTER: &str = "telemetry:backend/exporter";

/// One track.
pub(crate) struct Track {
    /// The version under which its interfaces are linked.
    pub(crate) version: Version,
    link: fn(&mut Linker<State>) -> wasmtime::Result<()>,
    prepare: fn(InstancePre<State>) -> wasmtime::Result<Arc<dyn Prepared>>,
}

/// What a call gives, in the host's own types and as the component said it.
pub(crate) type Called<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + 'a>>;

/// A component of one track, ready to be instantiated.
pub(crate) trait Prepared: Send + Sync {
    /// A fresh instance in this store.
    fn instantiate<'a>(&'a self, store: &'a mut Store<State>) -> Called<'a, Box<dyn Exporter>>;
}

/// The exports of an instance of one track.
pub(crate) trait Exporter: Send {
    fn describe<'a>(&'a self, store: &'a mut Store<State>) -> Called<'a, Description>;

    fn configure<'a>(
        &'a self,
        store: &'a mut Store<State>,
        settings: &'a str,
    ) -> Called<'a, Result<(), Vec<Problem>>>;

    fn send<'a>(
        &'a self,
        store: &'a mut Store<State>,
        batch: Batch,
        context: SendContext,
    ) -> Called<'a, Outcome>;

    fn erase<'a>(
        &'a self,
        store: &'a mut Store<State>,
        ids: Vec<String>,
        context: SendContext,
    ) -> Called<'a, Erasure>;
}

impl Track {
    /// The track whose interfaces something built for this version can be met by.
    pub(crate) fn that_meets(version: &Version) -> Option<&'static Self> {
        TRACKS.iter().find(|track| compatible(version, &track.version))
    }

    /// A component with its imports resolved, as one of this track.
    pub(crate) fn prepare(&self, pre: InstancePre<State>) -> wasmtime::Result<Arc<dyn Prepared>> {
        (self.prepare)(pre)
    }
}

/// Links the imports of every track.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    TRACKS.iter().try_for_each(|track| (track.link)(linker))
}

/// The versions of all tracks, for telling what would be right.
pub(crate) fn known() -> String {
    let versions: Vec<String> = TRACKS.iter().map(|track| track.version.to_string()).collect();
    versions.join(", ")
}

/// What a component says by its exports.
pub(crate) enum Spoken {
    /// A version that this host speaks: of several the newest.
    Known(String, &'static Track),
    /// Only versions that it does not.
    Unknown(String),
    /// It is no backend.
    None,
}

/// The track that a component speaks.
pub(crate) fn spoken(engine: &Engine, component: &Component) -> Spoken {
    let mut unknown = None;
    let mut best: Option<(Version, &'static Track)> = None;
    for (name, _) in component.component_type().exports(engine) {
        let Some(version) = name.strip_prefix(EXPORTER) else { continue };
        let Some(text) = version.strip_prefix('@') else {
            // Either of another name, or without a version.
            if version.is_empty() {
                unknown.get_or_insert_with(|| "none".to_owned());
            }
            continue;
        };
        let parsed = Version::parse(text).ok();
        match parsed.and_then(|version| Track::that_meets(&version).map(|track| (version, track))) {
            Some(found) => {
                if best.as_ref().is_none_or(|(version, _)| found.0 > *version) {
                    best = Some(found);
                }
            }
            None => {
                unknown.get_or_insert_with(|| crate::text::tidy(text, 100));
            }
        }
    }
    match (best, unknown) {
        (Some((version, track)), _) => Spoken::Known(version.to_string(), track),
        (None, Some(version)) => Spoken::Unknown(version),
        (None, None) => Spoken::None,
    }
}
