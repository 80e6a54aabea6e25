//! A failing or hostile network, seen from a batch: nothing is followed, believed or waited for without
//! bound, and the component is told what it may know.

mod support;
#[path = "network/tls.rs"]
mod tls;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::server::Server;
use support::{batch, context, grant, load, load_with, spec};
use telemetry_guests::Guest;
use telemetry_host::types::Outcome;
use telemetry_host::{
    Addresses, Backend, Component, Credential, Door, Grant, Limits, Lookup, Placement, Proxies, Secret, Setup,
};

const SECRET: &str = "s3cret-of-the-author";

fn keyed(url: &str) -> Grant {
    let mut spec = spec("intake", url, &["http", "loopback"]);
    spec.credential = Some(Credential { placement: Placement::Bearer, secret: Secret::new(SECRET) });
    Grant::parse(spec).unwrap()
}

/// What the component was told by one request through this grant.
fn told(component: &Component, grant: Grant, change: impl FnOnce(&mut Setup)) -> String {
    let mut setup = Setup::new("{}", Door::open()).grant(grant);
    change(&mut setup);
    let mut backend = Backend::start(component, setup).unwrap();
    match backend.send(&batch(1), &context()).unwrap() {
        Outcome::Delivered => "delivered".into(),
        // Some failures have no text of their own for the component; the author is told all the same.
        Outcome::Retry(advice) if advice.reason.is_empty() => {
            format!("retry: {}", backend.exchanges().last_failure.unwrap_or_default())
        }
        Outcome::Retry(advice) => format!("retry: {}", advice.reason),
        Outcome::Rejected(body) => format!("rejected: {body}"),
        other => panic!("{other:?}"),
    }
}

fn quick() -> Component {
    load(&Guest::with(|guest| guest.timeout_ms = Some(300))).unwrap()
}

/// The same where nothing but its own deadline ends a request soon: the host's limits are minutes.
fn hurried() -> Component {
    load_with(&Guest::with(|guest| guest.timeout_ms = Some(300)), |limits| {
        limits.request_time = Duration::from_secs(120);
        limits.call_time = Duration::from_secs(240);
    })
}

/// What it was told, if it did not take far longer than the deadline of the request.
fn told_in_time(grant: Grant, change: impl FnOnce(&mut Setup)) -> String {
    let component = hurried();
    let begun = Instant::now();
    let text = told(&component, grant, change);
    let took = begun.elapsed();
    // A hundred times the deadline, and a quarter of the host's own limit.
    assert!(took < Duration::from_secs(30), "{text}: {took:?}");
    text
}

fn small() -> Component {
    let change = |limits: &mut Limits| limits.response_bytes = 10_000;
    load_with(&Guest::with(|guest| guest.timeout_ms = Some(5_000)), change)
}

fn answered(component: &Component, answer: impl Into<Vec<u8>>) -> String {
    let server = Server::answering(answer);
    told(component, keyed(&server.url()), |_| ())
}

#[test]
fn a_port_that_nobody_listens_on_is_unreachable_and_says_so() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = told(&quick(), keyed(&format!("http://127.0.0.1:{port}")), |_| ());
    assert!(text.starts_with("retry: no connection: "), "{text}");
    assert!(text.contains("refused"), "{text}");
}

#[test]
fn a_server_that_says_nothing_trickles_or_never_ends_costs_the_deadline_and_no_more() {
    let silent = Server::scripted(|_, _| {
        std::thread::park();
        Ok(())
    });
    let drip = |stream: &mut std::net::TcpStream| loop {
        stream.write_all(b"x")?;
        // The pace is the attack: often enough to keep a per-read timeout from ever passing.
        std::thread::park_timeout(Duration::from_millis(20));
    };
    let slow_head = Server::scripted(move |stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nx-slow: ")?;
        drip(stream)
    });
    let slow_body = Server::scripted(move |stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")?;
        drip(stream)
    });
    for server in [silent, slow_head, slow_body] {
        assert_eq!(told_in_time(keyed(&server.url()), |_| ()), "retry: no answer in time");
    }
}

#[test]
fn an_answer_without_end_is_read_to_its_limit() {
    let endless = Server::scripted(|stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        loop {
            stream.write_all(&[b'x'; 4096])?;
        }
    });
    let mut setup = Setup::new("{}", Door::open()).grant(keyed(&endless.url()));
    setup.max_requests = Some(1);
    let mut backend = Backend::start(&small(), setup).unwrap();
    backend.send(&batch(1), &context()).unwrap();
    assert_eq!(
        backend.exchanges().last_failure.as_deref(),
        Some("the answer was bigger than the host reads")
    );
}

#[test]
fn answers_that_lie_break_or_explode_are_failures_and_not_deliveries() {
    let component = small();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let coded = |coding: &str, body: &[u8]| {
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend_from_slice(body);
        answer
    };
    let failed = "no answer: the request failed";
    let too_big = "the answer was bigger than the host reads";
    // What is told to the author; the component is told no more of it.
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("garbage", b"\x00\x01\x02 not http at all\r\n\r\n".to_vec(), failed),
        ("another protocol", b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec(), failed),
        ("a bad status", b"HTTP/1.1 2000 OK\r\n\r\n".to_vec(), failed),
        (
            "two lengths",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx".to_vec(),
            failed,
        ),
        ("a negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_vec(), failed),
        (
            "a length over 64 bits",
            b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n".to_vec(),
            failed,
        ),
        (
            "the longest length there is",
            b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n".to_vec(),
            failed,
        ),
        (
            "a bad chunk",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(),
            "no answer: the answer broke off",
        ),
        (
            "too big",
            [b"HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n".as_slice(), &[b'x'; 20_000]].concat(),
            too_big,
        ),
        ("a bomb", coded("gzip", &gzip(&vec![0; 1 << 20])), too_big),
        ("a broken coding", coded("gzip", b"this is no gzip"), "the answer cannot be decoded"),
        ("a coding not asked for", coded("br", b"x"), "the answer is coded as `br`"),
        (
            "headers without end",
            [b"HTTP/1.1 200 OK\r\n".as_slice(), "x: y\r\n".repeat(100_000).as_bytes(), b"\r\n"].concat(),
            failed,
        ),
    ];
    for (what, answer, expected) in cases {
        let server = Server::answering(answer);
        let setup = Setup::new("{}", Door::open()).grant(keyed(&server.url()));
        let mut backend = Backend::start(&component, setup).unwrap();
        let outcome = backend.send(&batch(1), &context()).unwrap();
        assert!(matches!(outcome, Outcome::Retry(_)), "{what}: {outcome:?}");
        let failure = backend.exchanges().last_failure.unwrap_or_default();
        assert!(failure.contains(expected), "{what}: {failure}");
    }
    for (answer, expected) in [
        (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), "delivered"),
        (coded("gzip", &gzip(b"{}")), "delivered"),
        (b"HTTP/1.1 418 no\r\ncontent-length: 5\r\n\r\nshort".to_vec(), "rejected: short"),
    ] {
        assert_eq!(answered(&component, answer), expected);
    }
}

#[test]
fn a_connection_that_breaks_in_the_middle_is_a_failure_and_is_not_tried_again_below() {
    for cut in [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
    ] {
        let server = Server::scripted(move |stream, _| {
            stream.write_all(cut.as_bytes())?;
            Err(std::io::Error::other("hang up"))
        });
        let text = told(&quick(), keyed(&server.url()), |_| ());
        let broken = ["retry: the request failed", "retry: the answer broke off"];
        assert!(broken.iter().any(|it| text.starts_with(it)), "{cut:?}: {text}");
        assert_eq!(server.seen().len(), 1, "{cut:?}: sent once");
    }
}

#[test]
fn what_a_server_says_beyond_its_answer_is_no_answer_to_the_next_request() {
    for answer in [
        // A length that is less than what comes.
        "HTTP/1.1 418 no\r\ncontent-length: 5\r\n\r\nfirst",
        // Two that disagree on where it ends, of which the chunks are right: with the other one, the second
        // answer would be a part of this.
        "HTTP/1.1 418 no\r\ncontent-length: 100\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n",
        // And with this one its end would be the beginning of the second answer.
        "HTTP/1.1 418 no\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n5\r\nfirst\r\n0\r\n\r\n",
    ] {
        let requests = AtomicUsize::new(0);
        let server = Server::scripted(move |stream, _| {
            // In one piece: both are there when the first one ends.
            stream.write_all(
                match requests.fetch_add(1, Ordering::SeqCst) {
                    0 => format!("{answer}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
                    _ => "HTTP/1.1 418 no\r\ncontent-length: 6\r\n\r\nsecond".to_owned(),
                }
                .as_bytes(),
            )
        });
        let setup = Setup::new("{}", Door::open()).grant(keyed(&server.url()));
        let mut backend = Backend::start(&small(), setup).unwrap();
        let mut send = || backend.send(&batch(1), &context()).unwrap();
        assert_eq!(send(), Outcome::Rejected("first".into()), "{answer}");
        assert_eq!(
            send(),
            Outcome::Rejected("second".into()),
            "the forged one says that it is delivered: {answer}"
        );
        assert_eq!((server.seen().len(), server.connections()), (2, 2), "{answer}");
    }
}

#[test]
fn a_request_that_a_used_connection_took_and_broke_under_is_not_sent_again_below() {
    let requests = AtomicUsize::new(0);
    let server = Server::scripted(move |stream, _| match requests.fetch_add(1, Ordering::SeqCst) {
        // A third one would be taken, and the second call would be a delivery.
        0 | 2.. => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        1 => Err(std::io::Error::other("hang up")),
    });
    let setup = Setup::new("{}", Door::open()).grant(keyed(&server.url()));
    let mut backend = Backend::start(&small(), setup).unwrap();
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    assert_eq!(server.connections(), 1);
    assert!(matches!(backend.send(&batch(1), &context()), Ok(Outcome::Retry(_))));
    assert_eq!((server.seen().len(), server.connections()), (2, 1));
    assert!(backend.exchanges().last_failure.is_some_and(|why| why.contains("the request failed")));
}

#[test]
fn a_redirect_is_an_answer_and_the_credential_does_not_follow_it() {
    let other = Server::ok();
    for status in ["301", "302", "303", "307", "308"] {
        let answer =
            format!("HTTP/1.1 {status} Go\r\nlocation: {}/\r\ncontent-length: 2\r\n\r\ngo", other.url());
        assert_eq!(answered(&quick(), answer), "rejected: go");
    }
    assert!(other.seen().is_empty());
}

#[test]
fn a_server_that_echoes_the_credential_does_not_tell_the_component() {
    let server = Server::scripted(|stream, request| {
        let body = format!("{:?}", request.headers);
        write!(stream, "HTTP/1.1 400 no\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    });
    let text = told(&quick(), keyed(&server.url()), |_| ());
    assert!(text.contains("Bearer ***") && !text.contains(SECRET), "{text}");
    assert_eq!(server.seen()[0].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
}

/// Answers name lookups from a list, one entry for each lookup.
struct Names(Vec<Vec<IpAddr>>, AtomicUsize);

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(answers.iter().map(parse).collect(), AtomicUsize::new(0)))
    }
}

impl Lookup for Names {
    fn lookup(&self, _: &str) -> Addresses {
        let number = self.1.fetch_add(1, Ordering::SeqCst);
        let answer = self.0.get(number).or(self.0.last()).cloned().unwrap_or_default();
        Box::pin(async move { Ok(answer) })
    }
}

#[test]
fn a_name_is_judged_by_the_addresses_that_are_dialled() {
    let server = Server::ok();
    let url = format!("http://vendor.example:{}", server.address.port());
    let only_http = || grant("intake", &url, &["http"]);
    let ask = |names: &[&[&str]]| {
        let names = Names::new(names);
        told(&quick(), only_http(), |setup| setup.lookup = names.clone())
    };
    for (address, word) in [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.0.0.1", "private"),
        ("192.168.1.1", "private"),
        ("fd00::1", "private"),
        ("169.254.169.254", "link-local"),
        ("fd00:ec2::254", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
    ] {
        let text = ask(&[&[address]]);
        let line = format!("add `allow = [\"http\", \"{word}\"]` under [endpoints.intake] in telemetry.toml");
        assert!(
            text.contains("endpoint \"intake\" leads to vendor.example (") && text.ends_with(&line),
            "{text}"
        );
    }
    for address in ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "2002:7f00:1::"] {
        assert!(ask(&[&[address]]).contains("no setting allows it"), "{address}");
    }
    assert!(server.seen().is_empty());
    // With the word it goes where the name leads.
    let allowed = grant("intake", &url, &["http", "loopback"]);
    let names = Names::new(&[&["127.0.0.1"]]);
    assert_eq!(told(&quick(), allowed, |setup| setup.lookup = names), "delivered");
    assert_eq!(
        server.seen()[0].header("host"),
        Some(format!("vendor.example:{}", server.address.port()).as_str())
    );
}

#[test]
fn a_name_that_changes_between_lookups_is_judged_each_time_it_is_dialled() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let url = format!("http://vendor.example:{}", server.address.port());
    let names = Names::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let mut setup = Setup::new("{}", Door::open()).grant(grant("intake", &url, &["http", "loopback"]));
    setup.lookup = names;
    let mut backend = Backend::start(&quick(), setup).unwrap();
    assert_eq!(backend.send(&batch(1), &context()).unwrap(), Outcome::Delivered);
    assert!(matches!(backend.send(&batch(1), &context()).unwrap(), Outcome::Retry(_)));
    assert!(backend.exchanges().last_denial.unwrap().contains("169.254.169.254"));
    // One good address among bad ones: only the good one is dialled.
    let names = Names::new(&[&["169.254.169.254", "10.0.0.1", "127.0.0.1"]]);
    let loopback = grant("intake", &url, &["http", "loopback"]);
    assert_eq!(told(&quick(), loopback, |setup| setup.lookup = names), "delivered");
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_resolver_that_hangs_or_fails_costs_the_deadline_and_no_more() {
    struct Hangs;
    impl Lookup for Hangs {
        fn lookup(&self, _: &str) -> Addresses {
            Box::pin(std::future::pending())
        }
    }
    struct Fails;
    impl Lookup for Fails {
        fn lookup(&self, name: &str) -> Addresses {
            let text = format!("no such name: {name}");
            Box::pin(async move { Err(std::io::Error::other(text)) })
        }
    }
    let vendor = || grant("intake", "https://vendor.example", &[]);
    let hung = told_in_time(vendor(), |setup| setup.lookup = Arc::new(Hangs));
    assert_eq!(hung, "retry: no answer in time");
    let text = told(&quick(), vendor(), |setup| setup.lookup = Arc::new(Fails));
    assert!(text.contains("no such name: vendor.example"), "{text}");
    let text = told(&quick(), vendor(), |setup| setup.lookup = Names::new(&[&[]]));
    assert!(text.starts_with("retry: no connection"), "{text}");
}

#[test]
fn a_permit_that_blocks_costs_the_deadline_and_nothing_is_sent() {
    let server = Server::ok();
    let (_hold, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let door = Door::Network(Arc::new(move |_| {
        let _ = held.lock().unwrap().recv();
        Ok(Box::new(()))
    }));
    let blocked = told_in_time(keyed(&server.url()), |setup| setup.door = door);
    assert_eq!(blocked, "retry: no answer in time");
    assert!(server.seen().is_empty());
}

#[test]
fn a_proxy_of_the_environment_is_used_at_its_own_address_and_not_for_excepted_hosts() {
    let proxy = Server::ok();
    let proxies = |no: Option<&str>| {
        let (address, no) = (proxy.url().replace("http://", "http://user:pass@"), no.map(str::to_owned));
        Proxies::from_lookup(move |name| match name {
            "HTTP_PROXY" => Some(address.clone()),
            "NO_PROXY" => no.clone(),
            _ => None,
        })
    };
    // The proxy is on the loopback, which the grant does not allow: its setting does.
    let vendor = || grant("intake", "http://vendor.example", &["http"]);
    let unasked = Arc::new(Names(Vec::new(), AtomicUsize::new(0)));
    let (lookup, settings) = (unasked.clone(), proxies(None));
    let through = told(&quick(), vendor(), |setup| {
        setup.proxies = settings;
        setup.lookup = lookup;
    });
    assert_eq!(through, "delivered");
    assert_eq!(proxy.seen()[0].line, "POST http://vendor.example/v1/logs HTTP/1.1");
    assert_eq!(proxy.seen()[0].header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(unasked.1.load(Ordering::SeqCst), 0, "behind a proxy names are the proxy's to judge");

    let direct = Server::ok();
    let url = format!("http://vendor.example:{}", direct.address.port());
    let allowed = || spec("intake", &url, &["http", "loopback"]);
    let settings = proxies(Some("other.example, .vendor.example, vendor.example"));
    let text = told(&quick(), Grant::parse(allowed()).unwrap(), |setup| {
        setup.proxies = settings;
        setup.lookup = Names::new(&[&["127.0.0.1"]]);
    });
    assert_eq!(text, "delivered");
    let mut forbidding = allowed();
    forbidding.no_proxy = true;
    let settings = proxies(None);
    let text = told(&quick(), Grant::parse(forbidding).unwrap(), |setup| {
        setup.proxies = settings;
        setup.lookup = Names::new(&[&["127.0.0.1"]]);
    });
    assert_eq!(text, "delivered");
    assert_eq!((direct.seen().len(), proxy.seen().len()), (2, 1));
}

#[test]
fn an_address_that_was_not_granted_is_denied_through_a_proxy_too() {
    let proxy = Server::ok();
    let address = proxy.url();
    let text = told(&quick(), grant("intake", "http://169.254.169.254", &["http"]), |setup| {
        setup.proxies = Proxies { http: Some(address), ..Proxies::none() };
    });
    assert!(text.contains("\"link-local\""), "{text}");
    assert!(proxy.seen().is_empty());
}

#[test]
fn an_https_request_goes_through_a_proxy_by_connect_and_its_password_is_not_shown() {
    let proxy = Server::answering("HTTP/1.1 502 no\r\ncontent-length: 0\r\n\r\n");
    let address = proxy.url().replace("http://", "http://user:hunter22@");
    let text = told(&quick(), grant("intake", "https://vendor.example", &[]), |setup| {
        setup.proxies = Proxies { https: Some(address), ..Proxies::none() };
    });
    assert_eq!(proxy.seen()[0].line, "CONNECT vendor.example:443 HTTP/1.1");
    assert!(text.starts_with("retry: no connection") && !text.contains("hunter22"), "{text}");
    assert!(proxy.seen()[0].header("authorization").is_none());
}

#[test]
fn the_httpoxy_header_is_no_proxy() {
    let proxies = Proxies::from_lookup(|name| match name {
        "HTTP_PROXY" => Some("http://evil.example".into()),
        "REQUEST_METHOD" => Some("GET".into()),
        _ => None,
    });
    assert_eq!(proxies, Proxies::none());
}
