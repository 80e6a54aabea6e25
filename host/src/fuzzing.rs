//! Functions over bytes that somebody else wrote, for fuzzing and for the kept corpora.
//!
//! Each takes any bytes, and panics only where a promise is broken. Not part of the public interface.
#![allow(clippy::unreachable, reason = "a promise that is broken is what a fuzzer looks for")]

use std::time::{Duration, SystemTime};

use crate::component::{Component, LoadOptions, Source};
use crate::egress::answer::{Answer, parse_retry_after};
use crate::egress::coding::{self, Coding};
use crate::egress::grant::{Credential, Grant, GrantSpec, Placement};
use crate::egress::proxy::Proxies;
use crate::egress::request::{Asked, Prepared};
use crate::egress::secret::Secret;
use crate::limits::Limits;
use crate::precompiled::{self, Artefact};
use crate::text::tidy;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Every function by its name, which is that of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("component", component),
    ("artefact", artefact),
    ("grant", grant),
    ("request", request),
    ("answer", answer),
    ("proxy", proxy),
    #[cfg(feature = "wasi-http")]
    ("url", url),
];

const SECRET: &str = "s3cret/of+the=author";

/// The fields of an input that has several.
fn fields<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    let mut parts = bytes.splitn(N, |byte| *byte == 0xff);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file that is to be loaded.
fn component(bytes: &[u8]) {
    let mut options = LoadOptions::default();
    options.limits.file_bytes = 1 << 20;
    options.limits.compile_time = Duration::from_secs(20);
    if let Err(error) = Component::load(Source::Bytes(bytes), &options) {
        assert!(error.to_string().len() < 100_000);
    }
}

/// Something precompiled, as it is and as what an honest checksum vouches for. Its code is unpacked, and does not run.
fn artefact(bytes: &[u8]) {
    let sealed = precompiled::seal(bytes.get(precompiled::HEAD..).unwrap_or_default());
    for bytes in [bytes, sealed.as_slice()] {
        let Ok(artefact) = Artefact::read(bytes) else { continue };
        let mut unpacked = artefact.unpack();
        for part in &artefact.parts {
            assert_eq!(part.digest.len(), 64);
            let code = unpacked.code(part).unwrap_or_default();
            // The most that the packer can do: a short artefact cannot cost a tool all its memory.
            assert!(code.len() as u64 / precompiled::MOST_PACKED <= bytes.len() as u64);
        }
    }
}

/// `url` and `allow` of a grant.
fn grant(bytes: &[u8]) {
    let [url, allow] = fields(bytes);
    let spec = GrantSpec {
        endpoint: "intake".into(),
        url: text(url),
        allow: text(allow).split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        ..GrantSpec::default()
    };
    match Grant::parse(spec) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(grant) => {
            let url = grant.url();
            assert!(matches!(url.scheme(), "https" | "http"));
            assert!(url.scheme() == "https" || grant.allow().http);
            assert!(url.username().is_empty() && url.password().is_none());
            assert!(url.query().is_none() && url.fragment().is_none());
            assert!(url.host_str().is_some_and(|host| !host.is_empty()));
            assert_eq!(url::Url::parse(url.as_str()).as_ref(), Ok(url));
        }
    }
}

/// Path, query and header of a request, with the credential in each place.
fn request(bytes: &[u8]) {
    let [path, query_name, query_value, name, value, body] = fields(bytes).map(text);
    for placement in [
        Placement::Bearer,
        Placement::Header { name: "x-key".into(), prefix: String::new() },
        Placement::Basic { user: "user".into() },
        Placement::Query { name: "key".into() },
        Placement::Path,
    ] {
        let Ok(grant) = Grant::parse(GrantSpec {
            endpoint: "intake".into(),
            url: "https://vendor.example:8443/base".into(),
            credential: Some(Credential { placement, secret: Secret::new(SECRET) }),
            ..GrantSpec::default()
        }) else {
            unreachable!("the grant is a good one");
        };
        let pair = |name: &str, value: &str| {
            if name.is_empty() && value.is_empty() {
                vec![]
            } else {
                vec![(name.to_owned(), value.to_owned())]
            }
        };
        let asked = Asked {
            endpoint: "intake".into(),
            method: "POST",
            path: path.clone(),
            query: pair(&query_name, &query_value),
            headers: pair(&name, &value),
            body: body.clone().into_bytes(),
            coding: Coding::Gzip,
            timeout: None,
        };
        let Ok(prepared) = Prepared::new(&grant, asked, &Limits::default(), "fuzz") else { continue };
        stays(&prepared);
        hides(&prepared, &[&path, &query_name, &query_value, &name, &value]);
    }
}

/// The request goes where the grant says, and its head is one head.
fn stays(prepared: &Prepared) {
    let url = &prepared.url;
    assert_eq!((url.scheme(), url.host_str(), url.port()), ("https", Some("vendor.example"), Some(8443)));
    assert!(url.path() == "/base" || url.path().starts_with("/base/"), "{url}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert!(!url.path().split('/').any(|segment| matches!(segment, "." | "..")));
    for (name, value) in &prepared.headers {
        assert!(!name.is_empty() && !name.contains([' ', ':', '\r', '\n', '\0']));
        assert!(!value.contains(['\r', '\n', '\0']));
    }
    let one = |wanted: &str| prepared.headers.iter().filter(|(name, _)| name == wanted).count() == 1;
    assert!(one("host") && one("content-length"));
    assert!(one("content-encoding") || prepared.outgoing.body.is_empty());
    assert!(!prepared.headers.iter().any(|(name, _)| name == "transfer-encoding"));
}

/// What is shown of it has no credential, unless the input brought the secret along.
fn hides(prepared: &Prepared, given: &[&String]) {
    if given.iter().any(|text| text.contains("s3cret")) {
        return;
    }
    let shown = format!("{:?}{:?}", prepared.outgoing.url, prepared.outgoing.headers);
    assert!(!shown.contains("s3cret") && !shown.contains("dXNlcjpzM2NyZXQ"), "{shown}");
}

/// A vendor's answer: its coding, its `retry-after`, a header and the body.
fn answer(bytes: &[u8]) {
    const MOST: usize = 1 << 16;
    let [encoding, retry_after, header, body] = fields(bytes);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_785_585_600);
    if let Some(wait) = parse_retry_after(&text(retry_after), now) {
        assert!(wait <= Duration::from_secs(366 * 86_400));
    }
    if let Ok(body) = coding::decode(&text(encoding), body.to_vec(), MOST) {
        assert!(body.len() <= MOST);
        let echoed = [body.as_slice(), SECRET.as_bytes(), body.as_slice()].concat();
        let answer = Answer {
            status: 200,
            headers: vec![("x-echo".into(), format!("{}{SECRET}", text(header)))],
            body: echoed,
        };
        let credential = Credential { placement: Placement::Bearer, secret: Secret::new(SECRET) };
        let masked = answer.without(Some(&credential));
        assert!(!masked.body.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
        assert!(!masked.headers[0].1.contains(SECRET));
    }
    let shown = tidy(&text(body), 100);
    assert!(shown.len() <= 100 && !shown.contains(char::is_control));
}

/// The environment's proxy settings.
fn proxy(bytes: &[u8]) {
    let [setting, no_proxy, url] = fields(bytes).map(text);
    let proxies = Proxies { https: Some(setting.clone()), http: Some(setting), no: Some(no_proxy) };
    let url = url::Url::parse(&url).ok().filter(url::Url::has_host);
    let fallback = url::Url::parse("https://vendor.example/").ok();
    if let Some(url) = url.or(fallback)
        && let Ok(Some(chosen)) = proxies.choose(&url)
    {
        assert!(!chosen.shown.contains('@'), "{}", chosen.shown);
    }
}

/// A URL of a guest that speaks `wasi:http`: the endpoint that it belongs to, and the request that comes of it.
#[cfg(feature = "wasi-http")]
fn url(bytes: &[u8]) {
    use crate::egress::door::{Door, Recorder};
    use crate::egress::gate::{Gate, GateSetup};

    const GRANTED: [(&str, &str); 4] = [
        ("outer", "https://vendor.example:8443/base"),
        ("inner", "https://vendor.example:8443/base/inner/"),
        ("whole", "http://127.0.0.1"),
        ("six", "https://[2606:4700::1111]/v1"),
    ];
    let written = text(bytes);
    let Ok(uri) = written.parse::<http::Uri>() else { return };
    let granted = |(endpoint, url): (&str, &str)| {
        let (endpoint, url) = (endpoint.to_owned(), url.to_owned());
        let allow = vec!["http".to_owned(), "loopback".to_owned()];
        Grant::parse(GrantSpec { endpoint, url, allow, ..GrantSpec::default() }).ok()
    };
    let grants: Vec<Grant> = GRANTED.into_iter().filter_map(granted).collect();
    assert_eq!(grants.len(), GRANTED.len());
    let gate = Gate::new(GateSetup {
        grants: grants.clone(),
        door: Door::Record(Recorder::default()),
        proxies: Proxies::none(),
        lookup: std::sync::Arc::new(crate::egress::resolve::SystemLookup),
        limits: Limits::default(),
        user_agent: String::new(),
        max_requests: None,
    });
    let Ok((endpoint, path)) = gate.endpoint_at(&uri) else {
        // The query may hold anything, and is not shown. (What it says may stand before it too.)
        let shown = gate.exchanges().last_denial.unwrap_or_default();
        let query = uri.query().filter(|query| query.len() > 16 && written.matches(query).count() == 1);
        assert!(!query.is_some_and(|query| shown.contains(query)), "{shown}");
        return;
    };
    let Some(grant) = grants.iter().find(|grant| grant.endpoint() == endpoint) else {
        unreachable!("an endpoint that nobody granted: {endpoint}");
    };
    // Another reader of the URL finds the same place.
    if let Ok(read) = url::Url::parse(&written) {
        assert_eq!(
            (read.scheme(), read.host_str()),
            (grant.url().scheme(), grant.url().host_str()),
            "{written}"
        );
        assert_eq!(read.port_or_known_default(), grant.url().port_or_known_default(), "{written}");
        assert!(read.username().is_empty() && read.password().is_none(), "{written}");
    }
    let asked = Asked {
        endpoint,
        method: "POST",
        path,
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        coding: Coding::Identity,
        timeout: None,
    };
    if let Ok(prepared) = Prepared::new(grant, asked, &Limits::default(), "fuzz") {
        let (url, base) = (&prepared.url, grant.url());
        assert_eq!((url.scheme(), url.host_str(), url.port()), (base.scheme(), base.host_str(), base.port()));
        let prefix = base.path().trim_end_matches('/');
        let rest = url.path().strip_prefix(prefix);
        assert!(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')), "{url}");
    }
}
