//! `telemetry.toml` as a whole: how it is read, and the checks that need no other file.

use std::collections::BTreeMap;

use super::found::Found;
use super::grants::Endpoint;
use super::keys::{Fill, Wrong, table};
use super::sites;
use super::tables::{BackendTable, Consent, Delivery, ErasureTable, IdentityTable, JournalCaps, ToolTable};

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
    use std::time::Duration;

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
