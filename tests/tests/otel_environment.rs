//! OpenTelemetry's environment variables, where the author lets an operator use them: from the variable to
//! the request, and to the consent that it needs.

#[allow(dead_code, reason = "one of its vendors is enough here")]
#[path = "egress/secure.rs"]
mod secure;

use std::process::Command;

use serde_json::Value as Json;
use telemetry_tests::{Home, Ran, Vendor};

const OPTED_IN: &str = "otel_environment = true\n";

fn home(vendor: &Vendor, backend: &str) -> Home {
    Home::new(&format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\nuse = \"otlp\"\n{backend}\
         [endpoints.collector]\nurl = \"{}\"\nallow = [\"http\", \"loopback\"]\n\
         credential = {{ header = \"x-author\", value = \"s3cret-author\" }}\n\n\
         [delivery]\nmode = \"never\"\n",
        vendor.url()
    ))
}

/// The tool as an operator runs it, with these of the variables.
fn run(home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut greet: Command = home.greet(arguments);
    for (name, value) in variables {
        greet.env(format!("OTEL_EXPORTER_OTLP_{name}"), value);
    }
    greet.output().expect("greet runs").into()
}

fn json(home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> Json {
    let ran = run(home, variables, &[&["telemetry"], arguments, &["--json"]].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ran:?}"))
}

#[test]
fn without_the_authors_leave_the_variables_change_nothing() {
    let [authors, operators] = [Vendor::start(), Vendor::start()];
    let home = home(&authors, "");
    let variables = [("ENDPOINT", &*operators.url()), ("HEADERS", "x-team=ops"), ("PROTOCOL", "grpc")];
    assert_eq!(run(&home, &variables, &["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(&home, &variables, &["hello", "Ada"]).code, Some(0));
    assert_eq!(run(&home, &variables, &["telemetry", "flush"]).code, Some(0));
    let request = &authors.wait_for(1)[0];
    assert_eq!((request.line.as_str(), request.header("x-team")), ("POST /v1/logs HTTP/1.1", None));
    assert!(operators.requests().is_empty());
}

#[test]
fn an_operators_address_is_another_destination_that_needs_a_yes_of_its_own() {
    let [authors, operators] = [Vendor::start(), Vendor::start()];
    let home = home(&authors, OPTED_IN);
    assert_eq!(run(&home, &[], &["telemetry", "enable"]).code, Some(0));
    let moved = [("ENDPOINT", &*operators.url())];
    let status = json(&home, &moved, &["status"]);
    assert_eq!(status["telemetry"], "off", "{status:#}");
    assert_eq!(status["destination"], format!("otlp at {}", operators.address()));
    assert_eq!(run(&home, &moved, &["hello", "Ada"]).code, Some(0));
    let _ = run(&home, &moved, &["telemetry", "flush"]);
    assert!(operators.requests().is_empty() && authors.requests().is_empty());

    assert_eq!(run(&home, &moved, &["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(&home, &moved, &["hello", "Ada"]).code, Some(0));
    assert_eq!(run(&home, &moved, &["telemetry", "flush"]).code, Some(0));
    let request = &operators.wait_for(1)[0];
    assert_eq!(request.line, "POST /v1/logs HTTP/1.1");
    assert_eq!(request.header("x-author"), None, "the author's credential stays with the author's address");
    assert!(authors.requests().is_empty());
}

#[test]
fn every_variable_is_obeyed_and_the_one_for_logs_wins_and_stands_as_it_is() {
    let [authors, general, operators] = [Vendor::start(), Vendor::start(), Vendor::start()];
    let home = home(&authors, OPTED_IN);
    let logs = format!("{}/api/otlp/in", operators.url());
    let variables = [
        ("ENDPOINT", &*general.url()),
        ("LOGS_ENDPOINT", &*logs),
        ("HEADERS", "x-team=ops%20team,authorization=Bearer%20s3cret-operator"),
        ("COMPRESSION", "gzip"),
        ("LOGS_COMPRESSION", "none"),
        ("PROTOCOL", "http/json"),
        ("TIMEOUT", "9000"),
    ];
    assert_eq!(run(&home, &variables, &["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(&home, &variables, &["hello", "Ada"]).code, Some(0));
    // The component never sees what looks like a credential, and a preview shows it to nobody.
    let preview = run(&home, &variables, &["telemetry", "preview", "--json"]);
    assert!(preview.stdout.contains("ops team") && preview.stdout.contains("***"), "{preview:?}");
    assert!(!preview.stdout.contains("s3cret"), "{preview:?}");
    assert_eq!(run(&home, &variables, &["telemetry", "flush"]).code, Some(0));
    let request = &operators.wait_for(1)[0];
    assert_eq!(request.line, "POST /api/otlp/in HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("content-encoding"), None);
    assert_eq!(request.header("x-team"), Some("ops team"));
    assert_eq!(request.header("authorization"), Some("Bearer s3cret-operator"));
    assert_eq!(
        request.json()["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["eventName"],
        "command.invocation"
    );
    assert!(authors.requests().is_empty() && general.requests().is_empty());
}

#[test]
fn what_an_operator_got_wrong_is_said_by_status_and_costs_the_tool_nothing() {
    let vendor = Vendor::start();
    let home = home(&vendor, OPTED_IN);
    assert_eq!(run(&home, &[], &["telemetry", "enable"]).code, Some(0));
    let wrong = [("HEADERS", "x-team=ops,s3cret"), ("PROTOCOL", "http/json")];
    let greeting = run(&home, &wrong, &["hello", "Ada"]);
    assert_eq!(
        (greeting.stdout.as_str(), greeting.stderr.as_str(), greeting.code),
        ("Hello, Ada!\n", "", Some(0))
    );
    let status = run(&home, &wrong, &["telemetry", "status"]);
    let said = format!("{}{}", status.stdout, status.stderr);
    assert!(said.contains("OTEL_EXPORTER_OTLP_HEADERS") && said.contains("header 2"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

/// What plain http or a private address needs is the author's to grant, whoever names the address.
#[test]
fn an_operator_cannot_allow_what_the_author_did_not() {
    let [authors, operators] = [Vendor::start(), Vendor::start()];
    let home = home(&authors, OPTED_IN);
    let config = std::fs::read_to_string(home.path("author/greet.toml")).expect("the configuration");
    home.configure(&config.replace("allow = [\"http\", \"loopback\"]", "").replace("http://", "https://"));
    let moved = [("ENDPOINT", &*operators.url())];
    let _ = run(&home, &moved, &["telemetry", "enable"]);
    assert_eq!(run(&home, &moved, &["hello", "Ada"]).code, Some(0));
    let flushed = run(&home, &moved, &["telemetry", "flush"]);
    assert!(format!("{}{}", flushed.stdout, flushed.stderr).contains("allow"), "{flushed:?}");
    assert!(operators.requests().is_empty());
}

#[test]
fn certificates_and_a_key_in_files_of_their_own_open_a_collector_that_asks_for_them() {
    let authors = Vendor::start();
    let home = home(&authors, OPTED_IN);
    let (authority, clients) = (secure::Authority::new(), secure::Authority::new());
    let collector = secure::vendor(&authority, "127.0.0.1", Some(&clients));
    let identity = String::from_utf8(clients.identity("operator")).expect("PEM");
    let key_at = identity.find("-----BEGIN PRIVATE KEY").expect("a key after the certificate");
    let (certificate, key) = identity.split_at(key_at);
    let file = |name: &str, pem: &[u8]| {
        let file = home.path(name);
        std::fs::write(&file, pem).expect("the file is written");
        file.display().to_string()
    };
    let files = [
        file("ca.pem", &authority.pem()),
        file("client.pem", certificate.as_bytes()),
        file("client-key.pem", key.as_bytes()),
    ];
    let url = format!("https://127.0.0.1:{}", collector.port);
    let all = [
        ("ENDPOINT", &*url),
        ("CERTIFICATE", &*files[0]),
        ("CLIENT_CERTIFICATE", &*files[1]),
        ("CLIENT_KEY", &*files[2]),
    ];
    assert_eq!(run(&home, &all, &["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(&home, &all, &["hello", "Ada"]).code, Some(0));
    // Without the client's it does not open.
    assert_eq!(run(&home, &all[..2], &["telemetry", "flush"]).code, Some(1));
    assert!(collector.seen().is_empty());
    assert_eq!(run(&home, &all, &["telemetry", "flush"]).code, Some(0));
    let seen = collector.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].line, "POST /v1/logs HTTP/1.1");
}
