//! A vendor on the loopback interface that answers as it is told, well or badly.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::PATIENCE;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// As in `POST /v1/logs HTTP/1.1`.
    pub line: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// As on the wire.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The body without its content coding.
    ///
    /// # Panics
    /// Where it is not what its header says.
    #[must_use]
    pub fn decoded(&self) -> Vec<u8> {
        match self.header("content-encoding") {
            Some("gzip") => {
                let mut plain = Vec::new();
                flate2::read::MultiGzDecoder::new(self.body.as_slice())
                    .read_to_end(&mut plain)
                    .expect("gzip");
                plain
            }
            None | Some("identity") => self.body.clone(),
            Some(other) => panic!("content coding {other}"),
        }
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is not JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.decoded()).expect("a JSON body")
    }
}

/// What the vendor does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This status, these headers, this body.
    Status(u16, Vec<(String, String)>, Vec<u8>),
    /// Nothing, for as long as the client waits.
    Hang,
    /// This status, once [`Vendor::release`] is called.
    WhenReleased(u16),
    /// The connection is cut without an answer.
    Reset,
    /// These bytes in place of an answer.
    Raw(Vec<u8>),
    /// 200, and everything that was in the request's head as the body and as headers: how a careless vendor
    /// gives a credential away.
    Echo,
}

impl Answer {
    /// A status and nothing more.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), Vec::new())
    }
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    script: VecDeque<Answer>,
    otherwise: Option<Answer>,
    released: bool,
    ended: bool,
}

/// The vendor. Dropping it closes its port.
pub struct Vendor {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Vendor {
    /// A vendor that answers 200 until told otherwise, on a free port.
    ///
    /// # Panics
    /// Where no port can be had.
    #[must_use]
    pub fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a loopback port"))
    }

    /// The same at an address that was another vendor's before: it is up again.
    ///
    /// # Panics
    /// Where the port is taken.
    #[must_use]
    pub fn start_at(address: SocketAddr) -> Self {
        Self::on(TcpListener::bind(address).expect("the same loopback port"))
    }

    fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("an address");
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if lock(&shared.0).ended {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, state }
    }

    /// A loopback address at which nobody answers.
    ///
    /// # Panics
    /// Where no port can be had.
    #[must_use]
    pub fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a loopback port")
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the next request like this.
    pub fn then(&self, answer: Answer) {
        lock(&self.state.0).script.push_back(answer);
    }

    /// Answers like this whenever nothing else was said.
    pub fn otherwise(&self, answer: Answer) {
        lock(&self.state.0).otherwise = Some(answer);
    }

    /// Lets go of every answer that waits for it, now and later.
    pub fn release(&self) {
        lock(&self.state.0).released = true;
        self.state.1.notify_all();
    }

    /// Everything that has arrived.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state.0).requests.clone()
    }

    /// Waits for this many requests in all.
    ///
    /// # Panics
    /// Where they do not arrive.
    #[must_use]
    pub fn wait_for(&self, count: usize) -> Vec<Request> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = lock(&self.state.0);
        while state.requests.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} requests arrived", state.requests.len());
            state = self.state.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.requests.clone()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        lock(&self.state.0).ended = true;
        self.state.1.notify_all();
        // Wakes the thread that accepts, so that it closes the port.
        let _ = TcpStream::connect(self.address);
    }
}

fn echo(request: &Request) -> Answer {
    let mut lines = vec![request.line.clone()];
    lines.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let headers = lines.iter().map(|line| ("x-echo".to_owned(), line.clone())).collect();
    Answer::Status(200, headers, lines.join("\n").into_bytes())
}

/// One connection, for as many requests as it carries.
fn serve(mut stream: TcpStream, shared: &(Mutex<State>, Condvar)) {
    let mut buffered = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffered) {
        let answer = {
            let mut state = lock(&shared.0);
            state.requests.push(request.clone());
            shared.1.notify_all();
            if state.ended {
                return;
            }
            state
                .script
                .pop_front()
                .or_else(|| state.otherwise.clone())
                .unwrap_or_else(|| Answer::status(200))
        };
        let answer = match answer {
            Answer::Echo => echo(&request),
            Answer::WhenReleased(status) => {
                let held = |state: &mut State| !state.released && !state.ended;
                drop(shared.1.wait_while(lock(&shared.0), held));
                Answer::status(status)
            }
            other => other,
        };
        match answer {
            // What they become is a status.
            Answer::Echo | Answer::WhenReleased(_) => return,
            Answer::Status(status, headers, body) => {
                let headers: String =
                    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
                if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
                    return;
                }
            }
            Answer::Hang => {
                // Until the client gives up, or the test is over.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(300)));
                let _ = stream.read(&mut [0; 64]);
                return;
            }
            Answer::Reset => {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
            Answer::Raw(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
        }
    }
}

fn read_request(stream: &mut TcpStream, buffered: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = buffered.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        more(stream, buffered)?;
    };
    let head = String::from_utf8_lossy(&buffered[..end]).into_owned();
    buffered.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let line = lines.next()?.to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request { line, headers, body: Vec::new() };
    let length: usize = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    assert!(request.header("transfer-encoding").is_none(), "the host buffers a request and knows its length");
    while buffered.len() < length {
        more(stream, buffered)?;
    }
    request.body = buffered.drain(..length).collect();
    Some(request)
}

fn more(stream: &mut TcpStream, buffered: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 16 * 1024];
    match stream.read(&mut chunk) {
        Ok(0) | Err(_) => None,
        Ok(read) => {
            buffered.extend_from_slice(&chunk[..read]);
            Some(())
        }
    }
}
