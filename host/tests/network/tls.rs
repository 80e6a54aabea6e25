//! Certificates: whose are trusted, and who is shown one.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }
}

/// A TLS server for `vendor.example` that answers 200 and counts the requests that it could read.
fn serve(authority: &Authority, clients: Option<&Authority>) -> (u16, Arc<Mutex<u32>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (certificate, key) = authority.issue("vendor.example");
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::new(Mutex::new(0));
    let count = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(connection, stream);
            if support::server::read_request(&mut tls).is_some() {
                *count.lock().unwrap() += 1;
                let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = tls.flush();
            }
        }
    });
    (port, served)
}

fn slow() -> Component {
    load(&Guest::default().component()).unwrap()
}

fn through(name: &str, port: u16, ca: Option<Vec<u8>>, identity: Option<Vec<u8>>) -> String {
    let mut spec = spec("intake", &format!("https://{name}:{port}"), &["loopback"]);
    (spec.ca_pem, spec.identity_pem) = (ca, identity);
    told(&slow(), Grant::parse(spec).unwrap(), |setup| setup.lookup = Names::new(&[&["127.0.0.1"]]))
}

#[test]
fn a_private_authority_is_trusted_where_it_is_granted_and_for_its_names_only() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (port, served) = serve(&authority, None);
    assert_eq!(through("vendor.example", port, Some(authority.pem()), None), "delivered");
    assert_eq!(*served.lock().unwrap(), 1);
    for (name, ca) in [
        ("vendor.example", None),
        ("vendor.example", Some(stranger.pem())),
        ("other.example", Some(authority.pem())),
    ] {
        let text = through(name, port, ca, None);
        assert!(text.starts_with("retry: no connection") && text.contains("certificate"), "{text}");
    }
    assert_eq!(*served.lock().unwrap(), 1, "nothing was sent before the certificate was right");
}

#[test]
fn a_client_certificate_is_part_of_a_grant() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (port, served) = serve(&authority, Some(&clients));
    let (certificate, key) = clients.issue("greet");
    let identity = format!("{}{}", certificate.pem(), key.serialize_pem()).into_bytes();
    assert_eq!(through("vendor.example", port, Some(authority.pem()), Some(identity.clone())), "delivered");
    let without = through("vendor.example", port, Some(authority.pem()), None);
    assert!(without.starts_with("retry: the request failed"), "{without}");
    assert_eq!(*served.lock().unwrap(), 1);
    let mut spec = spec("intake", "https://vendor.example", &[]);
    spec.identity_pem = Some(identity);
    assert!(!format!("{:?}", Grant::parse(spec).unwrap()).contains("PRIVATE"));
}

#[test]
fn certificates_of_a_grant_are_not_for_an_https_proxy() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (certificate, key) = clients.issue("greet");
    let identity = format!("{}{}", certificate.pem(), key.serialize_pem()).into_bytes();
    // Listens, and would see a handshake.
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("https://user:hunter22@{}", proxy.local_addr().unwrap());
    for (url, ca, identity) in [
        ("https://vendor.example", Some(authority.pem()), None),
        ("https://vendor.example", None, Some(identity.clone())),
        ("http://vendor.example", Some(authority.pem()), Some(identity)),
    ] {
        let mut spec = spec("intake", url, &["http"]);
        (spec.ca_pem, spec.identity_pem) = (ca, identity);
        let text = told(&slow(), Grant::parse(spec).unwrap(), |setup| {
            setup.proxies =
                Proxies { https: Some(address.clone()), http: Some(address.clone()), ..Proxies::none() };
        });
        assert_eq!(
            text,
            format!(
                "retry: endpoint \"intake\" has certificates of its own (`ca_file`, `client_certificate`), \
                 which are not for the proxy https://{}: use a proxy that is reached by http, or add \
                 `proxy = false` under [endpoints.intake] in telemetry.toml",
                proxy.local_addr().unwrap()
            )
        );
    }
    let nobody = proxy.accept().map(|(_, from)| from).map_err(|error| error.kind());
    assert_eq!(nobody, Err(std::io::ErrorKind::WouldBlock));
}

#[test]
fn what_is_no_certificate_is_refused_when_the_grant_is_read() {
    for (ca, identity) in [
        (Some("nonsense"), None),
        (Some("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"), None),
        (None, Some("nonsense")),
    ] {
        let mut spec = spec("intake", "https://vendor.example", &[]);
        spec.ca_pem = ca.map(|text| text.as_bytes().to_vec());
        spec.identity_pem = identity.map(|text| text.as_bytes().to_vec());
        let error = Grant::parse(spec).unwrap_err().to_string();
        assert!(
            error.starts_with("[endpoints.intake] ca:") || error.starts_with("[endpoints.intake] identity:")
        );
    }
}

#[test]
fn plain_text_where_tls_is_expected_is_no_answer() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        let mut received = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut received);
        told.send(received).unwrap();
    });
    let text =
        super::told(&slow(), grant("intake", &format!("https://127.0.0.1:{port}"), &["loopback"]), |_| ());
    assert!(text.starts_with("retry: no connection"), "{text}");
    // What it was sent is a handshake and nothing of the request.
    let received = heard.recv().unwrap();
    assert!(!received.windows(8).any(|bytes| bytes == b"/v1/logs"), "{received:?}");
}
