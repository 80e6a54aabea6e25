//! One request of the library's own, and one look whether a place can be reached: both through the
//! same gate that a component's requests leave by, so that no second way out exists.
//!
//! Each runs on a thread with a runtime of its own: a tool may call from inside an asynchronous one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::egress::answer::Answer;
use crate::egress::coding::Coding;
use crate::egress::door::Door;
use crate::egress::gate::{Gate, GateSetup};
use crate::egress::grant::Grant;
use crate::egress::proxy::Proxies;
use crate::egress::request::{Asked, Refusal};
use crate::egress::resolve::{Lookup, SystemLookup, judge_all};
use crate::instance::runtime;
use crate::limits::Limits;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// It did not leave: leave was refused, or the grant does not cover it.
    #[error("{0}")]
    NotSent(String),
    /// It may have left, and no answer came.
    #[error("{0}")]
    NoAnswer(String),
}

/// Posts one JSON body to a granted endpoint, exactly at its URL.
///
/// # Errors
/// Why there is no answer; a status of any kind is an answer.
pub fn post_json(grant: Grant, door: Door, proxies: Proxies, body: &str) -> Result<Answer, PostError> {
    let limits = Limits::default();
    let endpoint = grant.endpoint().to_owned();
    let asked = Asked {
        endpoint: endpoint.clone(),
        method: "POST",
        path: String::new(),
        query: Vec::new(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.as_bytes().to_vec(),
        coding: Coding::Identity,
        timeout: None,
    };
    let gate = Gate::new(GateSetup {
        grants: vec![grant],
        door,
        proxies,
        lookup: Arc::new(SystemLookup),
        limits,
        user_agent: concat!("cli-telemetry/", env!("CARGO_PKG_VERSION")).to_owned(),
        max_requests: Some(1),
    });
    gate.narrow(vec![endpoint]);
    gate.set_open(true);
    let sent = blocking(async move { gate.send(asked).await });
    sent.map_err(PostError::NotSent)?.map_err(|refusal| match refusal {
        Refusal::Denied(why) | Refusal::Invalid(why) | Refusal::TooLarge(why) => PostError::NotSent(why),
        other => PostError::NoAnswer(other.to_string()),
    })
}

/// What a look at an endpoint found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reached {
    /// The address that took the connection.
    pub address: SocketAddr,
    /// The proxy that requests go through, without its user and password.
    pub proxy: Option<String>,
}

/// Resolves an endpoint's name, or its proxy's, judges the addresses as a request would be judged, and
/// connects to the first that answers. Nothing is sent.
///
/// # Errors
/// What kept it from connecting, and where a grant forbids it, the line that would grant it.
pub fn reach(grant: &Grant, proxies: &Proxies, patience: Duration) -> Result<Reached, String> {
    let chosen = if grant.no_proxy { None } else { proxies.choose(&grant.url)? };
    let (url, proxy) = match &chosen {
        None => (grant.url.clone(), None),
        Some(chosen) => {
            let url = url::Url::parse(&chosen.address)
                .map_err(|_| format!("the proxy {} cannot be used", chosen.shown))?;
            (url, Some(chosen.shown.clone()))
        }
    };
    let grant = grant.clone();
    let work = async move {
        let port = url.port_or_known_default().unwrap_or(443);
        let found: Vec<IpAddr> = match url.host() {
            Some(url::Host::Ipv4(v4)) => vec![v4.into()],
            Some(url::Host::Ipv6(v6)) => vec![v6.into()],
            Some(url::Host::Domain(name)) => SystemLookup
                .lookup(name)
                .await
                .map_err(|error| format!("{name} cannot be resolved: {error}"))?,
            None => return Err("the URL names no host".to_owned()),
        };
        // Who sets a proxy grants its address.
        let allowed = if proxy.is_some() { found } else { judge_all(&grant, found).map_err(|no| no.0)? };
        let mut why = format!("{} has no address", url.host_str().unwrap_or_default());
        for address in allowed {
            let address = SocketAddr::new(address, port);
            match tokio::net::TcpStream::connect(address).await {
                Ok(_) => return Ok(Reached { address, proxy }),
                Err(error) => why = format!("no connection to {address}: {error}"),
            }
        }
        Err(why)
    };
    blocking(async move {
        tokio::time::timeout(patience, work)
            .await
            .unwrap_or_else(|_| Err(format!("no connection within {} s", patience.as_secs())))
    })?
}

/// Runs something to its end on a thread of its own.
fn blocking<T: Send>(work: impl Future<Output = T> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("telemetry-request".to_owned());
        let running = thread.spawn_scoped(scope, || {
            let runtime = runtime().map_err(|error| error.to_string())?;
            let result = runtime.block_on(work);
            // A name lookup may hang in the system's resolver; it is not waited for.
            runtime.shutdown_background();
            Ok(result)
        });
        let running = running.map_err(|error| format!("no thread: {error}"))?;
        running.join().unwrap_or_else(|_| Err("the request was given up".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::egress::door::Recorder;
    use crate::egress::grant::GrantSpec;

    fn grant(url: String, allow: &[&str]) -> Grant {
        let allow = allow.iter().map(|word| (*word).to_owned()).collect();
        Grant::parse(GrantSpec { endpoint: "erasure".into(), url, allow, ..GrantSpec::default() }).unwrap()
    }

    #[test]
    fn one_body_is_posted_exactly_at_the_granted_url() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/erase", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(b"{\"a\":1}") {
                let mut more = [0; 1024];
                let read = stream.read(&mut more).unwrap();
                assert_ne!(read, 0);
                seen.extend_from_slice(&more[..read]);
            }
            stream.write_all(b"HTTP/1.1 202 -\r\ncontent-length: 0\r\n\r\n").unwrap();
            String::from_utf8(seen).unwrap()
        });
        let grant = grant(url, &["http", "loopback"]);
        let answer = post_json(grant, Door::open(), Proxies::none(), "{\"a\":1}").unwrap();
        assert_eq!(answer.status, 202);
        let seen = server.join().unwrap();
        assert!(seen.starts_with("POST /erase HTTP/1.1\r\n"), "{seen}");
        assert!(seen.contains("content-type: application/json\r\n"), "{seen}");
    }

    #[test]
    fn an_address_that_is_not_granted_is_neither_posted_to_nor_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let grant = grant(format!("http://{}", listener.local_addr().unwrap()), &["http"]);
        let told = post_json(grant.clone(), Door::open(), Proxies::none(), "{}").unwrap_err();
        assert!(matches!(&told, PostError::NotSent(why) if why.contains("\"loopback\"")), "{told}");
        let told = reach(&grant, &Proxies::none(), Duration::from_secs(5)).unwrap_err();
        assert!(told.contains("\"loopback\""), "{told}");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "nobody came");
    }

    #[test]
    fn reaching_connects_and_sends_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let grant = grant(format!("http://{address}"), &["http", "loopback"]);
        let reached = reach(&grant, &Proxies::none(), Duration::from_secs(5)).unwrap();
        assert_eq!((reached.address, reached.proxy), (address, None));
        let (mut stream, _) = listener.accept().unwrap();
        assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0, "it only hung up");
        drop((stream, listener));
        let told = reach(&grant, &Proxies::none(), Duration::from_secs(5)).unwrap_err();
        assert!(told.contains("no connection"), "{told}");
    }

    #[test]
    fn a_recording_door_posts_nothing() {
        let recorder = Recorder::default();
        let grant = grant("https://erase.example.com/x".into(), &[]);
        post_json(grant, Door::Record(recorder.clone()), Proxies::none(), "{}").unwrap();
        assert_eq!(recorder.take()[0].url, "https://erase.example.com/x");
    }
}
