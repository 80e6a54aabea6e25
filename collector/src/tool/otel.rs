//! The environment variables with which OpenTelemetry's exporters are configured, for tools whose author lets
//! an operator say where log records go: `otel_environment = true` under `[backend]`. Without it none of them
//! is read.
//!
//! A variable for logs (`OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`) wins over the general one
//! (`OTEL_EXPORTER_OTLP_ENDPOINT`), and an empty one is none. What they say replaces what the author configured,
//! before anything looks at it: another host is another destination, to which a stored yes does not reach, and
//! what the author did not allow (`http`, a private address) is not allowed to an operator either.
//!
//! With another address the author's own credential and client certificate are forgotten: they are the first
//! address's secrets.

use std::time::Duration;

use super::config::Config;
use super::grants::{Credential, CredentialSource, Placement};
use super::keys::Settings;
use super::shipping::looks_like_a_credential;

/// The endpoint of the OTLP backend.
const COLLECTOR: &str = "collector";
/// What the protocol appends to a general endpoint.
const LOGS: &str = "/v1/logs";

/// A variable that is set, and its value.
struct Set {
    name: String,
    value: String,
}

impl Set {
    fn wrong(&self, what: &str) -> String {
        format!("the environment variable {}: {what}", self.name)
    }

    /// A file. Relative to what would be anybody's guess: the configuration's paths are not relative to the
    /// working directory, and an operator's would be to nothing else.
    fn file(self) -> Result<String, String> {
        if std::path::Path::new(&self.value).is_absolute() {
            return Ok(self.value);
        }
        Err(self.wrong(&format!("{:?} is no absolute path", self.value)))
    }
}

/// Applies the variables. `variable` reads one.
///
/// # Errors
/// Which variable cannot be used, and what would be right. Never the value of a header.
pub(super) fn apply(config: &mut Config, variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    if !config.backend.otel_environment {
        return Ok(());
    }
    let find = |last: &str| {
        ["OTEL_EXPORTER_OTLP_LOGS_", "OTEL_EXPORTER_OTLP_"].into_iter().find_map(|first| {
            let name = format!("{first}{last}");
            let value = variable(&name)?.trim().to_owned();
            (!value.is_empty()).then_some(Set { name, value })
        })
    };
    let settings = &mut config.backend.settings;
    let Some(endpoint) = config.endpoints.get_mut(COLLECTOR) else {
        return Err(format!(
            "[backend] otel_environment: there is no [endpoints.{COLLECTOR}] for the environment to replace; add it \
             with the `url` that holds where no variable is set"
        ));
    };
    let mut set = |key: &str, value: String| settings.insert(key.to_owned(), value.into());
    if let Some(it) = find("ENDPOINT") {
        let whole = it.name.contains("_LOGS_");
        endpoint.site = None;
        endpoint.url = if whole { it.value } else { it.value.trim_end_matches('/').to_owned() };
        set("path", if whole { String::new() } else { LOGS.to_owned() });
        (endpoint.credential, endpoint.client_certificate, endpoint.client_key) = (None, None, None);
    }
    if let Some(it) = find("PROTOCOL") {
        if !matches!(it.value.as_str(), "http/protobuf" | "http/json") {
            return Err(it.wrong(&format!("{:?} is neither `http/protobuf` nor `http/json`", it.value)));
        }
        set("protocol", it.value);
    }
    if let Some(it) = find("COMPRESSION") {
        if !matches!(it.value.as_str(), "gzip" | "none") {
            return Err(it.wrong(&format!("{:?} is neither `gzip` nor `none`", it.value)));
        }
        set("compression", it.value);
    }
    if let Some(it) = find("TIMEOUT") {
        let milliseconds: u64 = it
            .value
            .parse()
            .map_err(|_| it.wrong(&format!("{:?} is no number of milliseconds, as in 10000", it.value)))?;
        // 0 is no limit of the operator's; the host's own holds.
        if milliseconds > 0 {
            config.backend.limits.request_time = Some(Duration::from_millis(milliseconds));
        }
    }
    if let Some(it) = find("CERTIFICATE") {
        endpoint.ca_file = Some(it.file()?);
    }
    match (find("CLIENT_CERTIFICATE"), find("CLIENT_KEY")) {
        (None, None) => {}
        (Some(certificate), Some(key)) => {
            endpoint.client_certificate = Some(certificate.file()?);
            endpoint.client_key = Some(key.file()?);
        }
        (Some(it), None) => return Err(it.wrong("there is no CLIENT_KEY to it: set that too")),
        (None, Some(it)) => return Err(it.wrong("there is no CLIENT_CERTIFICATE to it: set that too")),
    }
    let Some(headers) = find("HEADERS") else { return Ok(()) };
    let plain = settings.entry("headers").or_insert_with(|| serde_json::Value::Object(Settings::new()));
    let Some(plain) = plain.as_object_mut() else {
        return Err("[backend.settings] headers: is no table of names and values".into());
    };
    let mut secret = None;
    for (name, value) in parse_headers(&headers)? {
        // The host adds one and shows it to nobody, the component included; a component has the others.
        if secret.is_none() && looks_like_a_credential(&name) {
            secret = Some((name, value));
        } else {
            plain.retain(|known, _| !known.eq_ignore_ascii_case(&name));
            plain.insert(name, value.into());
        }
    }
    if let Some((name, value)) = secret {
        plain.retain(|known, _| !known.eq_ignore_ascii_case(&name));
        let source = CredentialSource::Operator { variable: headers.name, value };
        endpoint.credential =
            Some(Credential::new(Placement::Header { name, prefix: String::new() }, source));
    }
    Ok(())
}

/// `name=value,name=value`, values percent-encoded.
fn parse_headers(headers: &Set) -> Result<Vec<(String, String)>, String> {
    let mut all = Vec::new();
    for (at, pair) in headers.value.split(',').enumerate().filter(|(_, pair)| !pair.trim().is_empty()) {
        let wrong = || headers.wrong(&format!("header {} is not `name=value`", at + 1));
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let (name, value) = (name.trim(), decode(value.trim()).ok_or_else(wrong)?);
        if name.is_empty() {
            return Err(wrong());
        }
        all.push((name.to_owned(), value));
    }
    Ok(all)
}

/// Percent-decodes; none where it is not that, or not text.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            rest = after.get(2..)?;
            u8::from_str_radix(digits, 16).ok()?
        } else {
            *first
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORS: &str = "[tool]\nid = \"com.example.greet\"\n[backend]\nuse = \"otlp\"\notel_environment = true\n\
        [backend.settings]\nheaders = { x-team = \"cli\" }\n\
        [endpoints.collector]\nurl = \"https://otel.example.com\"\ncredential = { bearer = true, value = \"author\" }\n";

    fn applied(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let mut config = Config::parse(text, "t").expect("it is right");
        let variable = |name: &str| {
            let set = variables.iter().find(|(known, _)| format!("OTEL_EXPORTER_OTLP_{known}") == name)?;
            Some(set.1.to_owned())
        };
        apply(&mut config, variable).map(|()| config)
    }

    fn setting<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
        config.backend.settings.get(key)?.as_str()
    }

    #[test]
    fn without_the_authors_leave_or_a_variable_nothing_changes() {
        let everything = [("ENDPOINT", "https://b.example"), ("HEADERS", "a=b"), ("PROTOCOL", "grpc")];
        let without = AUTHORS.replace("otel_environment = true", "");
        for config in [applied(&without, &everything), applied(AUTHORS, &[("ENDPOINT", " ")])] {
            let config = config.expect("nothing is wrong");
            assert_eq!(config.endpoints["collector"].url, "https://otel.example.com");
            assert!(config.endpoints["collector"].credential.is_some());
            assert_eq!(setting(&config, "path"), None);
        }
    }

    #[test]
    fn the_general_address_gets_the_path_of_logs_and_the_one_for_logs_is_used_as_it_stands() {
        let general = applied(AUTHORS, &[("ENDPOINT", "https://b.example/otlp/")]).unwrap();
        assert_eq!(general.endpoints["collector"].url, "https://b.example/otlp");
        assert_eq!(setting(&general, "path"), Some("/v1/logs"));
        let logs = [("ENDPOINT", "https://b.example"), ("LOGS_ENDPOINT", "https://c.example/in/")];
        let logs = applied(AUTHORS, &logs).unwrap();
        assert_eq!(logs.endpoints["collector"].url, "https://c.example/in/");
        assert_eq!(setting(&logs, "path"), Some(""));
    }

    #[test]
    fn another_address_never_gets_the_authors_credential() {
        let moved = applied(AUTHORS, &[("ENDPOINT", "https://b.example")]).unwrap();
        assert!(moved.endpoints["collector"].credential.is_none());
        let stays = applied(AUTHORS, &[("TIMEOUT", "2500"), ("LOGS_COMPRESSION", "none")]).unwrap();
        assert!(stays.endpoints["collector"].credential.is_some());
        assert_eq!(stays.backend.limits.request_time, Some(Duration::from_millis(2500)));
        assert_eq!(setting(&stays, "compression"), Some("none"));
    }

    #[test]
    fn a_header_that_looks_like_a_credential_becomes_one_and_is_shown_by_nothing() {
        let headers = "X-Team=ops, authorization=Basic%20aHVudGVyMg==,x-scope=a%2Cb";
        let config = applied(AUTHORS, &[("HEADERS", headers)]).unwrap();
        let plain = config.backend.settings["headers"].as_object().unwrap();
        let plain: Vec<_> =
            plain.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        assert_eq!(plain, [("X-Team", "ops"), ("x-scope", "a,b")]);
        let credential = config.endpoints["collector"].credential.as_ref().unwrap();
        let Placement::Header { name, prefix } = &credential.placement else { panic!("is a header") };
        assert_eq!((name.as_str(), prefix.as_str()), ("authorization", ""));
        assert!(
            matches!(&credential.source, CredentialSource::Operator { value, .. } if value == "Basic aHVudGVyMg==")
        );
        assert!(!format!("{config:?}").contains("aHVudGVyMg"));
    }

    #[test]
    fn certificates_are_named_by_whole_paths_and_a_key_goes_with_its_certificate() {
        let both =
            [("CERTIFICATE", "/ca.pem"), ("CLIENT_CERTIFICATE", "/c.pem"), ("LOGS_CLIENT_KEY", "/k.pem")];
        let config = applied(AUTHORS, &both).unwrap();
        let endpoint = &config.endpoints["collector"];
        assert_eq!(endpoint.ca_file.as_deref(), Some("/ca.pem"));
        assert_eq!(endpoint.client_certificate.as_deref(), Some("/c.pem"));
        assert_eq!(endpoint.client_key.as_deref(), Some("/k.pem"));
    }

    #[test]
    fn what_cannot_be_used_is_named_without_a_headers_value() {
        for (name, value, says) in [
            ("PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\" is neither"),
            ("LOGS_COMPRESSION", "zstd", "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: \"zstd\" is neither"),
            ("TIMEOUT", "10s", "no number of milliseconds"),
            ("CERTIFICATE", "ca.pem", "no absolute path"),
            ("CLIENT_KEY", "/k.pem", "no CLIENT_CERTIFICATE"),
            ("CLIENT_CERTIFICATE", "/c.pem", "no CLIENT_KEY"),
            ("HEADERS", "a=b,hunter2", "header 2 is not `name=value`"),
            ("HEADERS", "a=hunter2%2", "header 1 is not `name=value`"),
            ("HEADERS", "=hunter2", "header 1 is not `name=value`"),
        ] {
            let error = applied(AUTHORS, &[(name, value)]).expect_err("is wrong");
            assert!(error.contains(says) && !error.contains("hunter2"), "{name}={value}: {error}");
        }
        let none = "[tool]\nid = \"a.b\"\n[backend]\nuse = \"otlp\"\notel_environment = true\n";
        assert!(applied(none, &[]).expect_err("is wrong").contains("[endpoints.collector]"));
    }
}
