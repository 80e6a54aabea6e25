//! A component as a [`Backend`]: the collector's words into the host's, and back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use telemetry_host as host;

use super::select::Choice;
use super::{Ask, Backend, Batch, Erasure, Limits, Outcome, SendContext, Verdict};
use crate::event::{Attribute, Event, Timestamp, Value};
use crate::platform::shared;
use crate::tool::{Code, Config, CredentialSource, Endpoint, Placement, Tool};

/// A loaded and configured component.
pub(crate) struct Component {
    inner: host::Backend,
    limits: Limits,
    /// Whether leave was refused during the current call.
    refused: Arc<AtomicBool>,
}

/// Where a component's requests go.
pub(crate) enum Outlet {
    /// To the network, each after it asked for leave.
    Network(Ask),
    /// Nowhere: they are written down.
    Record(host::Recorder),
}

/// Loads the chosen component, with the author's grants. The error says what to do.
pub(crate) fn open(
    tool: &Tool,
    config: &Config,
    choice: &Choice,
    cache: Option<PathBuf>,
    outlet: Outlet,
    at_most_once: bool,
) -> Result<Component, String> {
    let limits = limits(config, at_most_once);
    let base = tool.base_directory();
    let missing = match outlet {
        Outlet::Network(_) => Missing::Refused,
        Outlet::Record(_) => Missing::Masked,
    };
    let grants = all_grants(config, base.as_deref(), missing)?;
    let most = u64::try_from(limits.request_bytes.min(limits.host_call_bytes)).unwrap_or(u64::MAX);
    let component = load(tool, config, choice, base.as_deref(), cache, limits)?;
    let settings = serde_json::to_string(&config.backend.settings)
        .map_err(|error| format!("[backend.settings]: {error}"))?;
    let refused = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&refused);
    let door = match outlet {
        Outlet::Network(ask) => door(Arc::new(move || {
            let answer = ask();
            noted.store(answer.is_err(), Ordering::SeqCst);
            answer
        })),
        Outlet::Record(recorder) => host::Door::Record(recorder),
    };
    let mut setup = grants.into_iter().fold(host::Setup::new(settings, door), host::Setup::grant);
    // Each grant says whether it goes through one.
    setup.proxies = host::Proxies::from_env();
    let inner = host::Backend::start(&component, setup).map_err(|error| error.to_string())?;
    let asked = inner.description().limits;
    let limits = Limits {
        events: asked.events.max(1),
        // No batch is made that the host would not send. An event of its own is judged by what it really is
        // in the vendor's form, which may be half of the estimate: the host refuses the request, not this.
        bytes: u64::from(asked.bytes).min(most).max(1),
        event_bytes: u64::from(asked.event_bytes),
    };
    Ok(Component { inner, limits, refused })
}

/// What the author grants, credentials read. Relative paths are relative to `base`. For the kit too.
///
/// # Errors
/// Names the endpoint, what is wrong and what would be right.
pub fn grants(config: &Config, base: Option<&Path>) -> Result<Vec<host::Grant>, String> {
    all_grants(config, base, Missing::Refused)
}

fn all_grants(config: &Config, base: Option<&Path>, missing: Missing) -> Result<Vec<host::Grant>, String> {
    config.endpoints.iter().map(|(name, endpoint)| grant(name, endpoint, base, missing)).collect()
}

/// A door to the network at which each request asks for leave.
pub(crate) fn door(ask: Ask) -> host::Door {
    host::Door::Network(Arc::new(move |_| {
        ask().map(|permit| permit as Box<dyn Send>).map_err(|reason| host::Denied { reason })
    }))
}

/// The grant of one endpoint, as a component would get it.
pub(crate) fn grant_of(tool: &Tool, config: &Config, name: &str) -> Result<host::Grant, String> {
    let endpoint = config.endpoints.get(name).ok_or_else(|| {
        format!("endpoint {name:?} is not granted: add `[endpoints.{name}]` with `url = \"https://…\"` to telemetry.toml")
    })?;
    grant(name, endpoint, tool.base_directory().as_deref(), Missing::Refused)
}

/// What becomes of a credential that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// Nothing can be sent.
    Refused,
    /// It would be shown as a mask anyhow.
    Masked,
}

/// The host's limits, with what the author chose instead. For the kit too.
#[must_use]
pub fn limits(config: &Config, at_most_once: bool) -> host::Limits {
    fn choose<T>(limit: &mut T, chosen: Option<T>) {
        if let Some(chosen) = chosen {
            *limit = chosen;
        }
    }
    let size = |chosen: Option<u64>| chosen.map(|chosen| usize::try_from(chosen).unwrap_or(usize::MAX));
    let mut limits = host::Limits::default();
    let chosen = &config.backend.limits;
    choose(&mut limits.file_bytes, chosen.file_bytes);
    choose(&mut limits.memory_bytes, size(chosen.memory_bytes));
    choose(&mut limits.table_elements, size(chosen.table_elements));
    choose(&mut limits.instances, size(chosen.instances));
    choose(&mut limits.handles, size(chosen.handles));
    choose(&mut limits.host_call_bytes, size(chosen.host_call_bytes));
    choose(&mut limits.head_bytes, size(chosen.head_bytes));
    choose(&mut limits.log_line_bytes, size(chosen.log_line_bytes));
    choose(&mut limits.failures, chosen.failures);
    choose(&mut limits.request_bytes, size(chosen.request_bytes));
    choose(&mut limits.response_bytes, size(chosen.response_bytes));
    choose(&mut limits.requests_per_call, chosen.requests_per_call);
    choose(&mut limits.log_bytes, size(chosen.log_bytes));
    choose(&mut limits.compile_time, chosen.compile_time);
    choose(&mut limits.cpu_time, chosen.cpu_time);
    choose(&mut limits.call_time, chosen.call_time);
    choose(&mut limits.request_time, chosen.request_time);
    if at_most_once {
        // A claim covers one request: a second could deliver the same events again.
        limits.requests_per_call = 1;
    }
    limits
}

fn load(
    tool: &Tool,
    config: &Config,
    choice: &Choice,
    base: Option<&Path>,
    cache: Option<PathBuf>,
    limits: host::Limits,
) -> Result<host::Component, String> {
    let mut options = host::LoadOptions::default();
    options.limits = limits;
    options.cache = cache;
    options.pin = config.backend.sha256.clone();
    let loaded = match choice {
        Choice::Path(written) => {
            let path = base.map_or_else(|| PathBuf::from(written), |base| base.join(written));
            if !path.is_absolute() {
                return Err(format!(
                    "[backend] path = {written:?}: the tool's own directory cannot be found, so the path leads nowhere"
                ));
            }
            if options.pin.is_none()
                && let Some(how) = shared::exchangeable(&path)
            {
                return Err(format!(
                    "[backend] path = {written:?}: {how}, so others may exchange it: add `sha256 = \"…\"` under \
                     [backend] with what `sha256sum` says of it, or take that right from them"
                ));
            }
            host::Component::load(host::Source::Path(&path), &options)
        }
        Choice::Named(name) => {
            let found = named(tool, name).ok_or_else(|| unknown(tool, name))?;
            host::Component::load(found, &options)
        }
        Choice::None | Choice::Own | Choice::Stdout | Choice::File => {
            return Err("the chosen backend is not a component".into());
        }
    };
    loaded.map_err(|error| error.to_string())
}

/// An embedded or bundled component.
fn named<'a>(tool: &'a Tool, name: &'a str) -> Option<host::Source<'a>> {
    if let Some(embedded) = tool.embedded.iter().find(|embedded| embedded.name == name) {
        return Some(match &embedded.code {
            Code::Wasm(wasm) => host::Source::Bytes(wasm),
            Code::Precompiled(artefact) => host::Source::Precompiled(artefact),
        });
    }
    #[cfg(feature = "precompiled")]
    if telemetry_backends::NAMES.contains(&name) {
        return Some(host::Source::Bundled { bundle: telemetry_backends::PRECOMPILED, name });
    }
    // Where all that is bundled is precompiled, the files are not part of the program.
    #[cfg(all(feature = "backends", not(feature = "precompiled")))]
    if let Some(bundled) = telemetry_backends::get(name) {
        return Some(host::Source::Embedded { wasm: bundled.wasm, sha256: bundled.sha256 });
    }
    None
}

fn unknown(tool: &Tool, name: &str) -> String {
    let mut known: Vec<&str> = vec!["noop", "stdout", "file"];
    #[cfg(feature = "backends")]
    known.extend(telemetry_backends::NAMES);
    known.extend(tool.embedded.iter().map(|embedded| embedded.name.as_ref()));
    format!(
        "[backend] use = {name:?} is not a backend of this tool: it has {}; for a file, write `path = \"{name}.wasm\"`",
        known.join(", ")
    )
}

fn grant(
    name: &str,
    endpoint: &Endpoint,
    base: Option<&Path>,
    missing: Missing,
) -> Result<host::Grant, String> {
    let read = |what: &str, path: &str| {
        let path = base.map_or_else(|| PathBuf::from(path), |base| base.join(path));
        std::fs::read(&path)
            .map_err(|error| format!("[endpoints.{name}] {what}: cannot read {}: {error}", path.display()))
    };
    let credential = endpoint
        .credential
        .as_ref()
        .map(|credential| {
            let secret = match &credential.source {
                CredentialSource::Literal(value) | CredentialSource::Operator { value, .. } => Ok(value.clone()),
                CredentialSource::Environment(variable) => std::env::var(variable).map_err(|_| {
                    format!("[endpoints.{name}] credential: the environment variable {variable} is not set or not text")
                }),
                CredentialSource::File(path) => read("credential", path).and_then(|bytes| {
                    String::from_utf8(bytes)
                        .map_err(|_| format!("[endpoints.{name}] credential: {path} is not text"))
                }),
            };
            let secret = match secret {
                Err(_) if missing == Missing::Masked => "***".to_owned(),
                secret => secret?,
            };
            let placement = match &credential.placement {
                Placement::Header { name, prefix } => {
                    host::Placement::Header { name: name.clone(), prefix: prefix.clone() }
                }
                Placement::Basic { user } => host::Placement::Basic { user: user.clone() },
                Placement::Query { name } => host::Placement::Query { name: name.clone() },
                Placement::Path => host::Placement::Path,
            };
            Ok::<_, String>(host::Credential { placement, secret: host::Secret::new(secret) })
        })
        .transpose()?;
    let pem = |what, path: &Option<String>| path.as_deref().map(|path| read(what, path)).transpose();
    let mut identity_pem = pem("client_certificate", &endpoint.client_certificate)?;
    if let (Some(identity), Some(key)) = (&mut identity_pem, pem("client_key", &endpoint.client_key)?) {
        identity.push(b'\n');
        identity.extend(key);
    }
    host::Grant::parse(host::GrantSpec {
        endpoint: name.to_owned(),
        url: endpoint.url.clone(),
        allow: endpoint.allow.clone(),
        credential,
        ca_pem: pem("ca_file", &endpoint.ca_file)?,
        identity_pem,
        no_proxy: !endpoint.proxy,
    })
    .map_err(|error| error.to_string())
}

impl Component {
    /// The endpoints that it asks for.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.inner.description().endpoints.iter().map(|endpoint| endpoint.name.clone()).collect()
    }
}

impl Backend for Component {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn send(&mut self, batch: &Batch, context: &SendContext) -> Outcome {
        self.refused.store(false, Ordering::SeqCst);
        let sent = self.inner.send_owned(to_batch(batch), &to_context(context));
        if self.refused.load(Ordering::SeqCst) {
            return Outcome::Forbidden;
        }
        match sent {
            Ok(outcome) => from_outcome(outcome, batch.events.len()),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    fn erase(&mut self, machine_ids: &[String], context: &SendContext) -> Erasure {
        let retry = |reason: String, after| Erasure::Retry { reason, after };
        self.refused.store(false, Ordering::SeqCst);
        let erased = self.inner.erase(machine_ids, &to_context(context));
        if self.refused.load(Ordering::SeqCst) {
            // To the component that looks like an endpoint that was never granted.
            return retry("it may not be sent now".to_owned(), None);
        }
        match erased {
            Ok(host::types::Erasure::Receipt(text)) => Erasure::Receipt(text),
            Ok(host::types::Erasure::Unsupported(text)) => Erasure::Unsupported(text),
            Ok(host::types::Erasure::Retry(advice)) => retry(advice.reason, after(advice.after_ms)),
            Ok(host::types::Erasure::Other(text)) => retry(text, None),
            Err(error) => retry(error.to_string(), None),
        }
    }

    fn bytes_sent(&self) -> Option<u64> {
        Some(self.inner.exchanges().bytes_sent)
    }

    fn take_log(&mut self) -> Vec<String> {
        self.inner.take_logs().into_iter().map(|line| line.text).collect()
    }
}

fn from_outcome(outcome: host::types::Outcome, events: usize) -> Outcome {
    use host::types::{Outcome as Said, Verdict as SaidOfOne};
    match outcome {
        Said::Delivered => Outcome::Delivered,
        Said::Partial(verdicts) if verdicts.len() == events => Outcome::Partial(
            verdicts
                .into_iter()
                .map(|verdict| match verdict {
                    SaidOfOne::Delivered => Verdict::Delivered,
                    SaidOfOne::Retry(reason) | SaidOfOne::Other(reason) => Verdict::Retry(reason),
                    SaidOfOne::Rejected(reason) => Verdict::Rejected(reason),
                })
                .collect(),
        ),
        Said::Partial(verdicts) => {
            Outcome::Failed(format!("the backend gave {} verdicts for {events} events", verdicts.len()))
        }
        Said::Retry(advice) => Outcome::Retry { reason: advice.reason, after: after(advice.after_ms) },
        Said::TooLarge => Outcome::TooLarge,
        Said::Rejected(reason) => Outcome::Rejected(reason),
        Said::Other(reason) => Outcome::Retry { reason, after: None },
    }
}

/// A component's number is any number: only a sensible one is a time, and one beyond all times is the longest.
/// The policy clamps it.
fn after(ms: Option<f64>) -> Option<Duration> {
    let ms = ms.filter(|ms| ms.is_finite() && *ms >= 0.0)?;
    Some(Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX))
}

fn to_context(context: &SendContext) -> host::types::SendContext {
    host::types::SendContext {
        attempt: context.attempt,
        request_id: context.request_id.clone(),
        now: to_instant(context.now),
    }
}

fn to_instant(time: Timestamp) -> host::types::Instant {
    host::types::Instant { rfc3339: time.rfc3339(), unix_ms: time.unix_ms() }
}

fn to_batch(batch: &Batch) -> host::types::Batch {
    let origin = &batch.origin;
    let mut attributes = Vec::new();
    if let Some(ci) = &origin.ci {
        attributes.push(Attribute::new("ci", ci.as_str()));
    }
    if origin.container {
        attributes.push(Attribute::new("container", true));
    }
    host::types::Batch {
        origin: host::types::Origin {
            machine_id: origin.machine_id.clone(),
            tool: origin.tool.clone(),
            tool_version: origin.tool_version.clone(),
            os: origin.os.clone(),
            os_version: origin.os_version.clone(),
            arch: origin.arch.clone(),
            runtime: origin.runtime.clone(),
            attributes: attributes.iter().map(to_attribute).collect(),
        },
        events: batch.events.iter().map(to_event).collect(),
    }
}

fn to_event(event: &Event<'_>) -> host::types::Event {
    host::types::Event {
        id: event.id.to_string(),
        kind: event.kind.to_string(),
        name: event.name.to_string(),
        time: to_instant(event.time),
        duration_ms: event.duration.map(|duration| duration.as_secs_f64() * 1e3),
        exit_code: event.exit_code,
        ended: event.ended.map(|ended| ended.as_str().to_owned()),
        error_kind: event.error_kind.as_deref().map(str::to_owned),
        error: event.error.as_deref().map(str::to_owned),
        args: event.args.iter().map(|arg| arg.to_string()).collect(),
        attributes: event.attributes.iter().map(to_attribute).collect(),
    }
}

fn to_attribute(attribute: &Attribute<'_>) -> host::types::Attribute {
    let value = match &attribute.value {
        Value::Text(text) => host::types::Value::Text(text.to_string()),
        Value::Declared(text) => host::types::Value::Text((*text).to_owned()),
        Value::Integer(number) => host::types::Value::Number(*number as f64),
        Value::Number(number) if number.is_finite() => host::types::Value::Number(*number),
        Value::Number(number) => host::types::Value::Text(number.to_string()),
        Value::Boolean(flag) => host::types::Value::Boolean(*flag),
    };
    host::types::Attribute { key: attribute.key.to_string(), value }
}
