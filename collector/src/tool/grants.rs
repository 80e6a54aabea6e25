//! Endpoints: the places on the network that the author grants to a component.

use std::collections::BTreeMap;
use std::fmt;

use super::found::Found;
use super::keys::{Fill, Wrong, entries, table};

/// A grant: one named endpoint of `[endpoints.<name>]`.
#[derive(Clone, Debug, Hash)]
#[non_exhaustive]
pub struct Endpoint {
    /// Scheme, host, port and the prefix of every path. Where a `site` is named, that site's.
    pub url: String,
    /// In place of `url`: a public address of a bundled backend's vendor by the vendor's own short name, as in
    /// `eu1`. `telemetry-kit inspect` lists them; `status` and `doctor` show the host that it stands for.
    pub site: Option<String>,
    /// What is otherwise refused, each on its own: `http`, `loopback`, `private`, `link-local`.
    pub allow: Vec<String>,
    /// What the host adds to each request and the component never sees.
    pub credential: Option<Credential>,
    /// A PEM file of certificate authorities that are trusted beside the system's.
    pub ca_file: Option<String>,
    /// A PEM file with a client certificate and its key.
    pub client_certificate: Option<String>,
    /// A PEM file with the key, where it is not in the file with the certificate.
    pub client_key: Option<String>,
    /// Whether the environment's proxy settings are obeyed. A proxy that is itself reached by https is refused to a grant
    /// with certificates of its own, which are not for it.
    pub proxy: bool,
}

table!(Endpoint { url, site, allow, credential, ca_file, client_certificate, client_key, proxy });

impl Fill for BTreeMap<String, Endpoint> {
    fn fill(&mut self, found: &Found) -> Result<(), Wrong> {
        for (name, value) in entries(found)? {
            let mut endpoint = Endpoint::new("");
            endpoint.fill(value)?;
            self.insert(name.to_string(), endpoint);
        }
        Ok(())
    }
}

impl Endpoint {
    /// A grant of this URL and nothing more.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            site: None,
            allow: Vec::new(),
            credential: None,
            ca_file: None,
            client_certificate: None,
            client_key: None,
            proxy: true,
        }
    }

    /// A grant of a bundled backend's site, as in `eu1`, and nothing more. What the name stands for is looked
    /// up when the configuration is checked, and a name that the backend does not have is an error then.
    pub fn at_site(site: impl Into<String>) -> Self {
        Self { site: Some(site.into()), ..Self::new("") }
    }

    /// Also allows what is otherwise refused: `http`, `loopback`, `private` or `link-local`.
    #[must_use]
    pub fn allow(mut self, what: impl Into<String>) -> Self {
        self.allow.push(what.into());
        self
    }

    /// Adds a credential.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }
}

/// A credential: where it goes and where it comes from.
#[derive(Clone, Debug, Hash)]
#[non_exhaustive]
pub struct Credential {
    /// Where in the request it goes.
    pub placement: Placement,
    /// Where it comes from.
    pub source: CredentialSource,
}

impl Credential {
    /// A credential.
    #[must_use]
    pub fn new(placement: Placement, source: CredentialSource) -> Self {
        Self { placement, source }
    }
}

/// Where in a request a credential goes.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum Placement {
    /// The header of this name, after this prefix (as in `Bearer `; may be empty).
    Header {
        /// The header's name.
        name: String,
        /// What stands before the credential.
        prefix: String,
    },
    /// `Authorization: Basic`, with this user name; the credential is the password.
    Basic {
        /// The user name.
        user: String,
    },
    /// The query parameter of this name.
    Query {
        /// The parameter's name.
        name: String,
    },
    /// A path segment after the granted URL's own path.
    Path,
}

/// Where a credential comes from.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialSource {
    /// It stands in the configuration. Whoever has the tool can read it.
    Literal(String),
    /// An environment variable of the process that sends.
    Environment(String),
    /// A file; relative paths are relative to the configuration file's directory.
    File(String),
    /// A part of an environment variable by which whoever operates the tool configures it, as in
    /// OpenTelemetry's `OTEL_EXPORTER_OTLP_HEADERS`. No configuration file can say this.
    #[non_exhaustive]
    Operator {
        /// The variable.
        variable: String,
        /// The credential.
        value: String,
    },
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => out.write_str("Literal(***)"),
            Self::Environment(name) => out.debug_tuple("Environment").field(name).finish(),
            Self::File(path) => out.debug_tuple("File").field(path).finish(),
            Self::Operator { variable, .. } => out.debug_tuple("Operator").field(variable).finish(),
        }
    }
}

/// A credential as `telemetry.toml` has it.
#[derive(Default)]
struct CredentialTable {
    header: Option<String>,
    prefix: Option<String>,
    bearer: Option<bool>,
    basic_user: Option<String>,
    query: Option<String>,
    path: Option<bool>,
    value: Option<String>,
    env: Option<String>,
    file: Option<String>,
}

table!(CredentialTable { header, prefix, bearer, basic_user, query, path, value, env, file });

impl Fill for Option<Credential> {
    fn fill(&mut self, found: &Found) -> Result<(), Wrong> {
        let mut table = CredentialTable::default();
        table.fill(found)?;
        *self = Some(table.try_into().map_err(|what: String| Wrong::new(found.line, what))?);
        Ok(())
    }
}

impl TryFrom<CredentialTable> for Credential {
    type Error = String;

    fn try_from(table: CredentialTable) -> Result<Self, String> {
        if table.prefix.is_some() && table.header.is_none() {
            return Err("`prefix` goes with `header` only".into());
        }
        let mut placements = Vec::new();
        if let Some(name) = table.header {
            placements.push(Placement::Header { name, prefix: table.prefix.unwrap_or_default() });
        }
        if table.bearer == Some(true) {
            placements.push(Placement::Header { name: "authorization".into(), prefix: "Bearer ".into() });
        }
        if let Some(user) = table.basic_user {
            placements.push(Placement::Basic { user });
        }
        if let Some(name) = table.query {
            placements.push(Placement::Query { name });
        }
        if table.path == Some(true) {
            placements.push(Placement::Path);
        }
        let sources: Vec<_> = [
            table.value.map(CredentialSource::Literal),
            table.env.map(CredentialSource::Environment),
            table.file.map(CredentialSource::File),
        ]
        .into_iter()
        .flatten()
        .collect();
        let (Ok([placement]), Ok([source])) =
            (<[Placement; 1]>::try_from(placements), <[CredentialSource; 1]>::try_from(sources))
        else {
            return Err("a credential has one place (`header = \"…\"`, `bearer = true`, `basic_user = \"…\"`, \
                        `query = \"…\"` or `path = true`) and one source (`env = \"…\"`, `file = \"…\"` or `value = \"…\"`)"
                .into());
        };
        Ok(Self { placement, source })
    }
}
