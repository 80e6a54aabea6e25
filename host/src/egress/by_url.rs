//! The endpoint that a URL belongs to, for guests that name a URL.

use super::gate::{Gate, Inner};
use super::request::Refusal;

/// A request of which nobody may be waiting any more.
pub(crate) struct LooseEnd(Gate);

impl Drop for LooseEnd {
    fn drop(&mut self) {
        self.0.with(|state| state.loose_ends = state.loose_ends.saturating_sub(1));
    }
}

impl Gate {
    /// Counts a request until what this gives back is dropped.
    pub(crate) fn loose_end(&self) -> LooseEnd {
        self.with(|state| state.loose_ends += 1);
        LooseEnd(self.clone())
    }

    /// Whether a request goes on although its call has ended.
    pub(crate) fn has_loose_ends(&self) -> bool {
        self.with(|state| state.loose_ends > 0)
    }

    /// The endpoint that is granted at this URL, and the rest of the path below its own. The longest path
    /// wins where several are.
    pub(crate) fn endpoint_at(&self, uri: &http::Uri) -> Result<(String, String), Refusal> {
        self.inner().find(uri).ok_or_else(|| {
            // Never the query: it may hold anything.
            let asked = crate::text::tidy(
                &format!(
                    "{}://{}",
                    uri.scheme_str().unwrap_or_default(),
                    uri.authority().map_or("", |it| it.as_str())
                ),
                200,
            );
            let why = format!(
                "no endpoint is granted at {asked}: add `url = \"{asked}\"` under one of the component's \
                 [endpoints.…] in telemetry.toml"
            );
            let denied = Refusal::Denied(why.clone());
            self.with(|state| state.exchanges.last_denial = Some(why));
            denied
        })
    }
}

impl Inner {
    fn find(&self, uri: &http::Uri) -> Option<(String, String)> {
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        if authority.as_str().contains('@') {
            return None;
        }
        let default = if scheme == "https" { 443 } else { 80 };
        let port = authority.port_u16().unwrap_or(default);
        let mut best: Option<(usize, String, String)> = None;
        for (name, grant) in &self.grants {
            let url = grant.url();
            let same = url.scheme() == scheme
                && url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(authority.host()))
                && url.port_or_known_default() == Some(port);
            let prefix = url.path().trim_end_matches('/');
            let rest =
                uri.path().strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(rest) = rest.filter(|_| same)
                && best.as_ref().is_none_or(|(longest, ..)| prefix.len() > *longest)
            {
                best = Some((prefix.len(), name.clone(), rest.to_owned()));
            }
        }
        best.map(|(_, name, rest)| (name, rest))
    }
}
