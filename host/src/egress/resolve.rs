//! Names to addresses, judged in the same step: what is dialled is what was judged.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use super::grant::Grant;

/// Addresses of a name, in the order in which they are tried.
pub type Addresses = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// Where names are looked up. The system's resolver, unless an author or a test has another.
pub trait Lookup: Send + Sync {
    /// Looks one name up.
    fn lookup(&self, name: &str) -> Addresses;
}

/// The system's resolver, on a thread of its own so that a hanging one costs no more than the deadline.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> Addresses {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The error by which a judgement finds its way through the client's own errors.
#[derive(Debug)]
pub(crate) struct NotGranted(pub(crate) String);

impl fmt::Display for NotGranted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotGranted {}

/// Resolves for one grant and hands out only what it allows.
pub(crate) struct Judging {
    pub(crate) lookup: Arc<dyn Lookup>,
    /// None where a proxy is dialled: the environment's setting grants its address.
    pub(crate) grant: Option<Arc<Grant>>,
}

impl reqwest::dns::Resolve for Judging {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (lookup, grant) = (Arc::clone(&self.lookup), self.grant.clone());
        Box::pin(async move {
            let found = lookup.lookup(name.as_str()).await?;
            let allowed = match grant {
                None => found,
                Some(grant) => judge_all(&grant, found)?,
            };
            let addresses = allowed.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as reqwest::dns::Addrs)
        })
    }
}

/// The allowed ones, in order. Nothing else will be dialled, so one bad address among good ones does
/// no harm; if none is left, the first judgement says why.
pub(crate) fn judge_all(grant: &Grant, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, NotGranted> {
    let mut refused = None;
    let mut allowed = Vec::with_capacity(found.len());
    for address in found {
        match grant.judge(address) {
            Ok(()) => allowed.push(address),
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    match refused {
        Some(why) if allowed.is_empty() => Err(NotGranted(why)),
        _ => Ok(allowed),
    }
}
