//! A track that exists for the tests only: it shows that another dialect is a module and a line, and that
//! what was built for the one before goes on working.

mod bindings;

use std::sync::Arc;

use semver::Version;
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use self::bindings::telemetry::backend::{http, types as t};
use self::bindings::{Backend, BackendPre};
use super::{Called, Exporter, Prepared, Track};
use crate::egress::coding::Coding;
use crate::egress::request::Asked;
use crate::state::State;
use crate::types as plain;
use crate::types::{Batch, Description, Erasure, Outcome, Problem, SendContext};

pub(super) const TRACK: Track = Track { version: Version::new(0, 2, 0), link, prepare };

fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    Backend::add_to_linker::<_, HasSelf<_>>(linker, |state: &mut State| state)
}

fn prepare(pre: InstancePre<State>) -> wasmtime::Result<Arc<dyn Prepared>> {
    Ok(Arc::new(BackendPre::new(pre)?))
}

fn batch(from: Batch) -> t::Batch {
    let event = |from: plain::Event| t::Event {
        id: from.id,
        kind: from.kind,
        name: from.name,
        at: from.time.rfc3339,
    };
    t::Batch {
        tool: from.origin.tool,
        installation: from.origin.machine_id,
        events: from.events.into_iter().map(event).collect(),
    }
}

fn context(from: SendContext) -> t::SendContext {
    t::SendContext { try_number: from.attempt, request_id: from.request_id, now: from.now.rfc3339 }
}

fn outcome(from: t::Outcome) -> Outcome {
    match from {
        t::Outcome::Delivered => Outcome::Delivered,
        t::Outcome::Wait(ms) => {
            Outcome::Retry(plain::RetryAdvice { reason: "asked to wait".to_owned(), after_ms: Some(ms) })
        }
        t::Outcome::TooLarge(_) => Outcome::TooLarge,
        t::Outcome::Rejected(why) => Outcome::Rejected(why),
    }
}

impl Prepared for BackendPre<State> {
    fn instantiate<'a>(&'a self, store: &'a mut Store<State>) -> Called<'a, Box<dyn Exporter>> {
        Box::pin(async move { Ok(Box::new(self.instantiate_async(store).await?) as Box<dyn Exporter>) })
    }
}

impl Exporter for Backend {
    fn describe<'a>(&'a self, store: &'a mut Store<State>) -> Called<'a, Description> {
        let endpoint = |name| plain::Endpoint {
            name,
            summary: String::new(),
            required: true,
            credential: None,
            sites: Vec::new(),
        };
        Box::pin(async move {
            let said = self.telemetry_backend_exporter().call_describe(store).await?;
            Ok(Description {
                name: said.name,
                version: said.version,
                endpoints: said.endpoints.into_iter().map(endpoint).collect(),
                ..super::checked::nothing()
            })
        })
    }

    fn configure<'a>(
        &'a self,
        store: &'a mut Store<State>,
        settings: &'a str,
    ) -> Called<'a, Result<(), Vec<Problem>>> {
        Box::pin(async move {
            let configured = self.telemetry_backend_exporter().call_configure(store, settings).await?;
            Ok(configured.map_err(|message| vec![Problem { key: String::new(), message }]))
        })
    }

    fn send<'a>(
        &'a self,
        store: &'a mut Store<State>,
        from: Batch,
        when: SendContext,
    ) -> Called<'a, Outcome> {
        let (batch, context) = (batch(from), context(when));
        Box::pin(async move {
            self.telemetry_backend_exporter().call_send(store, &batch, &context).await.map(outcome)
        })
    }

    fn erase<'a>(
        &'a self,
        store: &'a mut Store<State>,
        ids: Vec<String>,
        when: SendContext,
    ) -> Called<'a, Erasure> {
        let context = context(when);
        Box::pin(async move {
            let said = self.telemetry_backend_exporter().call_erase(store, &ids, &context).await?;
            Ok(said.map_or_else(|| Erasure::Unsupported(String::new()), Erasure::Receipt))
        })
    }
}

impl http::Host for State {
    async fn post(
        &mut self,
        endpoint: String,
        path: String,
        body: String,
    ) -> wasmtime::Result<Result<u16, String>> {
        let asked = Asked {
            endpoint,
            method: "POST",
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: body.into_bytes(),
            coding: Coding::Identity,
            timeout: None,
        };
        let answer = self.gate.clone().send(asked).await;
        Ok(answer.map(|answer| answer.status).map_err(|refusal| refusal.to_string()))
    }
}

impl t::Host for State {}
