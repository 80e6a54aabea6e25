//! What the author grants: an endpoint's name, where it is, and what is added on the way.
//!
//! A [`Grant`] is parsed once and cannot be wrong afterwards: its URL has a scheme, a host, a port and a
//! path prefix and nothing else, and all of them are spelled the one way in which every reader of
//! URLs agrees on them.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::{Class, classify};
use super::headers;
use super::secret::Secret;
use super::target;

/// What is refused unless the author says the word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// `http`: requests, credentials too, in the clear.
    pub http: bool,
    /// `loopback`: this machine.
    pub loopback: bool,
    /// `private`: the local network.
    pub private: bool,
    /// `link-local`: the same wire, cloud metadata services among it.
    pub link_local: bool,
}

impl Allow {
    /// The words, as they stand in `telemetry.toml`.
    pub const WORDS: [&'static str; 4] = ["http", "loopback", "private", "link-local"];

    /// Reads the words. The error is the word that is none of them.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, String> {
        let mut allow = Self::default();
        for word in words {
            match word.as_ref() {
                "http" => allow.http = true,
                "loopback" => allow.loopback = true,
                "private" => allow.private = true,
                "link-local" => allow.link_local = true,
                other => return Err(other.to_owned()),
            }
        }
        Ok(allow)
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        let said = [self.http, self.loopback, self.private, self.link_local];
        Self::WORDS.into_iter().zip(said).filter(|(_, said)| *said).map(|(word, _)| word)
    }

    /// Whether an address of this class may be dialled.
    pub fn admits(self, class: Class) -> bool {
        match class {
            Class::Public => true,
            Class::Loopback => self.loopback,
            Class::Private => self.private,
            Class::LinkLocal => self.link_local,
            Class::Never => false,
        }
    }

    /// The line that would say `word` too, with what is said already.
    pub(crate) fn line_with(self, word: &str) -> String {
        let words: Vec<String> = Self::WORDS
            .into_iter()
            .filter(|w| *w == word || self.words().any(|said| said == *w))
            .map(|w| format!("\"{w}\""))
            .collect();
        format!("allow = [{}]", words.join(", "))
    }
}

/// Where the host puts a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The value of this header, after a prefix such as `Bearer ` (usually empty).
    Header {
        /// The header's name.
        name: String,
        /// What stands before the secret.
        prefix: String,
    },
    /// `Authorization: Bearer ...`.
    Bearer,
    /// `Authorization: Basic ...`, the secret being the password.
    Basic {
        /// The user's name; must not hold a colon.
        user: String,
    },
    /// The value of this query parameter.
    Query {
        /// The parameter's name.
        name: String,
    },
    /// A segment of the path, after the granted URL's path and before the component's.
    Path,
}

/// What the host adds to a request and a component never sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Where it goes.
    pub placement: Placement,
    /// The secret part.
    pub secret: Secret,
}

/// A grant as it is written, before [`Grant::parse`].
#[derive(Clone, Debug, Default)]
pub struct GrantSpec {
    /// The endpoint's name, as the component asks for it.
    pub endpoint: String,
    /// Scheme, host, port and path prefix.
    pub url: String,
    /// The words of [`Allow`].
    pub allow: Vec<String>,
    /// What is added to each request.
    pub credential: Option<Credential>,
    /// Certificates of authorities that are trusted for this endpoint beside the system's, as PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// A client's certificate chain and its private key, as PEM.
    pub identity_pem: Option<Vec<u8>>,
    /// Never through a proxy, whatever the environment says.
    pub no_proxy: bool,
}

/// A checked grant.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) endpoint: String,
    pub(crate) url: Url,
    pub(crate) allow: Allow,
    pub(crate) credential: Option<Credential>,
    pub(crate) trust: super::tls::Trust,
    pub(crate) no_proxy: bool,
}

/// Why a grant cannot stand. The text names the endpoint, what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[endpoints.{endpoint}] {message}")]
pub struct GrantError {
    /// The endpoint's name as it was written.
    pub endpoint: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Grant {
    /// Checks a grant.
    pub fn parse(spec: GrantSpec) -> Result<Self, GrantError> {
        let endpoint = spec.endpoint.clone();
        Self::check(spec)
            .map_err(|message| GrantError { endpoint: crate::text::tidy(&endpoint, 100), message })
    }

    fn check(spec: GrantSpec) -> Result<Self, String> {
        if !valid_endpoint_name(&spec.endpoint) {
            return Err("is not a name: 1 to 64 lower-case letters, digits, `-` or `_`".to_owned());
        }
        let allow = Allow::parse(&spec.allow).map_err(|word| {
            format!(
                "allow: `{}` is not a word it knows; there are \"http\", \"loopback\", \"private\" and \"link-local\"",
                crate::text::tidy(&word, 60)
            )
        })?;
        let url = parse_url(&spec.url)?;
        if url.scheme() == "http" && !allow.http {
            return Err(format!(
                "url: http sends everything in the clear; use https, or add `{}` under [endpoints.{}] in telemetry.toml",
                allow.line_with("http"),
                spec.endpoint
            ));
        }
        if let Some(credential) = &spec.credential {
            check_credential(credential)?;
        }
        let trust = super::tls::Trust::parse(spec.ca_pem.as_deref(), spec.identity_pem.as_deref())?;
        Ok(Self {
            endpoint: spec.endpoint,
            url,
            allow,
            credential: spec.credential,
            trust,
            no_proxy: spec.no_proxy,
        })
    }

    /// The endpoint's name.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Scheme, host, port and path prefix. Holds no credential.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What the author said may be reached.
    pub fn allow(&self) -> Allow {
        self.allow
    }

    /// The granted host as an address, if that is how it is written.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(v4) => Some(IpAddr::V4(v4)),
            Host::Ipv6(v6) => Some(IpAddr::V6(v6)),
            Host::Domain(_) => None,
        }
    }

    /// Whether this address may be dialled; if not, what to tell the author.
    pub(crate) fn judge(&self, address: IpAddr) -> Result<(), String> {
        let class = classify(address);
        if self.allow.admits(class) {
            return Ok(());
        }
        let endpoint = &self.endpoint;
        let host = self.url.host_str().unwrap_or_default();
        let place =
            if self.literal().is_some() { address.to_string() } else { format!("{host} ({address})") };
        Err(match class.word() {
            Some(word) => format!(
                "endpoint \"{endpoint}\" leads to {place}, {class}: add `{}` under [endpoints.{endpoint}] in telemetry.toml",
                self.allow.line_with(word)
            ),
            None => format!(
                "endpoint \"{endpoint}\" leads to {place}, which is {class}, and no setting allows it: change `url` under [endpoints.{endpoint}] in telemetry.toml"
            ),
        })
    }
}

/// What an endpoint may be called: something that reads well after `endpoints.` in TOML.
pub(crate) fn valid_endpoint_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

fn parse_url(written: &str) -> Result<Url, String> {
    const WHAT: &str = "scheme, host, port and path, as in `https://otel.example.com/v1`";
    if written.len() > 2_048 {
        return Err(format!("url: is longer than 2048 bytes; it is {WHAT}"));
    }
    if let Some(c) =
        written.chars().find(|c| !c.is_ascii() || c.is_ascii_control() || *c == ' ' || *c == '\\')
    {
        let hint = if c.is_ascii() { "" } else { "; write an international name in its `xn--` form" };
        return Err(format!("url: holds the character U+{:04X}, which a URL cannot{hint}", u32::from(c)));
    }
    let Some((scheme, rest)) = written.split_once("://") else {
        return Err(format!("url: is {WHAT}"));
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(format!("url: the scheme is https or http; it is {WHAT}"));
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if rest.contains(['?', '#']) {
        return Err(
            "url: must hold no `?` or `#`; a backend adds its own query, and `credential` a secret one"
                .to_owned(),
        );
    }
    if authority.contains('@') {
        return Err("url: must hold no user name or password; use `credential` for those".to_owned());
    }
    target::check_path(path).map_err(|why| format!("url: {why}"))?;
    let url = Url::parse(written).map_err(|error| format!("url: {error}; it is {WHAT}"))?;
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(format!("url: has no host; it is {WHAT}"));
    };
    // One spelling only: `0x7f.1`, `2130706433` or `%31.com` mean different hosts to different readers.
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let default_port = match url.scheme() {
        "https" => ":443",
        _ => ":80",
    };
    let one_spelling = authority.eq_ignore_ascii_case(&format!("{host}{port}"))
        || (port.is_empty() && authority.eq_ignore_ascii_case(&format!("{host}{default_port}")));
    if !one_spelling {
        return Err(format!(
            "url: write the host and port as `{host}{port}`, so that everybody reads the same"
        ));
    }
    if url.port() == Some(0) {
        return Err("url: port 0 is no port".to_owned());
    }
    if let Some(label) = host.split('.').find(|label| label.len() > 63) {
        return Err(format!("url: `{label}` is longer than a part of a name can be"));
    }
    Ok(url)
}

fn check_credential(credential: &Credential) -> Result<(), String> {
    let secret = credential.secret.expose();
    if secret.is_empty() {
        return Err("credential: is empty".to_owned());
    }
    if secret.len() > 8_192 {
        return Err("credential: is longer than 8192 bytes".to_owned());
    }
    if secret.chars().any(char::is_control) {
        return Err("credential: holds a control character, such as a line break inside it".to_owned());
    }
    let in_header = |prefix: &str| {
        let value = format!("{prefix}{secret}");
        headers::check_value(&value).map_err(|why| format!("credential: {why}"))
    };
    match &credential.placement {
        Placement::Header { name, prefix } => {
            headers::check_credential_name(name).map_err(|why| format!("credential: {why}"))?;
            in_header(prefix)
        }
        Placement::Bearer => in_header("Bearer "),
        Placement::Basic { user } if user.contains(':') || user.chars().any(char::is_control) => {
            Err("credential: basic_user must hold no colon and no control character".to_owned())
        }
        Placement::Basic { .. } => Ok(()),
        Placement::Query { name } if name.is_empty() => {
            Err("credential: query must name the parameter".to_owned())
        }
        Placement::Query { .. } => Ok(()),
        Placement::Path if matches!(secret, "." | "..") => {
            Err("credential: is not a path segment".to_owned())
        }
        Placement::Path => Ok(()),
    }
}
