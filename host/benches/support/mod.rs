//! What the benchmarks share: a batch, a median, a loopback server that costs as little as one can.
#![allow(dead_code, unreachable_pub)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use telemetry_host::types::{Attribute, Batch, Event, Instant as Moment, Origin, SendContext, Value};
use telemetry_host::{Door, Grant, GrantSpec, Recorder, Setup};

/// The middle of so many runs.
pub fn median(runs: usize, mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    times.sort();
    times[runs / 2]
}

/// What a benchmark prints, and whether every target was met.
#[derive(Default)]
pub struct Report {
    missed: bool,
}

impl Report {
    /// A figure that nothing is asked of.
    pub fn figure(&self, what: &str, figure: &str) {
        println!("    {what:<46} {figure:>12}");
    }

    /// A figure beside its target.
    pub fn target(&mut self, what: &str, figure: &str, target: &str, met: bool) {
        let verdict = if met { "met" } else { "MISSED" };
        println!("    {what:<46} {figure:>12}   target {target}: {verdict}");
        self.missed |= !met;
    }

    /// A time beside the most that it may be.
    pub fn at_most(&mut self, what: &str, time: Duration, most: Duration) {
        self.target(what, &ms(time), &format!("<= {}", ms(most)), time <= most);
    }

    /// The exit code: 1 where a target was missed.
    pub fn end(self) -> std::process::ExitCode {
        std::process::ExitCode::from(u8::from(self.missed))
    }
}

pub fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

/// Events as a tool of some size records them.
pub fn batch(events: usize) -> Batch {
    let event = |number| Event {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        kind: "command.invocation".into(),
        name: "remote/add".into(),
        time: Moment { rfc3339: "2026-08-01T12:00:00.123456789Z".into(), unix_ms: 1_785_585_600_123.456 },
        duration_ms: Some(12.5),
        exit_code: Some(0),
        ended: Some("finished".into()),
        attributes: vec![
            Attribute { key: "color".into(), value: Value::Text("auto".into()) },
            Attribute { key: "files".into(), value: Value::Number(17.0) },
            Attribute { key: "cached".into(), value: Value::Boolean(true) },
        ],
        ..Event::default()
    };
    Batch {
        origin: Origin {
            machine_id: Some("0123456789abcdef".into()),
            tool: "greet".into(),
            tool_version: "1.4.0".into(),
            os: "linux".into(),
            os_version: "6.18".into(),
            arch: "x86_64".into(),
            runtime: "rust 1.95.0".into(),
            attributes: Vec::new(),
        },
        events: (0..events).map(event).collect(),
    }
}

pub fn context() -> SendContext {
    SendContext {
        attempt: 1,
        request_id: "11111111-1111-4111-8111-111111111111".into(),
        now: Moment { rfc3339: "2026-08-01T12:00:01.000000000Z".into(), unix_ms: 1_785_585_601_000.0 },
    }
}

/// A grant of each endpoint that the bundled components ask for.
pub fn grant(endpoint: &str, url: &str) -> Grant {
    let allow = ["http", "loopback"].map(str::to_owned).to_vec();
    Grant::parse(GrantSpec { endpoint: endpoint.into(), url: url.into(), allow, ..GrantSpec::default() })
        .expect("a grant")
}

/// A setup whose requests go nowhere.
pub fn recording(endpoint: &str) -> Setup {
    Setup::new("{}", Door::Record(Recorder::default())).grant(grant(endpoint, "http://127.0.0.1:4318"))
}

/// Answers each request with 200 and nothing more.
pub fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut held = Vec::new();
    let mut chunk = vec![0; 256 << 10];
    loop {
        let end = loop {
            if let Some(at) = held.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
            held.extend_from_slice(&chunk[..read]);
        };
        let head = String::from_utf8_lossy(&held[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse::<usize>().ok()?;
        let mut got = held.len() - end;
        held.clear();
        while got < length {
            got += stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}
