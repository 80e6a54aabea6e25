//! A loopback HTTP receiver: it answers every request with success and hands over what arrived.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver as Channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// More than any backend's limit; what is beyond is cut off.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// A request as it arrived.
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// As on the wire.
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The receiver. Dropping it ends it.
pub(crate) struct Receiver {
    server: Arc<tiny_http::Server>,
    address: SocketAddr,
    requests: Channel<Request>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Listens on a free port of the loopback interface.
    pub(crate) fn start() -> io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Listens at an address.
    pub(crate) fn start_at(address: SocketAddr) -> io::Result<Self> {
        let server = Arc::new(tiny_http::Server::http(address).map_err(io::Error::other)?);
        let address = server.server_addr().to_ip().ok_or_else(|| io::Error::other("no address"))?;
        let (hand_over, requests) = mpsc::channel();
        let listening = Arc::clone(&server);
        let thread = std::thread::spawn(move || {
            for mut incoming in listening.incoming_requests() {
                let mut body = Vec::new();
                let read = incoming.as_reader().take(MAX_BODY).read_to_end(&mut body);
                let request = Request {
                    method: incoming.method().to_string(),
                    target: incoming.url().to_owned(),
                    headers: incoming
                        .headers()
                        .iter()
                        .map(|header| (header.field.to_string().to_lowercase(), header.value.to_string()))
                        .collect(),
                    body,
                };
                // What was handed over has been answered: a sender that sees its answer late would
                // otherwise still hold the journal when the next step begins.
                let answered = incoming.respond(tiny_http::Response::empty(status_for(&request.target)));
                if read.is_ok() && answered.is_ok() && hand_over.send(request).is_err() {
                    return;
                }
            }
        });
        Ok(Self { server, address, requests, thread: Some(thread) })
    }

    /// The receiver's URL, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request, if one arrives in time.
    pub(crate) fn next(&self, within: Duration) -> Option<Request> {
        self.requests.recv_timeout(within).ok()
    }
}

/// The status with which each vendor says success.
fn status_for(target: &str) -> u16 {
    if target.starts_with("/api/v2/logs") { 202 } else { 200 }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
