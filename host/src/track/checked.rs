//! What a component answered, judged and tidied, whichever track it came in: nothing that a component says
//! is shown or believed as it stands.

use crate::text::reason;
use crate::types::{
    Credential, Description, Endpoint, Erasure, LimitsAsked, Outcome, Placement, Problem, RetryAdvice,
    Setting, Site, Verdict,
};

/// The most settings, endpoints, sites of one, or problems.
const MOST: usize = 100;

fn advice(from: RetryAdvice) -> RetryAdvice {
    let after_ms = from.after_ms.filter(|ms| ms.is_finite() && *ms >= 0.0);
    RetryAdvice { reason: reason(&from.reason), after_ms }
}

/// An outcome, checked against the number of events: the error says how the component broke the contract.
pub(crate) fn outcome(from: Outcome, events: usize) -> Result<Outcome, String> {
    Ok(match from {
        Outcome::Delivered => Outcome::Delivered,
        Outcome::Partial(verdicts) if verdicts.len() != events => {
            return Err(format!("`send` gave {} verdicts for {events} events", verdicts.len()));
        }
        Outcome::Partial(verdicts) => Outcome::Partial(
            verdicts
                .into_iter()
                .map(|verdict| match verdict {
                    Verdict::Delivered => Verdict::Delivered,
                    Verdict::Retry(why) => Verdict::Retry(reason(&why)),
                    Verdict::Rejected(why) => Verdict::Rejected(reason(&why)),
                    Verdict::Other(why) => Verdict::Other(reason(&why)),
                })
                .collect(),
        ),
        Outcome::Retry(why) => Outcome::Retry(advice(why)),
        Outcome::TooLarge => Outcome::TooLarge,
        Outcome::Rejected(why) => Outcome::Rejected(reason(&why)),
        Outcome::Other(why) => Outcome::Other(reason(&why)),
    })
}

/// An erasure's answer.
pub(crate) fn erasure(from: Erasure) -> Erasure {
    match from {
        Erasure::Receipt(text) => Erasure::Receipt(reason(&text)),
        Erasure::Unsupported(text) => Erasure::Unsupported(reason(&text)),
        Erasure::Retry(why) => Erasure::Retry(advice(why)),
        Erasure::Other(text) => Erasure::Other(reason(&text)),
    }
}

/// The problems of `configure`.
pub(crate) fn problems(from: Vec<Problem>) -> Vec<Problem> {
    from.into_iter()
        .take(MOST)
        .map(|p| Problem { key: reason(&p.key), message: reason(&p.message) })
        .collect()
}

/// A description; the error says what in it cannot be.
pub(crate) fn description(from: Description) -> Result<Description, String> {
    if from.settings.len() > MOST || from.endpoints.len() > MOST {
        return Err(format!("`describe` lists more than {MOST} settings or endpoints"));
    }
    if let Some(bad) = from.endpoints.iter().find(|e| !crate::egress::grant::valid_endpoint_name(&e.name)) {
        return Err(format!("`describe` names an endpoint `{}`, which is not a name", reason(&bad.name)));
    }
    let mut names: Vec<&str> = from.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("`describe` names the endpoint `{}` twice", pair[0]));
    }
    let setting = |s: Setting| Setting { key: reason(&s.key), summary: reason(&s.summary), ..s };
    Ok(Description {
        name: reason(&from.name),
        version: reason(&from.version),
        summary: reason(&from.summary),
        settings: from.settings.into_iter().map(setting).collect(),
        endpoints: from.endpoints.into_iter().map(endpoint).collect(),
        limits: LimitsAsked {
            events: from.limits.events.max(1),
            bytes: from.limits.bytes.max(1),
            event_bytes: from.limits.event_bytes.max(1),
        },
        erases: from.erases,
    })
}

fn endpoint(from: Endpoint) -> Endpoint {
    let credential = |from: Credential| Credential {
        placement: match from.placement {
            Placement::Header(name) => Placement::Header(reason(&name)),
            Placement::Bearer => Placement::Bearer,
            Placement::Basic => Placement::Basic,
            Placement::Query(name) => Placement::Query(reason(&name)),
            Placement::Other(text) => Placement::Other(reason(&text)),
        },
        summary: reason(&from.summary),
        required: from.required,
    };
    let site = |s: Site| Site { name: reason(&s.name), url: reason(&s.url) };
    Endpoint {
        summary: reason(&from.summary),
        credential: from.credential.map(credential),
        sites: from.sites.into_iter().take(MOST).map(site).collect(),
        ..from
    }
}

/// A description of nothing, until there is one.
pub(crate) fn nothing() -> Description {
    Description {
        name: String::new(),
        version: String::new(),
        summary: String::new(),
        settings: Vec::new(),
        endpoints: Vec::new(),
        limits: LimitsAsked { events: 1, bytes: 1, event_bytes: 1 },
        erases: false,
    }
}
