//! The track 0.1 of the contract.

mod bindings;
mod imports;
mod words;

use std::sync::Arc;

use semver::Version;
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use self::bindings::{Backend, BackendPre};
use super::{Called, Exporter, Prepared, Track};
use crate::state::State;
use crate::types::{Batch, Description, Erasure, Outcome, Problem, SendContext};

pub(super) const TRACK: Track = Track { version: Version::new(0, 1, 0), link, prepare };

fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    Backend::add_to_linker::<_, HasSelf<_>>(linker, |state: &mut State| state)
}

fn prepare(pre: InstancePre<State>) -> wasmtime::Result<Arc<dyn Prepared>> {
    Ok(Arc::new(BackendPre::new(pre)?))
}

impl Prepared for BackendPre<State> {
    fn instantiate<'a>(&'a self, store: &'a mut Store<State>) -> Called<'a, Box<dyn Exporter>> {
        Box::pin(async move { Ok(Box::new(self.instantiate_async(store).await?) as Box<dyn Exporter>) })
    }
}

impl Exporter for Backend {
    fn describe<'a>(&'a self, store: &'a mut Store<State>) -> Called<'a, Description> {
        let exporter = self.telemetry_backend_exporter();
        Box::pin(async move { exporter.call_describe(store).await.map(words::description) })
    }

    fn configure<'a>(
        &'a self,
        store: &'a mut Store<State>,
        settings: &'a str,
    ) -> Called<'a, Result<(), Vec<Problem>>> {
        let exporter = self.telemetry_backend_exporter();
        Box::pin(async move {
            let configured = exporter.call_configure(store, settings).await?;
            Ok(configured.map_err(words::problems))
        })
    }

    fn send<'a>(
        &'a self,
        store: &'a mut Store<State>,
        batch: Batch,
        context: SendContext,
    ) -> Called<'a, Outcome> {
        let exporter = self.telemetry_backend_exporter();
        let (batch, context) = (words::batch(batch), words::context(context));
        Box::pin(async move { exporter.call_send(store, &batch, &context).await.map(words::outcome) })
    }

    fn erase<'a>(
        &'a self,
        store: &'a mut Store<State>,
        ids: Vec<String>,
        context: SendContext,
    ) -> Called<'a, Erasure> {
        let exporter = self.telemetry_backend_exporter();
        let context = words::context(context);
        Box::pin(async move { exporter.call_erase(store, &ids, &context).await.map(words::erasure) })
    }
}
