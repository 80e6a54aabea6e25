//! The author's settings and what is wrong with them.

use crate::{Otlp, records};
use serde::Deserialize;
use std::collections::BTreeMap;
use telemetry_backend_sdk::{ContentCoding, Problem, log};

/// `[backend.settings]`.
#[derive(Debug, Deserialize)]
pub struct Settings {
    protocol: Protocol,
    compression: Compression,
    headers: BTreeMap<String, String>,
    path: String,
    service_name: Option<String>,
    service_version: Option<String>,
}

/// How the messages are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Protocol {
    #[serde(rename = "http/protobuf")]
    Protobuf,
    #[serde(rename = "http/json")]
    Json,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compression {
    None,
    Gzip,
}

impl Settings {
    /// The backend that these settings make.
    pub(crate) fn check(self) -> Result<Otlp, Vec<Problem>> {
        let mut problems = Vec::new();
        for (name, value) in &self.headers {
            if let Some(message) = header_problem(name, value) {
                problems.push(Problem::new("headers", message));
            } else if looks_like_a_credential(name) {
                log::warn(&advice(name));
            }
        }
        for (key, value) in [("service_name", &self.service_name), ("service_version", &self.service_version)]
        {
            if value.as_deref().is_some_and(|it| it.trim().is_empty()) {
                problems.push(Problem::new(key, "is empty: leave it out to use the tool's own"));
            }
        }
        if let Some(message) = path_problem(&self.path) {
            problems.push(Problem::new("path", message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Otlp {
            protocol: self.protocol,
            coding: match self.compression {
                Compression::None => ContentCoding::Identity,
                Compression::Gzip => ContentCoding::Gzip,
            },
            headers: self.headers.into_iter().collect(),
            path: self.path,
            service: records::Service { name: self.service_name, version: self.service_version },
        })
    }
}

/// Why this is nothing that can be appended to a url.
fn path_problem(path: &str) -> Option<String> {
    if !(path.is_empty() || path.starts_with('/')) {
        return Some(format!("`{path}` is neither empty nor begins with `/`, as /v1/logs does"));
    }
    let wrong = |it: char| it.is_control() || it.is_whitespace() || matches!(it, '?' | '#' | '\\');
    path.contains(wrong).then(|| format!("`{path}` has more in it than a path"))
}

/// Why this is no header that can be sent.
fn header_problem(name: &str, value: &str) -> Option<String> {
    let token = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
    if name.is_empty() || !name.bytes().all(token) {
        return Some(format!("`{name}` is no header's name: letters, digits and - are"));
    }
    if ["content-type", "content-encoding", "content-length", "host"]
        .iter()
        .any(|it| name.eq_ignore_ascii_case(it))
    {
        return Some(format!("`{name}` is set by the protocol"));
    }
    if value.chars().any(|it| it.is_control() && it != '\t') {
        return Some(format!("the value of `{name}` has a control character in it"));
    }
    None
}

/// Whether a header's name says that its value is a secret.
fn looks_like_a_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["auth", "token", "secret", "key", "password", "credential", "cookie", "session", "signature"]
        .iter()
        .any(|word| name.contains(word))
}

fn advice(name: &str) -> String {
    format!(
        "the header `{name}` looks like a credential. In [backend.settings] it is plain text in what you ship; \
         put it under [endpoints.collector] as credential = {{ header = \"{name}\", env = \"...\" }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry_backend_sdk::testing::configure;

    fn problems(settings: &str) -> Vec<(String, String)> {
        let problems = configure::<Otlp>(settings).expect_err("is refused");
        problems.into_iter().map(|it| (it.key, it.message)).collect()
    }

    #[test]
    fn without_settings_the_protocols_defaults_hold() {
        let otlp = configure::<Otlp>("{}").expect("is taken");
        assert_eq!(otlp.protocol, Protocol::Protobuf);
        assert_eq!(otlp.coding, ContentCoding::Gzip);
        assert!(otlp.headers.is_empty());
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (settings, key, part) in [
            (r#"{"protocol": "grpc"}"#, "protocol", "`http/protobuf` or `http/json`"),
            (r#"{"compression": "zip"}"#, "compression", "`none` or `gzip`"),
            (r#"{"headers": {"": "x"}}"#, "headers", "no header's name"),
            (r#"{"headers": {"a b": "x"}}"#, "headers", "`a b` is no header's name"),
            (r#"{"headers": {"x": "a\r\nHost: evil"}}"#, "headers", "control character"),
            (r#"{"headers": {"Content-Type": "text/plain"}}"#, "headers", "set by the protocol"),
            (r#"{"headers": {"x": 3}}"#, "headers", "expected a string"),
            (r#"{"headers": "x=y"}"#, "headers", "expected a map"),
            (r#"{"path": "v1/logs"}"#, "path", "begins with `/`"),
            (r#"{"path": "/v1/logs?x=y"}"#, "path", "more in it than a path"),
            (r#"{"service_name": " "}"#, "service_name", "is empty"),
            (r#"{"endpoint": "https://x.example"}"#, "endpoint", "is unknown"),
        ] {
            let found = problems(settings);
            assert_eq!(found.len(), 1, "{settings}: {found:?}");
            assert_eq!(found[0].0, key, "{settings}");
            assert!(found[0].1.contains(part), "{settings}: {}", found[0].1);
        }
    }

    #[test]
    fn a_header_that_looks_like_a_credential_is_told_where_it_belongs() {
        for name in ["Authorization", "X-API-Key", "x-auth-token", "Cookie", "Api-Secret"] {
            assert!(looks_like_a_credential(name), "{name}");
            assert!(advice(name).contains(&format!("header = \"{name}\"")));
        }
        for name in ["X-Scope-OrgID", "User-Agent", "X-Team"] {
            assert!(!looks_like_a_credential(name), "{name}");
        }
    }
}
