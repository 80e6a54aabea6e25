//! The gate itself: finds the grant, counts, asks, sends, and remembers what happened.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::answer::Answer;
use super::dial::Dialer;
use super::door::Door;
use super::grant::Grant;
use super::proxy::Proxies;
use super::request::{Asked, Outgoing, Prepared, Refusal};
use super::resolve::Lookup;
use crate::limits::Limits;

/// What has passed the gate, for `status` and for deciding what to tell the author.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchanges {
    /// Requests that the door let through, answered or not.
    pub sent: u64,
    /// Answers that were read to their end.
    pub answered: u64,
    /// Bytes of request bodies on the wire.
    pub bytes_sent: u64,
    /// The status of the last answer.
    pub last_status: Option<u16>,
    /// The last request that got no answer, and why.
    pub last_failure: Option<String>,
    /// The last request that was not let through, and which line would.
    pub last_denial: Option<String>,
}

/// The gate of one backend. Lives as long as the backend, across instances of its component.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Inner>);

pub(super) struct Inner {
    pub(super) grants: BTreeMap<String, Arc<Grant>>,
    door: Door,
    proxies: Proxies,
    lookup: Arc<dyn Lookup>,
    limits: Limits,
    user_agent: String,
    per_call: u32,
    state: Mutex<GateState>,
}

#[derive(Default)]
pub(super) struct GateState {
    open: bool,
    /// What `describe` asked for; none until it has answered.
    described: Vec<String>,
    this_call: u32,
    dialers: BTreeMap<String, Dialer>,
    pub(super) exchanges: Exchanges,
    /// Requests that go on, whoever waits for them.
    #[cfg(feature = "wasi-http")]
    pub(super) loose_ends: usize,
}

impl GateState {
    fn has_one_left(&self, most: u32) -> Result<(), Refusal> {
        if self.this_call < most {
            return Ok(());
        }
        let times = if most == 1 { "one request".to_owned() } else { format!("{most} requests") };
        Err(Refusal::Invalid(format!("no more than {times} in one call")))
    }
}

pub(crate) struct GateSetup {
    pub(crate) grants: Vec<Grant>,
    pub(crate) door: Door,
    pub(crate) proxies: Proxies,
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) limits: Limits,
    pub(crate) user_agent: String,
    pub(crate) max_requests: Option<u32>,
}

impl Gate {
    pub(crate) fn new(setup: GateSetup) -> Self {
        let per_call = setup.max_requests.unwrap_or(u32::MAX).min(setup.limits.requests_per_call);
        Self(Arc::new(Inner {
            grants: setup.grants.into_iter().map(|grant| (grant.endpoint.clone(), Arc::new(grant))).collect(),
            door: setup.door,
            proxies: setup.proxies,
            lookup: setup.lookup,
            limits: setup.limits,
            user_agent: setup.user_agent,
            per_call,
            state: Mutex::default(),
        }))
    }

    #[cfg(feature = "wasi-http")]
    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(super) fn with<R>(&self, act: impl FnOnce(&mut GateState) -> R) -> R {
        act(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens for one call, or closes.
    pub(crate) fn set_open(&self, open: bool) {
        self.with(|state| {
            state.open = open;
            state.this_call = 0;
        });
    }

    /// Narrows what may be reached to what the component said that it needs.
    pub(crate) fn narrow(&self, described: Vec<String>) {
        self.with(|state| state.described = described);
    }

    pub(crate) fn exchanges(&self) -> Exchanges {
        self.with(|state| state.exchanges.clone())
    }

    /// How many requests were answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.with(|state| state.exchanges.answered)
    }

    /// One request, from being asked for to its whole answer. Safe to drop half-way.
    pub(crate) async fn send(&self, asked: Asked) -> Result<Answer, Refusal> {
        let result = self.try_send(asked).await;
        self.with(|state| match &result {
            Ok(answer) => {
                state.exchanges.answered += 1;
                state.exchanges.last_status = Some(answer.status);
            }
            Err(Refusal::Denied(why)) => state.exchanges.last_denial = Some(why.clone()),
            Err(other) => state.exchanges.last_failure = Some(other.to_string()),
        });
        match result {
            Err(Refusal::TooLarge(why)) => Ok(too_large(why)),
            result => result,
        }
    }

    async fn try_send(&self, asked: Asked) -> Result<Answer, Refusal> {
        let inner = &*self.0;
        if !self.with(|state| state.open) {
            return Err(Refusal::Denied("http is closed during `describe` and `configure`".to_owned()));
        }
        let grant = self.grant(&asked.endpoint)?;
        // What costs little comes first: a component that is refused may ask again at once, as often as it
        // likes, and each time a body of megabytes would be coded for nothing.
        self.has_one_left()?;
        let dialer = self.dialer(&grant)?;
        dialer.check_literal()?;
        let prepared = Prepared::new(&grant, asked, &inner.limits, &inner.user_agent)?;
        self.count()?;
        match &inner.door {
            Door::Record(recorder) => {
                let answer = recorder.record(&prepared.outgoing);
                self.passed(&prepared.outgoing);
                Ok(answer.without(grant.credential.as_ref()))
            }
            Door::Network(permit) => {
                let (gate, permit) = (self.clone(), Arc::clone(permit));
                let limit = prepared.timeout;
                let response_bytes = inner.limits.response_bytes;
                // On the runtime's own stack, not the component's, and ended with this future.
                let work = OnDrop(tokio::spawn(async move {
                    // The request goes there and back: its body may be megabytes.
                    let asked = tokio::task::spawn_blocking(move || (permit(&prepared.outgoing), prepared));
                    let (answer, prepared) = asked
                        .await
                        .map_err(|_| Refusal::Other("the question for consent failed".to_owned()))?;
                    let guard =
                        answer.map_err(|denied| Refusal::Denied(crate::text::reason(&denied.reason)))?;
                    gate.passed(&prepared.outgoing);
                    let result = dialer.exchange(prepared, response_bytes).await;
                    drop(guard);
                    result
                }));
                match tokio::time::timeout(limit, work).await {
                    Err(_) => Err(Refusal::Timeout),
                    Ok(Err(_)) => Err(Refusal::Other("the request was given up".to_owned())),
                    Ok(Ok(result)) => result,
                }
            }
        }
    }

    fn grant(&self, endpoint: &str) -> Result<Arc<Grant>, Refusal> {
        if let Some(grant) = self.0.grants.get(endpoint) {
            if self.with(|state| state.described.iter().any(|name| name == endpoint)) {
                return Ok(Arc::clone(grant));
            }
            return Err(Refusal::Denied(format!(
                "endpoint \"{endpoint}\" is granted, but the component's `describe` does not ask for it"
            )));
        }
        if !super::grant::valid_endpoint_name(endpoint) {
            let name = crate::text::tidy(endpoint, 100);
            return Err(Refusal::Invalid(format!(
                "`{name}` is not an endpoint's name; a request names an endpoint of `describe`, never a URL"
            )));
        }
        Err(Refusal::Denied(not_granted(endpoint)))
    }

    fn dialer(&self, grant: &Arc<Grant>) -> Result<Dialer, Refusal> {
        if let Some(dialer) = self.with(|state| state.dialers.get(&grant.endpoint).cloned()) {
            return Ok(dialer);
        }
        let dialer = Dialer::new(Arc::clone(grant), &self.0.proxies, Arc::clone(&self.0.lookup))?;
        self.with(|state| state.dialers.insert(grant.endpoint.clone(), dialer.clone()));
        Ok(dialer)
    }

    fn has_one_left(&self) -> Result<(), Refusal> {
        self.with(|state| state.has_one_left(self.0.per_call))
    }

    fn count(&self) -> Result<(), Refusal> {
        self.with(|state| {
            state.has_one_left(self.0.per_call)?;
            state.this_call += 1;
            Ok(())
        })
    }

    fn passed(&self, outgoing: &Outgoing) {
        self.with(|state| {
            state.exchanges.sent += 1;
            state.exchanges.bytes_sent += outgoing.body.len() as u64;
        });
    }
}

/// What to tell about an endpoint that the author has not granted.
pub(crate) fn not_granted(endpoint: &str) -> String {
    format!(
        "endpoint \"{endpoint}\" is not granted: add `[endpoints.{endpoint}]` with `url = \"https://…\"` to telemetry.toml"
    )
}

/// The host's own answer to a body that it does not send. Every backend knows what to do about a 413.
fn too_large(why: String) -> Answer {
    let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
    Answer { status: 413, headers, body: why.into_bytes() }
}

/// Ends a task with the future that waits for it: a call that is given up leaves no request behind.
struct OnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for OnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for OnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Denied(why) => write!(f, "not granted: {why}"),
            Refusal::Invalid(why) => write!(f, "not a request that the host sends: {why}"),
            Refusal::TooLarge(why) => f.write_str(why),
            Refusal::Unreachable(why) => write!(f, "no answer: {why}"),
            Refusal::Timeout => f.write_str("no answer in time"),
            Refusal::ResponseTooLarge => f.write_str("the answer was bigger than the host reads"),
            Refusal::Other(why) => f.write_str(why),
        }
    }
}
