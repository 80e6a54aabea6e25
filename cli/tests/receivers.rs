//! OTLP requests are accepted and shown, or refused in part, by what this project did not write. The component,
//! the host and the network are the real ones, and so is as much of the receiver as there is:
//!
//! - Datadog's test agent takes and shows what it got. Its HTTP half never answers a partial success; its gRPC
//!   half does where it cannot hand records on, and `receivers/agent.py` puts that behind HTTP, byte by byte.
//! - `receivers/collector.py` is this project's own server. OpenTelemetry's official messages read the request
//!   and write the partial success in it, in both encodings.
//!
//! A receiver that refuses single records over HTTP was looked for and not found: the crate `mock-collector`
//! (0.2.15) always answers without a partial success, and OpenTelemetry's own collector, which is no package
//! that can be installed here, takes a request whole or not at all.
//!
//! `OFFICIAL_PYTHON` names the interpreter that has them (`backends-wasm/official.txt`); the default is the one
//! that `.ci/tools` makes. Where it does not, a test says that it skips; `OFFICIAL=required` makes that a failure.

#[path = "support/mod.rs"]
mod support;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use support::{Ran, export, run};

/// Python starts slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A receiver, ended with the test.
struct Receiver(Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The interpreter, if it has this module. Without a word about it, the one that `.ci/tools` makes.
fn python(test: &str, module: &str) -> Option<OsString> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/official/bin/python");
    let default = || if made.exists() { made.into_os_string() } else { "python3".into() };
    let python = std::env::var_os("OFFICIAL_PYTHON").unwrap_or_else(default);
    let import = format!("import {module}");
    let installed = Command::new(&python).args(["-c", &import]).stderr(Stdio::null()).status();
    if installed.is_ok_and(|it| it.success()) {
        return Some(python);
    }
    let required = std::env::var_os("OFFICIAL").is_some_and(|it| it == "required");
    assert!(!required, "{python:?} has no module {module}");
    eprintln!("SKIPPED {test}: {python:?} has no module {module}");
    None
}

/// Sends three events in this encoding.
fn send(home: &Path, address: SocketAddr, protocol: &str) -> Ran {
    export(home);
    let config = format!(
        "[tool]\nid = \"com.example.greet\"\n[backend.settings]\nprotocol = \"{protocol}\"\n\
         [endpoints.collector]\nurl = \"http://{address}\"\nallow = [\"http\", \"loopback\"]\n"
    );
    std::fs::write(home.join("telemetry.toml"), config).unwrap();
    let line = |name: &str| {
        format!(
            "{{\"type\":\"command.invocation\",\"name\":\"{name}\",\"timestamp\":\"2026-08-01T12:00:00.123456789Z\",\
             \"exit_code\":3,\"attributes\":{{\"language\":\"Zoë\",\"ratio\":0.25}}}}\n"
        )
    };
    std::fs::write(home.join("events.ndjson"), ["build", "test", "run"].map(line).concat()).unwrap();
    run(home, &["send", "otlp.wasm", "--events", "events.ndjson"])
}

fn free_ports() -> [SocketAddr; 3] {
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

fn get(address: SocketAddr, path: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let body = answer.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    Some(answer.split_off(body))
}

#[test]
fn datadogs_test_agent_takes_and_shows_log_records_in_both_encodings() {
    let test = "datadogs_test_agent_takes_and_shows_log_records_in_both_encodings";
    let Some(python) = python(test, "ddapm_test_agent") else { return };
    let home = tempfile::tempdir().unwrap();
    let [port, otlp, grpc] = free_ports();
    let agent = Command::new(python)
        .args(["-c", "from ddapm_test_agent.agent import main; main()", "--disable-llmobs-data-forwarding"])
        .args(["--port", &port.port().to_string()])
        .args(["--otlp-http-port", &otlp.port().to_string(), "--otlp-grpc-port", &grpc.port().to_string()])
        .current_dir(home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _agent = Receiver(agent);
    let started = Instant::now();
    while get(otlp, "/test/session/logs").is_none() {
        assert!(started.elapsed() < PATIENCE, "the agent does not listen");
        std::thread::sleep(Duration::from_millis(100));
    }
    for protocol in ["http/protobuf", "http/json"] {
        get(otlp, "/test/session/clear").unwrap();
        let sent = send(home.path(), otlp, protocol);
        assert!(
            sent.ok && sent.stdout.contains("3 events delivered"),
            "{protocol}: {}{}",
            sent.stdout,
            sent.stderr
        );
        let shown: Json = serde_json::from_slice(&get(otlp, "/test/session/logs").unwrap()).unwrap();
        // The agent spells keys as protobuf does where it read protobuf, and as JSON does where it read JSON.
        let text = shown.to_string();
        for part in ["\"build\"", "\"test\"", "\"run\"", "Zoë", "\"service.name\"", "1785585600123456789"] {
            assert!(text.contains(part), "{protocol}: {part} is missing: {text}");
        }
        let requests = shown.as_array().unwrap();
        assert_eq!(requests.len(), 1, "{protocol}: {text}");
    }
}

#[test]
fn a_partial_success_of_datadogs_agent_sets_aside_as_many_as_it_says() {
    let test = "a_partial_success_of_datadogs_agent_sets_aside_as_many_as_it_says";
    let Some(python) = python(test, "ddapm_test_agent") else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/receivers/agent.py");
    let mut agent =
        Command::new(python).arg(script).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut port = String::new();
    BufReader::new(agent.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let _agent = Receiver(agent);
    let address = SocketAddr::from(([127, 0, 0, 1], port.trim().parse::<u16>().unwrap()));
    let home = tempfile::tempdir().unwrap();
    let sent = send(home.path(), address, "http/protobuf");
    // It counts what it calls resource logs, of which there is one.
    let refused = "1 of 3 events were not delivered: the collector refused it: Forward failed";
    assert!(!sent.ok && sent.stderr.contains(refused), "{}{}", sent.stdout, sent.stderr);
}

#[test]
fn a_collector_that_refuses_one_record_has_the_others_in_both_encodings() {
    let test = "a_collector_that_refuses_one_record_has_the_others_in_both_encodings";
    let Some(python) = python(test, "opentelemetry.proto.collector.logs.v1.logs_service_pb2") else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/receivers/collector.py");
    let mut collector =
        Command::new(python).arg(script).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut printed = BufReader::new(collector.stdout.take().unwrap());
    let _collector = Receiver(collector);
    let mut line = || {
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        line
    };
    let address = SocketAddr::from(([127, 0, 0, 1], line().trim().parse::<u16>().unwrap()));
    let mut shown = Vec::new();
    for protocol in ["http/protobuf", "http/json"] {
        let home = tempfile::tempdir().unwrap();
        let sent = send(home.path(), address, protocol);
        let refused =
            "1 of 3 events were not delivered: the collector refused it: the last record is refused";
        assert!(!sent.ok && sent.stderr.contains(refused), "{protocol}: {}{}", sent.stdout, sent.stderr);
        shown.push(serde_json::from_str::<Json>(&line()).unwrap());
    }
    assert_eq!(shown[0], shown[1], "both encodings say the same");
    let records = &shown[0]["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    let names: Vec<_> =
        records.as_array().unwrap().iter().map(|it| it["body"]["stringValue"].as_str()).collect();
    assert_eq!(names, [Some("build"), Some("test"), Some("run")]);
    assert_eq!(records[0]["timeUnixNano"], "1785585600123456789");
}
