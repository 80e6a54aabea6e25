//! The backend that a sender sends through, and the leave that each of its requests asks for.

use super::{Finished, Sender};
use crate::backend::{self, Ask, Backend, Permit};
use crate::event::Timestamp;
use crate::platform::random;
use crate::session::{LOCAL, Session};

impl Sender<'_> {
    /// The backend, opened when it is first needed.
    pub(super) fn backend(&mut self) -> Result<&mut dyn Backend, Finished> {
        if self.backend.is_none() {
            match open(self.session, self.local, self.ask()) {
                Ok(backend) => self.backend = Some(backend),
                Err(why) => {
                    self.schedule.hold(&why, Timestamp::now(), &self.rules, &mut random::share);
                    return Err(Finished::Held(why));
                }
            }
        }
        match &mut self.backend {
            Some(backend) => Ok(backend.as_mut()),
            None => Err(Finished::Held("there is no backend".into())),
        }
    }

    pub(super) fn is_component(&self) -> bool {
        use backend::select::Choice;
        !self.is_local() && matches!(self.session.selected.choice, Choice::Named(_) | Choice::Path(_))
    }

    pub(super) fn is_local(&self) -> bool {
        self.local
    }

    /// The destination whose events this sender takes.
    pub(super) fn destination(&self) -> &str {
        if self.is_local() { LOCAL } else { &self.session.selected.destination }
    }

    /// Asks for leave for one request.
    fn ask(&self) -> Ask {
        let (question, place, in_tool) =
            (self.session.question.clone(), self.session.place.clone(), self.in_tool);
        std::sync::Arc::new(move || question.permit(&place, in_tool).map(|permit| Box::new(permit) as Permit))
    }

    pub(super) fn permit(&self) -> Result<Permit, String> {
        if self.is_local() { Ok(Box::new(())) } else { (self.ask())() }
    }
}

/// The chosen backend, each of whose requests asks for leave.
pub(crate) fn open(session: &Session, local: bool, ask: Ask) -> Result<Box<dyn Backend>, String> {
    let at_most_once = session.config.delivery.semantics == crate::tool::Semantics::AtMostOnce;
    open_with(session, local, ask, at_most_once)
}

/// The chosen backend for requests to erase. Those may be made more than once, so one claim covers any number.
pub(crate) fn open_to_erase(session: &Session, ask: Ask) -> Result<Box<dyn Backend>, String> {
    open_with(session, false, ask, false)
}

fn open_with(
    session: &Session,
    local: bool,
    ask: Ask,
    at_most_once: bool,
) -> Result<Box<dyn Backend>, String> {
    use backend::select::Choice;
    if local {
        return Ok(Box::new(backend::File::new(session.local_log())));
    }
    match &session.selected.choice {
        Choice::None => Err("the author chose no backend".into()),
        Choice::Stdout => Ok(Box::new(backend::Stdout::default())),
        Choice::File => Ok(Box::new(backend::File::new(session.local_log()))),
        Choice::Own => match &session.tool.backend {
            Some((_, make)) => Ok(make()),
            None => Err("the author's own backend is missing".into()),
        },
        choice @ (Choice::Named(_) | Choice::Path(_)) => component(session, choice, ask, at_most_once),
    }
}

#[cfg(feature = "components")]
fn component(
    session: &Session,
    choice: &backend::select::Choice,
    ask: Ask,
    at_most_once: bool,
) -> Result<Box<dyn Backend>, String> {
    let cache = crate::platform::directory::cache_directory(&session.config.tool.id);
    let component = backend::component::open(
        &session.tool,
        &session.config,
        choice,
        cache,
        backend::component::Outlet::Network(ask),
        at_most_once,
    )?;
    Ok(Box::new(component))
}

#[cfg(not(feature = "components"))]
fn component(_: &Session, _: &backend::select::Choice, _: Ask, _: bool) -> Result<Box<dyn Backend>, String> {
    Err("this tool records only: a program `<tool>-telemetry` beside it sends".into())
}
