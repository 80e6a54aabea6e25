//! `telemetry.toml`: every key, its meaning, its default, and the checks that need no other file.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::found::Found;
use super::grants::Endpoint;
use super::keys::{Fill, Wrong, table, words};
use super::sites;

/// A configuration file bigger than this is not one.
#[cfg(feature = "config-file")]
const MAX_FILE: u64 = 256 * 1024;

/// Why a configuration cannot be used: where, what, and what would be right.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    place: String,
    problem: String,
}

impl ConfigError {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }

    fn in_line(place: &str, wrong: Wrong) -> Self {
        Self::new(format!("{place}, line {}", wrong.line), wrong.what)
    }
}

/// What the author configured. The tables of `telemetry.toml`, one field each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// `[tool]`: who the tool is.
    pub tool: ToolTable,
    /// `[consent]`: what the user is asked.
    pub consent: Consent,
    /// `[identity]`: how machines are told apart.
    pub identity: IdentityTable,
    /// `[backend]`: where events go.
    pub backend: BackendTable,
    /// `[endpoints.<name>]`: what a component may reach.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// `[delivery]`: when events go.
    pub delivery: Delivery,
    /// `[journal]`: how much is kept until then.
    pub journal: JournalCaps,
    /// `[erasure]`: how `reset` asks for what was sent to be erased.
    pub erasure: ErasureTable,
}

table!(Config { tool, consent, identity, backend, endpoints, delivery, journal, erasure });

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
    /// The SHA-256 of the file, 64 hexadecimal digits. Anything else is refused.
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
    fn problem(&self, endpoints: &BTreeMap<String, Endpoint>) -> Option<String> {
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

impl Config {
    /// A configuration with this tool id and every default: nothing is sent until a backend is
    /// chosen.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            tool: ToolTable {
                id: id.into(),
                name: None,
                enabled: true,
                force: false,
                extended: false,
                send_from_debug_builds: false,
                send_from_tests: false,
            },
            consent: Consent::default(),
            identity: IdentityTable::default(),
            backend: BackendTable::default(),
            endpoints: BTreeMap::new(),
            delivery: Delivery::default(),
            journal: JournalCaps::default(),
            erasure: ErasureTable::default(),
        }
    }

    /// Parses and checks the text of a `telemetry.toml`; `place` names it in errors. Needs the feature
    /// `config-file`.
    ///
    /// # Errors
    /// With the line and what would be right.
    #[cfg(any(feature = "config-file", test))]
    pub fn parse(text: &str, place: &str) -> Result<Self, ConfigError> {
        super::text::read(text)
            .and_then(|found| Self::filled(&found))
            .map_or_else(|wrong| Err(ConfigError::in_line(place, wrong)), |config| config.checked(place))
    }

    /// Reads, parses and checks a file. Needs the feature `config-file`.
    ///
    /// # Errors
    /// As [`Config::parse`], and where the file cannot be read.
    #[cfg(feature = "config-file")]
    pub fn read(path: &std::path::Path) -> Result<Self, ConfigError> {
        use std::io::Read;
        let place = path.display().to_string();
        let mut text = String::new();
        let read =
            std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text));
        match read {
            Err(error) => Err(ConfigError::new(place, format!("cannot read the configuration: {error}"))),
            Ok(bytes) if bytes as u64 > MAX_FILE => {
                Err(ConfigError::new(place, format!("a configuration has at most {MAX_FILE} bytes")))
            }
            Ok(_) => Self::parse(&text, &place),
        }
    }

    /// What was parsed before, checked.
    pub(super) fn embedded(found: &Found) -> Result<Self, ConfigError> {
        const PLACE: &str = "telemetry.toml (embedded)";
        Self::filled(found).map_err(|wrong| ConfigError::in_line(PLACE, wrong))?.checked(PLACE)
    }

    fn filled(found: &Found) -> Result<Self, Wrong> {
        let mut config = Self::new("");
        config.fill(found)?;
        Ok(config)
    }

    /// The checks that a type cannot make.
    pub(crate) fn checked(mut self, place: &str) -> Result<Self, ConfigError> {
        let wrong = |problem: String| Err(ConfigError::new(place, problem));
        let id = &self.tool.id;
        if id.is_empty() {
            return wrong("[tool] needs `id`: `id = \"com.example.greet\"`".into());
        }
        let parts_fit = id.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        });
        if !parts_fit || !id.contains('.') || id.len() > 128 {
            return wrong(format!(
                "[tool] id = {id:?} is not in reverse-domain form: letters, digits, `-` and `_` in parts joined by `.`, \
                 as in \"com.example.greet\", 128 characters at most"
            ));
        }
        if self.backend.name.is_some() && self.backend.path.is_some() {
            return wrong("[backend] has both `use` and `path`: keep the one that names the backend".into());
        }
        if let Some(pin) = &self.backend.sha256
            && (pin.len() != 64 || !pin.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            return wrong(
                "[backend] sha256 is not 64 hexadecimal digits: write what `sha256sum FILE` prints".into(),
            );
        }
        let jitter = self.delivery.jitter;
        if !(0.0..=1.0).contains(&jitter) {
            return wrong("[delivery] jitter is not a share from 0 to 1".into());
        }
        for (kind, rate) in &self.delivery.sample {
            if !(0.0..=1.0).contains(rate) {
                return wrong(format!("[delivery.sample] {kind:?} is not a share from 0 to 1"));
            }
        }
        if let Err(problem) = sites::resolve(self.backend.name.as_deref(), &mut self.endpoints) {
            return wrong(problem);
        }
        for (name, endpoint) in &self.endpoints {
            if endpoint.client_key.is_some() && endpoint.client_certificate.is_none() {
                return wrong(format!(
                    "[endpoints.{name}] client_key: there is no `client_certificate` that it is the key of"
                ));
            }
            for allowed in &endpoint.allow {
                if !matches!(allowed.as_str(), "http" | "loopback" | "private" | "link-local") {
                    return wrong(format!(
                        "[endpoints.{name}] allow has {allowed:?}: it can have \"http\", \"loopback\", \"private\" and \"link-local\""
                    ));
                }
            }
        }
        if let Some(problem) = self.erasure.problem(&self.endpoints) {
            return wrong(problem);
        }
        Ok(self)
    }

    /// What users call the tool.
    #[must_use]
    pub fn name(&self) -> &str {
        self.tool.name.as_deref().unwrap_or_else(|| self.tool.id.rsplit('.').next().unwrap_or(&self.tool.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, "telemetry.toml").expect_err("it is wrong").to_string()
    }

    #[test]
    fn the_smallest_configuration_is_an_id() {
        let config = Config::parse("[tool]\nid = \"com.example.greet\"", "t").unwrap();
        assert_eq!(config.name(), "greet");
        assert_eq!(config.delivery.interval, Duration::from_secs(900));
        assert_eq!(config.journal.max_events, 50_000);
        assert!(config.tool.enabled && !config.tool.force && config.backend.name.is_none());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let message = error("[tool]\nid = \"com.example.greet\"\n[delivery]\nintervall = \"1m\"");
        assert!(message.starts_with("telemetry.toml, line 4: unknown field `intervall`"), "{message}");
        assert!(message.contains("`interval`"), "{message}");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        let message = error("[tool]\nid = \"com.example.greet\"\nforce = \"yes\"");
        assert!(message.starts_with("telemetry.toml, line 3: invalid type: string \"yes\""), "{message}");
    }

    #[test]
    fn a_wrong_value_says_what_would_be_right() {
        for (text, says) in [
            ("[tool]\nid = \"greet\"", "reverse-domain"),
            ("[tool]\nid = \"../etc.x\"", "reverse-domain"),
            ("[tool]\nid = \"a.b\"\n[delivery]\ninterval = 15", "15s"),
            ("[tool]\nid = \"a.b\"\n[delivery]\ninterval = \"soon\"", "15m"),
            ("[tool]\nid = \"a.b\"\n[backend]\nuse = \"http\"\npath = \"x.wasm\"", "keep the one"),
            ("[tool]\nid = \"a.b\"\n[backend]\nsha256 = \"12\"", "sha256sum"),
            ("[tool]\nid = \"a.b\"\n[delivery]\njitter = 1.5", "0 to 1"),
            ("[tool]\nid = \"a.b\"\n[delivery]\njitter = nan", "0 to 1"),
            ("[tool]\nid = \"a.b\"\n[delivery]\nmax_attempts = 0", "nonzero"),
            ("[tool]\nid = \"a.b\"\n[delivery.sample]\n\"feature.used\" = 1.5", "0 to 1"),
            (
                "[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"https://x\"\nallow = [\"everything\"]",
                "link-local",
            ),
            ("[tool]\nid = \"a.b\"\n[erasure]\nendpoint = \"erasure\"", "[endpoints.erasure]"),
            ("[tool]\nid = \"a.b\"\n[erasure]\nemail = \"privacy\"", "one address"),
            (
                "[tool]\nid = \"a.b\"\n[erasure]\nemail = \"a@example.com\\r\\nbcc: b@example.com\"",
                "control character",
            ),
            ("[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"u\"\nclient_key = \"k\"", "client_certificate"),
            ("[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"u\"\ncredential = { env = \"T\" }", "one place"),
            (
                "[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"u\"\ncredential = { bearer = true }",
                "one source",
            ),
            (
                "[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"u\"\ncredential = { query = \"k\", prefix = \"x\", env = \"T\" }",
                "`header` only",
            ),
        ] {
            let message = error(text);
            assert!(message.contains(says), "{text}: {message}");
        }
    }

    #[test]
    fn a_literal_credential_is_never_shown_by_debug() {
        let config = Config::parse(
            "[tool]\nid = \"a.b\"\n[endpoints.x]\nurl = \"u\"\ncredential = { bearer = true, value = \"hunter2\" }",
            "t",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
