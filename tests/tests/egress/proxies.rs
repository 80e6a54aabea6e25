//! Proxies that the environment names.

use super::secure::{Authority, proxy, vendor};
use super::*;

const KEYED: &str = "credential = { bearer = true, value = \"s3cret-of-the-author\" }";

#[test]
fn an_event_goes_through_a_tunnel_and_the_proxy_learns_where_to_and_nothing_else() {
    let authority = Authority::new();
    let vendor = vendor(&authority, "vendor.example", None);
    let proxy = proxy(vendor.port);
    // A name that only the proxy can resolve.
    let grant = format!("ca_file = \"ca.pem\"\n{KEYED}");
    let text = config("receiver", "https://vendor.example:8443/events", &grant);
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let home = waiting(honest(), &text, &[("ca.pem", &authority.pem())]);
        let setting = format!("http://ada:hunter22@127.0.0.1:{}", proxy.port);
        let environment = [(variable, setting.as_str())];
        let before = (proxy.seen().len(), vendor.seen().len());

        let status = run(&home, &["telemetry", "status"], &environment);
        let told = format!("receiver goes through http://127.0.0.1:{}, which judges names", proxy.port);
        assert!(status.stdout.contains(&told), "{status:?}");
        assert!(!status.stdout.contains("hunter22"), "{status:?}");

        delivers(&home, &environment);
        let (tunnels, requests) = (proxy.seen(), vendor.seen());
        assert_eq!((tunnels.len(), requests.len()), (before.0 + 1, before.1 + 1), "{variable}");
        let (tunnel, request) = (&tunnels[before.0], &requests[before.1]);
        assert_eq!(tunnel.line, "CONNECT vendor.example:8443 HTTP/1.1");
        let password = tunnel.headers.to_ascii_lowercase();
        assert!(password.contains("proxy-authorization: basic ywrhomh1bnrlcjiy"), "{tunnel:?}");
        assert!(!tunnel.headers.contains("s3cret") && !tunnel.headers.contains("events"), "{tunnel:?}");
        assert_eq!(request.line, "POST /events HTTP/1.1");
        assert!(request.headers.contains("Bearer s3cret-of-the-author"), "{request:?}");
        assert!(!request.headers.to_ascii_lowercase().contains("proxy-"), "{request:?}");
    }
}

#[test]
fn a_host_that_is_excepted_and_an_endpoint_that_forbids_it_are_reached_directly() {
    let authority = Authority::new();
    let vendor = vendor(&authority, "localhost", None);
    let proxy = proxy(vendor.port);
    let url = format!("https://localhost:{}/events", vendor.port);
    let setting = format!("http://127.0.0.1:{}", proxy.port);
    let grant = "allow = [\"loopback\"]\nca_file = \"ca.pem\"";
    let set = ("HTTPS_PROXY", setting.as_str());
    for (more, environment) in [
        ("", vec![set, ("NO_PROXY", "other.example, localhost")]),
        ("", vec![set, ("no_proxy", "*")]),
        ("proxy = false", vec![set]),
        // That is for URLs of another scheme.
        ("", vec![("HTTP_PROXY", setting.as_str())]),
    ] {
        let text = config("receiver", &url, &format!("{grant}\n{more}"));
        let home = waiting(honest(), &text, &[("ca.pem", &authority.pem())]);
        let before = vendor.seen().len();
        delivers(&home, &environment);
        assert_eq!(vendor.seen().len(), before + 1, "{environment:?}");
        let status = run(&home, &["telemetry", "status"], &environment);
        assert!(!status.stdout.contains("goes through"), "{status:?}");
    }
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());
}

#[test]
fn a_proxy_does_not_make_an_address_reachable_that_was_not_granted() {
    let proxy = proxy(1);
    let setting = format!("http://127.0.0.1:{}", proxy.port);
    let text = config("receiver", "https://169.254.169.254/latest", "");
    let home = waiting(honest(), &text, &[]);
    stays(&home, &[("HTTPS_PROXY", &setting)], "add `allow = [\"link-local\"]` under [endpoints.receiver]");
    assert!(proxy.seen().is_empty());
}

#[test]
fn a_proxy_that_speaks_another_protocol_is_named_and_nothing_leaves() {
    let home = waiting(honest(), &config("receiver", "https://vendor.example", ""), &[]);
    let environment = [("HTTPS_PROXY", "socks5://127.0.0.1:1")];
    stays(&home, &environment, "speaks `socks5`; only http and https proxies are supported");
}
