//! Places that nobody granted. (Names that lead to one place now and to another later: `rebinding`.)

use telemetry_tests::{Answer, Vendor};

use super::*;

#[test]
fn addresses_that_were_not_granted_are_named_with_the_line_that_would() {
    for (url, word) in [
        ("https://10.0.0.1", "private"),
        ("https://192.168.0.1:8443/v1", "private"),
        ("https://[fd00::1]", "private"),
        ("https://127.0.0.1:9", "loopback"),
        ("https://[::1]:9", "loopback"),
        ("https://169.254.169.254", "link-local"),
        ("https://100.100.100.200", "link-local"),
    ] {
        let home = waiting(honest(), &config("receiver", url, ""), &[]);
        stays(&home, &[], &format!("add `allow = [\"{word}\"]` under [endpoints.receiver]"));
    }
    let home = waiting(honest(), &config("receiver", "https://224.0.0.1", ""), &[]);
    stays(&home, &[], "no setting allows it");
}

#[test]
fn a_name_is_judged_by_what_it_leads_to() {
    let vendor = Vendor::start();
    let url = format!("http://localhost:{}", vendor.address().port());
    let home = waiting(honest(), &config("receiver", &url, "allow = [\"http\"]"), &[]);
    stays(&home, &[], "add `allow = [\"http\", \"loopback\"]` under [endpoints.receiver]");
    assert!(vendor.requests().is_empty());
    let home = waiting(honest(), &config("receiver", &url, "allow = [\"http\", \"loopback\"]"), &[]);
    delivers(&home, &[]);
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn a_redirect_is_not_followed_and_the_credential_goes_nowhere() {
    let (vendor, other) = (Vendor::start(), Vendor::start());
    for status in [301, 302, 303, 307, 308] {
        let location = vec![("location".to_owned(), format!("{}/elsewhere", other.url()))];
        vendor.then(Answer::Status(status, location, Vec::new()));
        let grant = "allow = [\"http\", \"loopback\"]\ncredential = { bearer = true, value = \"s3cret\" }";
        let home = waiting(honest(), &config("receiver", &vendor.url(), grant), &[]);
        let flushed = run(&home, &["telemetry", "flush"], &[]);
        assert_ne!(flushed.code, Some(0), "{status}: {flushed:?}");
        let told = run(&home, &["telemetry", "status"], &[]).stdout;
        assert!(told.contains(&status.to_string()) && told.contains("/elsewhere"), "{status}: {told}");
    }
    assert_eq!(vendor.requests().len(), 5);
    assert!(vendor.requests().iter().all(|it| it.header("authorization") == Some("Bearer s3cret")));
    assert!(other.requests().is_empty());
}
