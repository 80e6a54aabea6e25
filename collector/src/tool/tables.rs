//! The tables of `telemetry.toml`: every key, its meaning and its default.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::grants::Endpoint;
use super::keys::{table, words};

/// `[tool]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ToolTable {
    /// Unique, in reverse-domain form, as in `com.example.greet`. It names the data directory and
    /// keys the machine id, so it never changes.
    pub id: String,
    /// What users call it. Default: the last part of the id.
    pub name: Option<String>,
    /// The author's own gate: `false` switches everything off.
    pub enabled: bool,
    /// On without asking, for tools of an enterprise. `status` and the help say so.
    pub force: bool,
    /// Extended collection: arguments and error texts, redacted.
    pub extended: bool,
    /// Lets debug builds send. Without it their events stay on the machine.
    pub send_from_debug_builds: bool,
    /// Lets processes send that were started by `cargo test` or another test harness.
    pub send_from_tests: bool,
}

table!(ToolTable { id, name, enabled, force, extended, send_from_debug_builds, send_from_tests });

/// `[consent]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Consent {
    /// The number of the policy that the user agrees to. A higher number asks again.
    pub policy: u32,
    /// Who gets the data, as the question names it. Default: the backend's name.
    pub vendor: Option<String>,
    /// The text of the question, in place of the library's. `{tool}`, `{vendor}`, `{host}` and
    /// `{command}` stand for what they say; what it leaves out of that is added.
    pub question: Option<String>,
    /// Where a user turns with questions, and with an erasure that nobody confirmed.
    pub support: Option<String>,
}

table!(Consent { policy, vendor, question, support });

impl Default for Consent {
    fn default() -> Self {
        Self { policy: 1, vendor: None, question: None, support: None }
    }
}

/// `[identity]`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IdentityTable {
    /// How machines are told apart.
    pub kind: IdentityKind,
}

table!(IdentityTable { kind });

/// How machines are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum IdentityKind {
    /// Keyed by the tool's id and a salt that lives as long as the consent.
    #[default]
    Keyed,
    /// The same value for every tool, as Go's `go-tool-base` makes it.
    Unkeyed,
    /// A stored random value.
    Random,
    /// None at all.
    None,
}

words!(IdentityKind { "keyed" => Keyed, "unkeyed" => Unkeyed, "random" => Random, "none" => None });

/// `[backend]`.
#[derive(Clone, Debug, Default, Hash)]
#[non_exhaustive]
pub struct BackendTable {
    /// `http`, `datadog`, `posthog`, `otlp`; the name of an embedded component; or `noop`, `stdout`,
    /// `file`.
    pub name: Option<String>,
    /// A component's file. Relative paths are relative to the configuration file's directory, or the
    /// executable's where the configuration is embedded.
    pub path: Option<String>,
    /// The SHA-256 of the file, 64 hexadecimal digits. Anything else is refused. Needed where others than the user and
    /// the administrator may write the file, or exchange it.
    pub sha256: Option<String>,
    /// Lets whoever operates the tool say where OpenTelemetry's log records go, by the environment variables
    /// `OTEL_EXPORTER_OTLP_[LOGS_]{ENDPOINT,HEADERS,COMPRESSION,TIMEOUT,PROTOCOL,CERTIFICATE,CLIENT_KEY,CLIENT_CERTIFICATE}`.
    /// For the backend `otlp`, whose endpoint is `collector`. Another host is another destination, which asks
    /// the user again; what `allow` does not name stays forbidden.
    pub otel_environment: bool,
    /// Handed to the component's `configure` as JSON.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Tightens or widens what a component may use.
    pub limits: BackendLimits,
}

table!(BackendTable { name as "use", path, sha256, otel_environment, settings, limits });

/// `[backend.limits]`: each replaces the host's default, which its documentation gives with the reason. All of
/// the host's limits are here but the size of a component's stack, which is the engine's.
#[derive(Clone, Debug, Default, Hash)]
#[non_exhaustive]
pub struct BackendLimits {
    /// Bytes of the file, before it is compiled.
    pub file_bytes: Option<u64>,
    /// Bytes of memory, over all of the component's memories.
    pub memory_bytes: Option<u64>,
    /// Elements, over all of the component's tables.
    pub table_elements: Option<u64>,
    /// Instances, memories and tables, each.
    pub instances: Option<u64>,
    /// Handles to what the host holds for the component, at a time.
    pub handles: Option<u64>,
    /// Bytes that one call of the component's into the host may carry.
    pub host_call_bytes: Option<u64>,
    /// Bytes of one request's body, before its content coding. No batch is made that is known to be bigger, and
    /// one that is bigger all the same is cut.
    pub request_bytes: Option<u64>,
    /// Bytes of one request's headers, path and query, together.
    pub head_bytes: Option<u64>,
    /// Bytes of one response, decompressed.
    pub response_bytes: Option<u64>,
    /// Requests that one call may make.
    pub requests_per_call: Option<u32>,
    /// Bytes that one call may log.
    pub log_bytes: Option<u64>,
    /// Bytes of one line of that.
    pub log_line_bytes: Option<u64>,
    /// Failed calls in a row after which one sender leaves the component alone; 0 for never.
    pub failures: Option<u32>,
    /// The longest that compiling may take.
    pub compile_time: Option<Duration>,
    /// The longest that one call may compute.
    pub cpu_time: Option<Duration>,
    /// The longest that one call may take, waiting for the network included.
    pub call_time: Option<Duration>,
    /// The longest that one exchange may take, name resolution included.
    pub request_time: Option<Duration>,
}

table!(BackendLimits {
    file_bytes,
    memory_bytes,
    table_elements,
    instances,
    handles,
    host_call_bytes,
    request_bytes,
    head_bytes,
    response_bytes,
    requests_per_call,
    log_bytes,
    log_line_bytes,
    failures,
    compile_time,
    cpu_time,
    call_time,
    request_time
});

/// When a sender starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Detached where that is safe, else overlapped; the helper in a tool that only records.
    #[default]
    Auto,
    /// The tool starts itself again in a hidden mode; nobody waits for it.
    Detached,
    /// A program `<tool>-telemetry` beside the tool: see [`helper`](crate::helper()).
    Helper,
    /// A thread sends what earlier runs left; exit does not wait for it.
    Overlapped,
    /// Exit waits, for `wait` at most.
    Bounded,
    /// Only `flush` sends.
    Never,
}

words!(Mode {
    "auto" => Auto,
    "detached" => Detached,
    "helper" => Helper,
    "overlapped" => Overlapped,
    "bounded" => Bounded,
    "never" => Never,
});

/// What is promised about each event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Semantics {
    /// None is lost; one may arrive twice, under the same id.
    #[default]
    AtLeastOnce,
    /// None arrives twice; one may be lost.
    AtMostOnce,
}

words!(Semantics { "at-least-once" => AtLeastOnce, "at-most-once" => AtMostOnce });

/// `[delivery]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// When a sender starts.
    pub mode: Mode,
    /// What is promised about each event.
    pub semantics: Semantics,
    /// A sender starts not more often than this.
    pub interval: Duration,
    /// An interval is stretched by up to this share of it, from 0 to 1 and differently each time, so that
    /// machines that began together drift apart. Default 0.5. With 0, a fleet whose machines are started
    /// together sends together.
    pub jitter: f64,
    /// How long exit waits in the mode `bounded`.
    pub wait: Duration,
    /// The longest a sender lives.
    pub lifetime: Duration,
    /// A batch that failed so often is set aside and counted as lost. Without it, the default, a batch is
    /// tried until it is `[journal] max_age` old: an outage is not the events' fault. Not used with
    /// `at-most-once`, which tries once.
    pub max_attempts: Option<NonZeroU32>,
    /// Share of events recorded, from 0 to 1, by kind; the same machine always decides the same.
    pub sample: BTreeMap<String, f64>,
    /// Most events that one run records.
    pub max_events_per_run: u64,
}

table!(Delivery {
    mode,
    semantics,
    interval,
    jitter,
    wait,
    lifetime,
    max_attempts,
    sample,
    max_events_per_run
});

impl Default for Delivery {
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            semantics: Semantics::AtLeastOnce,
            interval: Duration::from_secs(15 * 60),
            jitter: 0.5,
            wait: Duration::from_secs(2),
            lifetime: Duration::from_secs(120),
            max_attempts: None,
            sample: BTreeMap::new(),
            max_events_per_run: u64::MAX,
        }
    }
}

/// `[journal]`: the oldest events go first when a cap is reached; every loss is counted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JournalCaps {
    /// Bytes on disk.
    pub max_bytes: u64,
    /// Events.
    pub max_events: u64,
    /// Age.
    pub max_age: Duration,
    /// Bytes of one event.
    pub max_record: u32,
    /// Whether a program that records much may map its segment into memory.
    pub map: bool,
}

table!(JournalCaps { max_bytes, max_events, max_age, max_record, map });

impl Default for JournalCaps {
    fn default() -> Self {
        Self {
            max_bytes: 10 * 1024 * 1024,
            max_events: 50_000,
            max_age: Duration::from_secs(30 * 24 * 3600),
            max_record: 64 * 1024,
            map: true,
        }
    }
}

/// `[erasure]`: the ways in which `reset` asks for what was sent to be erased. They are taken in the order of
/// these fields, after the author's own function ([`Tool::erasure`](crate::Tool::erasure)); where one says
/// that it cannot, the next is taken. Where none is chosen, the backend is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ErasureTable {
    /// The name of an endpoint in `[endpoints]` that takes a POST of `{"machine_id": "…"}` at exactly its
    /// `url`, one for each id; any 2xx is its receipt.
    pub endpoint: Option<String>,
    /// Asks the backend itself: a component's own `erase`.
    pub backend: Option<bool>,
    /// Sends a `data.deletion_request` event for each id through the backend.
    pub event: bool,
    /// Prepares an e-mail to this address, which the user sends.
    pub email: Option<String>,
    /// A request that has no receipt after this long is given up as unconfirmed.
    pub give_up: Duration,
}

table!(ErasureTable { endpoint, backend, event, email, give_up });

impl Default for ErasureTable {
    fn default() -> Self {
        Self {
            endpoint: None,
            backend: None,
            event: false,
            email: None,
            give_up: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

impl ErasureTable {
    /// The checks that need no other file.
    pub(super) fn problem(&self, endpoints: &BTreeMap<String, Endpoint>) -> Option<String> {
        if let Some(name) = self.endpoint.as_ref().filter(|name| !endpoints.contains_key(*name)) {
            return Some(format!(
                "[erasure] endpoint = {name:?} is not granted: add `[endpoints.{name}]` with `url = \"https://…\"`"
            ));
        }
        let email = self.email.as_ref()?;
        let why = crate::erasure::mail::problem(email)?;
        Some(format!("[erasure] email = {email:?} {why}: write one address, as in \"privacy@example.com\""))
    }
}
