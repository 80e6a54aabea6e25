//! A vendor that speaks TLS, its authority, and a proxy that makes a tunnel to it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// Who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// What `ca_file` names.
    pub fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// What `client_certificate` names.
    pub fn identity(&self, name: &str) -> Vec<u8> {
        let (certificate, key) = self.issue(name);
        format!("{}{}", certificate.pem(), key.serialize_pem()).into_bytes()
    }
}

/// The head of a request: its first line, and the rest.
#[derive(Clone, Debug)]
pub struct Head {
    pub line: String,
    pub headers: String,
}

/// Heads of requests, and the port that they came to.
pub struct Listening {
    pub port: u16,
    seen: Arc<Mutex<Vec<Head>>>,
}

impl Listening {
    pub fn seen(&self) -> Vec<Head> {
        self.seen.lock().unwrap().clone()
    }

    fn start(each: impl Fn(TcpStream, &Mutex<Vec<Head>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Head>>> = Arc::default();
        let (shared, each) = (Arc::clone(&seen), Arc::new(each));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, each) = (Arc::clone(&shared), Arc::clone(&each));
                std::thread::spawn(move || each(stream, &shared));
            }
        });
        Self { port, seen }
    }
}

/// A request up to its body, and how long that is.
fn head(stream: &mut impl Read) -> Option<(Head, usize)> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let text = String::from_utf8(bytes).ok()?;
    let (line, headers) = text.split_once("\r\n")?;
    let headers = headers.to_ascii_lowercase();
    let length = headers.lines().find_map(|it| it.strip_prefix("content-length: ")?.trim().parse().ok());
    Some((Head { line: line.to_owned(), headers: text.clone() }, length.unwrap_or(0)))
}

/// A vendor of this name that answers 200, to clients of this authority only if there is one.
pub fn vendor(authority: &Authority, name: &str, clients: Option<&Authority>) -> Listening {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (certificate, key) = authority.issue(name);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap());
    Listening::start(move |stream, seen| {
        let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        while let Some((head, length)) = head(&mut tls) {
            if tls.read_exact(&mut vec![0; length]).is_err() {
                return;
            }
            seen.lock().unwrap().push(head);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            if tls.write_all(answer).and_then(|()| tls.flush()).is_err() {
                return;
            }
        }
    })
}

/// A proxy that makes a tunnel to this port of the loopback, whatever name it is asked for: its own idea of
/// what names mean.
pub fn proxy(to: u16) -> Listening {
    Listening::start(move |mut stream, seen| {
        let Some((head, _)) = head(&mut stream) else { return };
        let tunnel = head.line.starts_with("CONNECT ");
        seen.lock().unwrap().push(head);
        if !tunnel || stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_err() {
            return;
        }
        let Ok(there) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { return };
        let (mut from, mut into) = (stream.try_clone().unwrap(), there.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut into);
            let _ = into.shutdown(Shutdown::Write);
        });
        let (mut from, mut into) = (there, stream);
        let _ = std::io::copy(&mut from, &mut into);
        let _ = into.shutdown(Shutdown::Write);
    })
}
