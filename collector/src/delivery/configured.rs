//! The rules that the author's configuration makes for delivery.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;

use crate::backend::select::Choice;
use crate::delivery::backoff::Backoff;
use crate::delivery::rules::{INTERVAL, Rules, Semantics};
use crate::session::Session;

/// Whether this build can open the chosen backend.
pub(crate) fn can_send(session: &Session) -> bool {
    cfg!(feature = "sender")
        && (cfg!(feature = "components")
            || !matches!(session.selected.choice, Choice::Named(_) | Choice::Path(_)))
}

/// Whether the tool does, as far as this process knows: it may be the tool's helper, which answers for a tool that
/// only records.
pub(crate) fn tool_sends(session: &Session) -> bool {
    can_send(session) && !session.answers_for_recorder
}

/// The author's rules of delivery.
pub(crate) fn rules(session: &Session) -> Rules {
    Rules { configuration: configuration(session), ..throttle(session) }
}

/// The same for the throttle alone, which asks for less.
pub(crate) fn throttle(session: &Session) -> Rules {
    let delivery = &session.config.delivery;
    let defaults = Rules::default();
    let throttled = !delivery.interval.is_zero();
    Rules {
        semantics: match delivery.semantics {
            crate::tool::Semantics::AtLeastOnce => Semantics::AtLeastOnce,
            crate::tool::Semantics::AtMostOnce => Semantics::AtMostOnce,
        },
        interval: delivery.interval,
        interval_stretch: delivery.jitter,
        max_attempts: delivery.max_attempts.map(NonZeroU32::get),
        // An author who lets every run send wants no other wait either: that is for tests.
        crowd: defaults.crowd.filter(|_| throttled),
        backoff: Backoff { base: delivery.interval.min(INTERVAL), ..defaults.backoff },
        max_age: session.config.journal.max_age,
        ..defaults
    }
}

/// A number that changes with everything that may have mended a broken backend.
fn configuration(session: &Session) -> u64 {
    let mut hasher = DefaultHasher::new();
    let config = &session.config;
    (&config.backend, &config.endpoints, session.tool.version()).hash(&mut hasher);
    for endpoint in config.endpoints.values() {
        if let Some(crate::tool::CredentialSource::Environment(name)) =
            endpoint.credential.as_ref().map(|it| &it.source)
        {
            std::env::var_os(name).is_some().hash(&mut hasher);
        }
    }
    if let (Some(base), Some(path)) = (session.tool.base_directory(), &config.backend.path) {
        let about = std::fs::metadata(base.join(path)).ok();
        about.map(|about| (about.len(), about.modified().ok())).hash(&mut hasher);
    }
    hasher.finish()
}
