//! Spellings and verdicts: addresses, granted URLs, paths, queries, headers.

use super::address::{Class, classify};
use super::coding::Coding;
use super::grant::{Credential, Grant, GrantSpec, Placement};
use super::request::{Asked, Prepared, Refusal};
use super::secret::Secret;
use super::target::{Secrets, build, check_path};
use crate::limits::Limits;

const ADDRESSES: [(&str, Class); 96] = [
    ("fd00:ec2::23", Class::LinkLocal),
    ("fd20:ce::254", Class::LinkLocal),
    ("fd20:ce::255", Class::Private),
    ("fd00:c1::a9fe:a9fe", Class::LinkLocal),
    ("fd00:42::42", Class::LinkLocal),
    ("fd00:100::100:200", Class::LinkLocal),
    ("fd00:a9fe:a9fe::1", Class::LinkLocal),
    ("fd00:a9fe:a9fe::2", Class::Private),
    ("1.1.1.1", Class::Public),
    ("8.8.8.8", Class::Public),
    ("9.255.255.255", Class::Public),
    ("11.0.0.0", Class::Public),
    ("100.63.255.255", Class::Public),
    ("100.128.0.0", Class::Public),
    ("126.255.255.255", Class::Public),
    ("128.0.0.1", Class::Public),
    ("169.253.255.255", Class::Public),
    ("169.255.0.0", Class::Public),
    ("172.15.255.255", Class::Public),
    ("172.32.0.0", Class::Public),
    ("192.167.255.255", Class::Public),
    ("192.169.0.0", Class::Public),
    ("198.17.255.255", Class::Public),
    ("198.20.0.0", Class::Public),
    ("223.255.255.255", Class::Public),
    ("127.0.0.1", Class::Loopback),
    ("127.255.255.254", Class::Loopback),
    ("127.1.2.3", Class::Loopback),
    ("10.0.0.0", Class::Private),
    ("10.255.255.255", Class::Private),
    ("172.16.0.1", Class::Private),
    ("172.31.255.255", Class::Private),
    ("192.168.0.1", Class::Private),
    ("192.168.255.255", Class::Private),
    ("100.64.0.1", Class::Private),
    ("100.127.255.255", Class::Private),
    ("198.18.0.1", Class::Private),
    ("198.19.255.255", Class::Private),
    ("169.254.0.1", Class::LinkLocal),
    ("169.254.169.254", Class::LinkLocal),
    ("169.254.170.2", Class::LinkLocal),
    ("100.100.100.200", Class::LinkLocal),
    ("168.63.129.16", Class::LinkLocal),
    ("192.0.0.192", Class::LinkLocal),
    ("0.0.0.0", Class::Never),
    ("0.0.0.1", Class::Never),
    ("0.255.255.255", Class::Never),
    ("192.0.0.1", Class::Never),
    ("192.0.2.1", Class::Never),
    ("198.51.100.1", Class::Never),
    ("203.0.113.1", Class::Never),
    ("192.88.99.1", Class::Never),
    ("224.0.0.1", Class::Never),
    ("239.255.255.250", Class::Never),
    ("240.0.0.1", Class::Never),
    ("255.255.255.255", Class::Never),
    ("2606:4700:4700::1111", Class::Public),
    ("2a00:1450:4001:82a::200e", Class::Public),
    ("2001:4860:4860::8888", Class::Public),
    ("2003::1", Class::Public),
    ("::1", Class::Loopback),
    ("0:0:0:0:0:0:0:1", Class::Loopback),
    ("::ffff:127.0.0.1", Class::Loopback),
    ("::ffff:7f00:1", Class::Loopback),
    ("64:ff9b::127.0.0.1", Class::Loopback),
    ("64:ff9b::7f00:1", Class::Loopback),
    ("2606:4700::5efe:127.0.0.1", Class::Loopback),
    ("::ffff:8.8.8.8", Class::Public),
    ("64:ff9b::8.8.8.8", Class::Public),
    ("::ffff:10.1.2.3", Class::Private),
    ("::ffff:192.168.1.1", Class::Private),
    ("64:ff9b::10.0.0.1", Class::Private),
    ("64:ff9b:1::1", Class::Private),
    ("fc00::1", Class::Private),
    ("fd12:3456:789a::1", Class::Private),
    ("fec0::1", Class::Private),
    ("2606:4700::200:5efe:10.0.0.1", Class::Private),
    ("fe80::1", Class::LinkLocal),
    ("febf::1", Class::LinkLocal),
    ("fd00:ec2::254", Class::LinkLocal),
    ("::ffff:169.254.169.254", Class::LinkLocal),
    ("::ffff:a9fe:a9fe", Class::LinkLocal),
    ("64:ff9b::a9fe:a9fe", Class::LinkLocal),
    ("::", Class::Never),
    ("::ffff:0.0.0.0", Class::Never),
    ("::127.0.0.1", Class::Never),
    ("::8.8.8.8", Class::Never),
    ("::ffff:0:127.0.0.1", Class::Never),
    ("100::1", Class::Never),
    ("2001::7f00:1", Class::Never),
    ("2001:db8::1", Class::Never),
    ("2002:7f00:1::", Class::Never),
    ("2002:a9fe:a9fe::1", Class::Never),
    ("3fff::1", Class::Never),
    ("ff02::1", Class::Never),
    ("5f00::1", Class::Never),
];

#[test]
fn every_spelling_of_an_address_has_its_class() {
    for (text, class) in ADDRESSES {
        assert_eq!(classify(text.parse().unwrap()), class, "{text}");
    }
}

fn spec(url: &str) -> GrantSpec {
    GrantSpec { endpoint: "intake".into(), url: url.into(), ..GrantSpec::default() }
}

const GRANTED: [&str; 14] = [
    "https://otel.example.com",
    "https://otel.example.com/",
    "HTTPS://OTEL.example.com/v1",
    "https://otel.example.com:443/v1",
    "https://otel.example.com:8443/v1/",
    "https://otel.example.com/a%20b/c",
    "https://8.8.8.8/",
    "https://127.0.0.1:4318",
    "https://[2606:4700::1111]/",
    "https://[::1]:4318/v1",
    "https://xn--bcher-kva.example/",
    "https://localhost/",
    "https://a-b.c_d.example/",
    "https://otel.example.com./",
];

/// What a text without a scheme is told.
const NO_SCHEME: &str = "url: is scheme, host, port and path, as in";

/// With what the author is told.
const NOT_GRANTED: [(&str, &str); 41] = [
    ("", NO_SCHEME),
    ("otel.example.com", NO_SCHEME),
    ("//otel.example.com", NO_SCHEME),
    ("ftp://otel.example.com", "url: the scheme is https or http; it is"),
    ("file:///etc/passwd", "url: the scheme is https or http; it is"),
    ("javascript:alert(1)", NO_SCHEME),
    ("https:otel.example.com", NO_SCHEME),
    ("https:/otel.example.com", NO_SCHEME),
    ("https:///otel.example.com", "url: write the host and port as `otel.example.com`,"),
    ("https://", "url: empty host; it is"),
    (
        "http://otel.example.com",
        "url: http sends everything in the clear; use https, or add `allow = [\"http\"]` under",
    ),
    ("https://user@otel.example.com", "url: must hold no user name or password; use `credential`"),
    ("https://user:pass@otel.example.com", "url: must hold no user name or password; use `credential`"),
    ("https://otel.example.com@evil.example", "url: must hold no user name or password; use `credential`"),
    ("https://otel.example.com%40evil.example", "url: invalid international domain name; it is"),
    ("https://otel.example.com\\@evil.example", "url: holds the character U+005C,"),
    ("https:\\\\otel.example.com", "url: holds the character U+005C,"),
    ("https://otel.example.com?x=1", "url: must hold no `?` or `#`"),
    ("https://otel.example.com/#x", "url: must hold no `?` or `#`"),
    ("https://otel.example.com#@evil.example", "url: must hold no `?` or `#`"),
    ("https://otel.example.com /", "url: holds the character U+0020,"),
    (" https://otel.example.com", "url: holds the character U+0020,"),
    ("https://otel.example.com\t", "url: holds the character U+0009,"),
    ("https://otel.exa\nmple.com", "url: holds the character U+000A,"),
    ("https://otel.example.com\0", "url: holds the character U+0000,"),
    ("https://otel.example.com:0", "url: port 0 is no port"),
    ("https://otel.example.com:99999", "url: invalid port number; it is"),
    ("https://otel.example.com:", "url: write the host and port as `otel.example.com`,"),
    ("https://otel.example.com:443x", "url: invalid port number; it is"),
    ("https://2130706433/", "url: write the host and port as `127.0.0.1`,"),
    ("https://0x7f000001/", "url: write the host and port as `127.0.0.1`,"),
    ("https://0x7f.1/", "url: write the host and port as `127.0.0.1`,"),
    ("https://0177.0.0.1/", "url: write the host and port as `127.0.0.1`,"),
    ("https://127.1/", "url: write the host and port as `127.0.0.1`,"),
    ("https://127.0.0.1./", "url: write the host and port as `127.0.0.1`,"),
    ("https://[::ffff:127.0.0.1]/", "url: write the host and port as `[::ffff:7f00:1]`,"),
    ("https://[fe80::1%25eth0]/", "url: invalid IPv6 address; it is"),
    ("https://%31%32%37.0.0.1/", "url: write the host and port as `127.0.0.1`,"),
    ("https://bücher.example/", "which a URL cannot; write an international name in its `xn--` form"),
    ("https://１２７.0.0.1/", "which a URL cannot; write an international name in its `xn--` form"),
    ("https://otel.example.com/a/../b", "url: the path must not hold `.` or `..` segments"),
];

#[test]
fn a_url_is_granted_in_one_spelling_only() {
    for url in GRANTED {
        Grant::parse(spec(url)).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
    for (url, why) in NOT_GRANTED {
        match Grant::parse(spec(url)) {
            Err(error) => assert!(error.message.contains(why), "{url:?}: {error}"),
            Ok(grant) => panic!("{url:?} was granted as {}", grant.url()),
        }
    }
}

const PATHS: [&str; 14] = [
    "",
    "/",
    "/v1/logs",
    "/api/v2/logs",
    "/a//b",
    "/a%2Fb",
    "/a%20b",
    "/...",
    "/.well-known/x",
    "/a..b/c.",
    "/a;v=1/b",
    "/@user:pass",
    "/https://evil.example",
    "/é",
];

const BAD_PATHS: [&str; 45] = [
    "v1/logs",
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "\\\\evil.example",
    "/\\evil.example",
    "@evil.example/",
    ":8080/",
    ".evil.example/",
    "?x=1",
    "#x",
    "/a?x=1",
    "/a#x",
    "/..",
    "/../x",
    "/a/../../x",
    "/a/..",
    "/.",
    "/a/./b",
    "/%2e%2e/x",
    "/%2E%2E",
    "/.%2e/x",
    "/%2e/x",
    "/a%2f..%2fb",
    "/a/..%2fb",
    "/..%5cb",
    "/a%5cb",
    "/%252e%252e/x",
    "/%25252e%25252e/x",
    "/%2525252525252e/x",
    "/..;/x",
    "/..;a=b/x",
    "/%2e%2e;/x",
    "/a%00b",
    "/a%0d%0aHost:%20evil",
    "/a\r\nHost: evil",
    "/a%",
    "/a%zz",
    "/%c0%ae%c0%ae/x",
    "/%e0%80%ae%e0%80%ae/x",
    "/%25c0%25ae%25c0%25ae/x",
    "/．．/x",
    "/%ef%bc%8e%ef%bc%8e/x",
    "/‥/x",
    "/a／..／b",
];

#[test]
fn a_path_stays_below_what_was_granted() {
    let grant = Grant::parse(spec("https://otel.example.com/base/")).unwrap();
    for path in PATHS {
        let url =
            build(&grant, path, &[], Secrets::Shown).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert!(url.starts_with("https://otel.example.com/base/") || path.is_empty(), "{path:?}: {url}");
        assert_eq!(url::Url::parse(&url).unwrap().host_str(), Some("otel.example.com"));
    }
    for path in BAD_PATHS {
        assert!(check_path(path).is_err(), "{path:?} was let through");
        assert!(build(&grant, path, &[], Secrets::Shown).is_err(), "{path:?} was built");
    }
    assert!(ADDRESSES.len() + GRANTED.len() + NOT_GRANTED.len() + PATHS.len() + BAD_PATHS.len() >= 120);
}

#[test]
fn prefix_and_path_are_joined_with_one_slash() {
    let cases = [
        ("https://h.example", "", "https://h.example/"),
        ("https://h.example", "/v1", "https://h.example/v1"),
        ("https://h.example/", "/v1", "https://h.example/v1"),
        ("https://h.example/a", "", "https://h.example/a"),
        ("https://h.example/a/", "", "https://h.example/a/"),
        ("https://h.example/a", "/v1", "https://h.example/a/v1"),
        ("https://h.example/a/", "/v1/", "https://h.example/a/v1/"),
    ];
    for (base, path, expected) in cases {
        assert_eq!(build(&Grant::parse(spec(base)).unwrap(), path, &[], Secrets::Shown).unwrap(), expected);
    }
}

fn with_credential(placement: Placement, secret: &str) -> Result<Grant, super::grant::GrantError> {
    let mut spec = spec("https://h.example/base");
    spec.credential = Some(Credential { placement, secret: Secret::new(secret) });
    Grant::parse(spec)
}

#[test]
fn a_credential_in_a_url_is_encoded_and_masked() {
    let query = with_credential(Placement::Query { name: "dd-api-key".into() }, "a&b=c/é").unwrap();
    let pairs = [("x".to_owned(), "1".to_owned())];
    let shown = build(&query, "/p", &pairs, Secrets::Shown).unwrap();
    assert_eq!(shown, "https://h.example/base/p?x=1&dd-api-key=a%26b%3Dc%2F%C3%A9");
    let masked = build(&query, "/p", &pairs, Secrets::Masked).unwrap();
    assert_eq!(masked, "https://h.example/base/p?x=1&dd-api-key=***");
    let taken = [("DD-API-KEY".to_owned(), "mine".to_owned())];
    assert!(build(&query, "/p", &taken, Secrets::Shown).is_err());

    let path = with_credential(Placement::Path, "T0/../x").unwrap();
    assert_eq!(build(&path, "/p", &[], Secrets::Masked).unwrap(), "https://h.example/base/***/p");
    assert_eq!(build(&path, "/p", &[], Secrets::Shown).unwrap(), "https://h.example/base/T0%2F..%2Fx/p");
}

#[test]
fn a_credential_that_could_break_a_request_is_no_credential() {
    let header = |name: &str| Placement::Header { name: name.into(), prefix: String::new() };
    for (placement, secret) in [
        (Placement::Bearer, ""),
        (Placement::Bearer, "  \n"),
        (Placement::Bearer, "a\r\nHost: evil"),
        (Placement::Bearer, "a\0b"),
        (Placement::Bearer, "schlüssel"),
        (header("Host"), "x"),
        (header("content-length"), "x"),
        (header("transfer_encoding"), "x"),
        (header("a b"), "x"),
        (header(""), "x"),
        (Placement::Basic { user: "a:b".into() }, "x"),
        (Placement::Query { name: String::new() }, "x"),
        (Placement::Path, ".."),
    ] {
        assert!(with_credential(placement.clone(), secret).is_err(), "{placement:?} {secret:?}");
    }
    assert!(
        with_credential(Placement::Bearer, "from-a-file\n").is_ok(),
        "a file's last line break is no part of it"
    );
}

fn asked() -> Asked {
    Asked {
        endpoint: "intake".into(),
        method: "POST",
        path: "/v1".into(),
        query: Vec::new(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
        coding: Coding::Identity,
        timeout: None,
    }
}

fn prepare(grant: &Grant, change: impl FnOnce(&mut Asked)) -> Result<Prepared, Refusal> {
    let mut asked = asked();
    change(&mut asked);
    Prepared::new(grant, asked, &Limits::default(), "test/1")
}

#[test]
fn a_header_that_could_change_where_a_request_goes_or_how_it_is_framed_is_refused() {
    let grant = with_credential(Placement::Bearer, "secret").unwrap();
    for (name, value) in [
        ("Host", "evil.example"),
        ("host", ""),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("transfer_encoding", "chunked"),
        ("Connection", "close"),
        ("Keep-Alive", "1"),
        ("Proxy-Authorization", "x"),
        ("Proxy-Connection", "x"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "x"),
        ("Expect", "100-continue"),
        ("Via", "x"),
        ("Forwarded", "host=evil"),
        ("X-Forwarded-Host", "evil"),
        ("X-Forwarded-For", "evil"),
        ("X-Forwarded", "for=evil"),
        ("X-Original-Forwarded-For", "evil"),
        ("X-Host", "evil"),
        ("X-Real-IP", "10.0.0.1"),
        ("x_real_ip", "10.0.0.1"),
        ("X-Client-IP", "10.0.0.1"),
        ("X-Cluster-Client-IP", "10.0.0.1"),
        ("Client-IP", "10.0.0.1"),
        ("True-Client-IP", "10.0.0.1"),
        ("CF-Connecting-IP", "10.0.0.1"),
        ("Fastly-Client-IP", "10.0.0.1"),
        // To a CGI program of the vendor's it is the variable `HTTP_PROXY`.
        ("Proxy", "http://evil.example"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-HTTP-Method", "DELETE"),
        ("X-Method-Override", "DELETE"),
        ("x_method_override", "DELETE"),
        ("X-Rewrite-URL", "/admin"),
        ("X-Original-URL", "/admin"),
        ("X-Original-Host", "evil"),
        ("Content-Encoding", "gzip"),
        ("Accept-Encoding", "br"),
        ("Authorization", "mine"),
        ("AUTHORIZATION", "mine"),
        ("", "x"),
        ("a b", "x"),
        ("a:b", "x"),
        ("a\r\nb", "x"),
        ("é", "x"),
        ("x", "a\r\nHost: evil"),
        ("x", "a\nb"),
        ("x", "a\0b"),
        ("x", "ü"),
        ("x", " a"),
        ("x", "a\t"),
    ] {
        let made = prepare(&grant, |asked| asked.headers.push((name.into(), value.into())));
        assert!(matches!(made, Err(Refusal::Invalid(_))), "{name:?}: {value:?} was let through");
    }
    let own = prepare(&grant, |asked| asked.headers.push(("User-Agent".into(), "mine/1".into()))).unwrap();
    assert!(own.headers.contains(&("user-agent".into(), "mine/1".into())));
    assert!(!own.headers.contains(&("user-agent".into(), "test/1".into())));
}

#[test]
fn a_credential_is_in_the_request_and_masked_in_what_is_shown() {
    let basic = with_credential(Placement::Basic { user: "Aladdin".into() }, "open sesame").unwrap();
    let made = prepare(&basic, |_| ()).unwrap();
    assert!(made.headers.contains(&("authorization".into(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".into())));
    assert!(made.outgoing.headers.contains(&("authorization".into(), "Basic ***".into())));
    assert!(!format!("{:?}", made.outgoing).contains("sesame"));
    assert!(!format!("{basic:?}").contains("sesame"), "nor in what a developer prints");
}

#[test]
fn what_is_too_big_does_not_leave() {
    let grant = Grant::parse(spec("https://h.example")).unwrap();
    let limits = Limits::default();
    let body = prepare(&grant, |asked| asked.body = vec![0; limits.request_bytes + 1]);
    assert!(matches!(body, Err(Refusal::TooLarge(_))));
    assert!(prepare(&grant, |asked| asked.body = vec![0; limits.request_bytes]).is_ok());
    let too_big = [
        prepare(&grant, |asked| asked.path = format!("/{}", "a".repeat(limits.head_bytes))),
        prepare(&grant, |asked| asked.query = vec![("a".into(), "b".repeat(limits.head_bytes))]),
        prepare(&grant, |asked| asked.headers = vec![("a".into(), "b".into()); limits.head_bytes]),
        prepare(&grant, |asked| asked.method = "GET"),
    ];
    for made in too_big {
        assert!(matches!(made, Err(Refusal::Invalid(_))));
    }
}
