//! What consent is asked about, owned, so that it can be asked again at any time from any thread.

use std::time::Instant;

use crate::backend::select::Selected;
use crate::consent::{
    Author, Gate, Harness, Inputs, Place, SendPermit, Stored, Verdict, at_start, file, machine_policy,
    resolve,
};
use crate::tool::{Config, Tool};

/// What the author declared, as far as consent is concerned.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    tool_id: String,
    tool_name: String,
    enabled: bool,
    force: bool,
    policy: u32,
    destination: String,
    debug_sends: bool,
    tests_count: bool,
    debug_build: bool,
}

impl Question {
    pub(crate) fn new(tool: &Tool, config: &Config, selected: &Selected) -> Self {
        Self {
            tool_id: config.tool.id.clone(),
            tool_name: config.name().to_owned(),
            enabled: config.tool.enabled,
            force: config.tool.force,
            policy: config.consent.policy,
            destination: selected.destination.clone(),
            debug_sends: config.tool.send_from_debug_builds,
            tests_count: config.tool.send_from_tests,
            debug_build: tool.is_debug_build(),
        }
    }

    /// What may be done, with the true step named.
    pub(crate) fn resolve(&self, place: &Place) -> Verdict {
        self.with(&|| file::read(place), resolve)
    }

    /// A gate for this process's recorder, which has asked once at the least cost.
    pub(crate) fn gate(&self, place: Place) -> Gate {
        let question = self.clone();
        Gate::open(place, Instant::now(), move |stored| question.with(stored, at_start))
    }

    /// Leave for one request, or why not. `in_tool` where the request is made by the tool's own process,
    /// which nobody may end.
    pub(crate) fn permit(&self, place: &Place, in_tool: bool) -> Result<SendPermit, String> {
        SendPermit::take(place, in_tool, |stored| self.with(stored, at_start))
            .map_err(|refused| refused.to_string())
    }

    fn with(&self, stored: &dyn Fn() -> Stored, decide: fn(&Inputs<'_>) -> Verdict) -> Verdict {
        decide(&Inputs {
            author: &Author {
                tool_name: &self.tool_name,
                enabled: self.enabled,
                force: self.force,
                policy: self.policy,
                destination: &self.destination,
                debug_sends: self.debug_sends,
                tests_count: self.tests_count,
            },
            debug_build: self.debug_build,
            environment: &|name| std::env::var_os(name),
            machine: &|| machine_policy(&self.tool_id),
            harness: &Harness::detect,
            stored,
        })
    }
}
