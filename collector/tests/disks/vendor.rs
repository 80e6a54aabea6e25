//! A vendor on the loopback that counts its requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The ids of each request, in order.
type Requests = Arc<Mutex<Vec<Vec<String>>>>;

pub(crate) struct Vendor {
    pub(crate) address: SocketAddr,
    requests: Requests,
}

impl Vendor {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Requests::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A sender that is killed in the middle sends no request.
                let _ = stream.and_then(|stream| answer(stream, &seen));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Vec<String>> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.requests().concat()
    }
}

fn answer(mut stream: TcpStream, seen: &Requests) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let ids = String::from_utf8(body).unwrap().lines().map(str::to_owned).collect();
    seen.lock().unwrap().push(ids);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}
