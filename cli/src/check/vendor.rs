//! A vendor on the loopback interface that answers as it is told, well or badly: what no HTTP server
//! crate does.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the vendor does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// This status, these headers, this body.
    Status(u16, Vec<(String, String)>, Vec<u8>),
    /// Nothing, for as long as the client waits.
    Hang,
    /// The connection is cut without an answer.
    Reset,
    /// These bytes in place of an answer.
    Raw(Vec<u8>),
}

impl Answer {
    /// A status and nothing more.
    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), Vec::new())
    }

    /// A status and a header.
    pub(crate) fn with(status: u16, name: &str, value: &str) -> Self {
        Self::Status(status, vec![(name.into(), value.into())], Vec::new())
    }

    /// A status and a body of this type.
    pub(crate) fn body(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Status(status, vec![("content-type".into(), media_type.into())], body.into())
    }
}

struct State {
    answer: Answer,
    ended: bool,
}

/// The vendor. Dropping it closes its port.
pub(crate) struct Vendor {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Vendor {
    /// A vendor on a free port.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { answer: Answer::status(200), ended: false }));
        let shared = Arc::clone(&state);
        std::thread::Builder::new().name("vendor".into()).spawn(move || {
            for stream in listener.incoming().flatten() {
                if lock(&shared).ended {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A client that goes away ends the connection, and nothing else.
                    let _ = serve(stream, &shared);
                });
            }
        })?;
        Ok(Self { address, state })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers like this from now on.
    pub(crate) fn answers(&self, answer: Answer) {
        lock(&self.state).answer = answer;
    }

    /// A URL at which nobody answers.
    pub(crate) fn nobody() -> io::Result<String> {
        Ok(format!("http://{}", TcpListener::bind("127.0.0.1:0")?.local_addr()?))
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        lock(&self.state).ended = true;
        // Wakes the thread that accepts, so that it closes the port.
        let _ = TcpStream::connect(self.address);
    }
}

/// One connection, for as many requests as it carries.
fn serve(mut stream: TcpStream, shared: &Mutex<State>) -> io::Result<()> {
    let mut buffered = Vec::new();
    while read_request(&mut stream, &mut buffered)? {
        let answer = lock(shared).answer.clone();
        match answer {
            Answer::Status(status, headers, body) => {
                let headers: String =
                    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
                stream.write_all(head.as_bytes())?;
                stream.write_all(&body)?;
            }
            Answer::Hang => {
                // Until the client gives up.
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                let _ = stream.read(&mut [0; 64]);
                return Ok(());
            }
            Answer::Reset => return stream.shutdown(Shutdown::Both),
            Answer::Raw(bytes) => return stream.write_all(&bytes),
        }
    }
    Ok(())
}

/// Reads one request, whose length the host always gives, and forgets it: what left is known from the
/// host's gate.
fn read_request(stream: &mut TcpStream, buffered: &mut Vec<u8>) -> io::Result<bool> {
    let end = loop {
        if let Some(end) = buffered.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if !more(stream, buffered)? {
            return Ok(false);
        }
    };
    let head = String::from_utf8_lossy(buffered.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.and_then(|it| it.trim().parse().ok()).unwrap_or(0);
    while buffered.len() < end + length {
        if !more(stream, buffered)? {
            return Ok(false);
        }
    }
    buffered.drain(..end + length);
    Ok(true)
}

fn more(stream: &mut TcpStream, buffered: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 16 * 1024];
    let read = stream.read(&mut chunk)?;
    buffered.extend_from_slice(chunk.get(..read).unwrap_or_default());
    Ok(read > 0)
}
