//! Which proxy a request goes through.
//!
//! The environment's setting grants the proxy's own address, whatever it is: who sets it is the
//! machine's operator. Behind a proxy, names are the proxy's to judge; the granted scheme, host, port
//! and path still hold.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// The proxies of a process, as its environment names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `https` URLs.
    pub https: Option<String>,
    /// For `http` URLs.
    pub http: Option<String>,
    /// Hosts that are reached directly: names, domains, addresses and ranges, separated by commas.
    pub no: Option<String>,
}

impl Proxies {
    /// No proxy at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` and their lower-case forms, which come
    /// first. `HTTP_PROXY` is ignored where `REQUEST_METHOD` is set: there it is a request's header.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// The same from any source of variables.
    pub fn from_lookup(var: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| {
            let lower = var(&name.to_ascii_lowercase());
            lower.or_else(|| var(name)).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let all = get("ALL_PROXY");
        let cgi = var("REQUEST_METHOD").is_some();
        let http = if cgi { var("http_proxy").filter(|value| !value.is_empty()) } else { get("HTTP_PROXY") };
        Self { https: get("HTTPS_PROXY").or_else(|| all.clone()), http: http.or(all), no: get("NO_PROXY") }
    }

    /// The proxy that a request to this URL goes through, as it may be shown: without its user and password. Where
    /// it cannot be used, why.
    pub fn shown_for(&self, url: &str) -> Option<String> {
        let url = Url::parse(url).ok().filter(Url::has_host)?;
        match self.choose(&url) {
            Ok(chosen) => chosen.map(|chosen| chosen.shown),
            Err(why) => Some(why),
        }
    }

    /// The proxy for a URL, if there is one.
    pub(crate) fn choose(&self, url: &Url) -> Result<Option<Chosen>, String> {
        let setting = if url.scheme() == "https" { &self.https } else { &self.http };
        let Some(setting) = setting else { return Ok(None) };
        let matcher = Matcher::builder().all(setting.clone()).no(self.no.clone().unwrap_or_default()).build();
        let uri = url.as_str().parse::<http::Uri>().map_err(|error| error.to_string())?;
        let Some(found) = matcher.intercept(&uri) else { return Ok(None) };
        let scheme = found.uri().scheme_str().unwrap_or("http");
        if scheme != "http" && scheme != "https" {
            return Err(format!(
                "the proxy in the environment speaks `{scheme}`; only http and https proxies are supported"
            ));
        }
        let host = found.uri().authority().map(authority_without_user).unwrap_or_default();
        let address = with_scheme(setting);
        Ok(Some(Chosen { address, shown: format!("{scheme}://{host}") }))
    }
}

fn with_scheme(setting: &str) -> String {
    if setting.contains("://") { setting.to_owned() } else { format!("http://{setting}") }
}

/// A proxy for one endpoint.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// With the user and password that the setting may hold.
    pub(crate) address: String,
    /// Without them.
    pub(crate) shown: String,
}

impl Chosen {
    /// Whether the proxy itself is spoken to through TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.shown.starts_with("https:")
    }
}

fn authority_without_user(authority: &http::uri::Authority) -> String {
    match authority.port_u16() {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    }
}
