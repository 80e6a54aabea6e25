//! What consent is asked about, owned, so that it can be asked again at any time from any thread.

use std::ffi::OsString;

use crate::backend::select::Selected;
use crate::consent::{
    self, Asked, Asker, Author, DO_NOT_TRACK, Decision, Gate, Harness, Inputs, LOCAL, May, Occasion, Place,
    Record, SendPermit, Stored, Switch, Verdict, at_start, file, machine_policy, resolve, tool_variable,
};
use crate::event::Timestamp;
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
        Gate::open(place, Timestamp::now(), move |stored| question.with(stored, at_start))
    }

    /// Leave for one request, or why not. `in_tool` where the request is made by the tool's own process,
    /// which nobody may end.
    pub(crate) fn permit(&self, place: &Place, in_tool: bool) -> Result<SendPermit, String> {
        SendPermit::take(place, in_tool, |stored| self.with(stored, at_start))
            .map_err(|refused| refused.to_string())
    }

    /// Whether a request to erase may leave now, and if not, why. It is the user's own request, so what
    /// says no to telemetry does not stop it; `DO_NOT_TRACK` and what lets nothing leave the machine do, be it a
    /// variable or the machine's policy. A stored choice of local only does not: it is about events.
    pub(crate) fn may_ask_for_erasure(&self) -> Result<(), String> {
        let variable = std::env::var_os(DO_NOT_TRACK);
        if Switch::do_not_track(variable) == Switch::On {
            return Err(format!("{DO_NOT_TRACK} is set"));
        }
        let yes = Record {
            decision: Decision::Granted,
            policy: self.policy,
            destination: self.destination.clone(),
            ..Record::default()
        };
        let tool = tool_variable(&self.tool_name);
        let local = |name: &str| {
            let value = std::env::var_os(name).filter(|_| name == LOCAL || name == tool);
            value.filter(|value| name == LOCAL || Switch::with_local(Some(value.clone())) == Switch::Local)
        };
        let verdict = self.with_inputs(&local, &|| Stored::Record(yes.clone()), resolve);
        match (verdict.may, &verdict.local_because) {
            (May::Send, _) => Ok(()),
            (_, Some(because)) => Err(because.to_string()),
            (_, None) => Err(verdict.decided_by.to_string()),
        }
    }

    /// Puts the author's question to the user, where it may be put, and stores the answer.
    pub(crate) fn ask(
        &self,
        place: &Place,
        question: &consent::Question<'_>,
        occasion: Occasion,
        asker: &mut dyn Asker,
        now: Timestamp,
    ) -> std::io::Result<Asked> {
        let environment = |name: &str| std::env::var_os(name);
        self.with_inputs(&environment, &|| file::read(place), |inputs| {
            consent::ask(place, inputs, question, occasion, asker, now)
        })
    }

    fn with(&self, stored: &dyn Fn() -> Stored, decide: fn(&Inputs<'_>) -> Verdict) -> Verdict {
        self.with_inputs(&|name| std::env::var_os(name), stored, decide)
    }

    fn with_inputs<R>(
        &self,
        environment: &dyn Fn(&str) -> Option<OsString>,
        stored: &dyn Fn() -> Stored,
        act: impl FnOnce(&Inputs<'_>) -> R,
    ) -> R {
        act(&Inputs {
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
            environment,
            machine: &|| machine_policy(&self.tool_id),
            harness: &Harness::detect,
            stored,
        })
    }
}
