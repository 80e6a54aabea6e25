//! 1,000 events through the OTLP component to a loopback server, beside the same 1,000 through the
//! OpenTelemetry SDK's own exporter, in turn.
//!
//! `cargo bench -p telemetry-host --bench otlp`
//!
//! Target: at most 1.2 of its time. Prints the figure beside it, and exits with 1 where it is missed. Both begin
//! with events in memory and end with the vendor's answer; both send protobuf, uncompressed, over a connection
//! that is open already.

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, LogProcessor, SdkLogRecord, SdkLoggerProvider};
use support::{Report, batch, context, grant, ms, server};
use telemetry_host::types::{Outcome, Value};
use telemetry_host::{Backend, Component, Door, LoadOptions, Setup, Source};

const EVENTS: usize = 1_000;
const ROUNDS: usize = 200;
/// The most that ours may take, of theirs.
const RATIO: f64 = 1.2;

fn main() -> std::process::ExitCode {
    let url = format!("http://{}", server());
    let events = batch(EVENTS);

    let wasm = telemetry_backends::get("otlp").expect("bundled").wasm;
    let component = Component::load(Source::Bytes(wasm), &LoadOptions::default()).expect("it loads");
    let settings = r#"{"compression": "none"}"#;
    let setup = Setup::new(settings, Door::open()).grant(grant("collector", &url));
    let mut backend = Backend::start(&component, setup).expect("it starts");

    let (records, scope) = records();
    let pairs: Vec<(&SdkLogRecord, &InstrumentationScope)> = records.iter().map(|it| (it, &scope)).collect();
    let exporter = exporter(&url);

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let events = events.clone();
        ours.push(timed(|| {
            assert_eq!(backend.send_owned(events, &context()).expect("an outcome"), Outcome::Delivered);
        }));
        theirs.push(timed(|| {
            block_on(exporter.export(LogBatch::new(&pairs))).expect("exported");
        }));
    }
    let (ours, theirs) = (middle(ours), middle(theirs));
    println!("{EVENTS} events to a loopback server, median of {ROUNDS} rounds in turn");
    let mut report = Report::default();
    report.figure("through the component", &ms(ours));
    report.figure("the OpenTelemetry SDK's own", &ms(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    report.target("ratio", &format!("{ratio:.2}"), &format!("<= {RATIO}"), ratio <= RATIO);
    report.end()
}

fn timed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn exporter(url: &str) -> impl LogExporter {
    let client = reqwest::blocking::Client::builder()
        .tls_backend_preconfigured(no_tls())
        .no_proxy()
        .build()
        .expect("a client");
    let mut exporter = opentelemetry_otlp::LogExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{url}/v1/logs"))
        .build()
        .expect("an exporter");
    let resource = Resource::builder_empty()
        .with_service_name("greet")
        .with_attribute(opentelemetry::KeyValue::new("service.version", "1.4.0"))
        .with_attribute(opentelemetry::KeyValue::new("app.installation.id", "0123456789abcdef"))
        .with_attribute(opentelemetry::KeyValue::new("os.type", "linux"))
        .with_attribute(opentelemetry::KeyValue::new("os.version", "6.18"))
        .with_attribute(opentelemetry::KeyValue::new("host.arch", "x86_64"))
        .build();
    exporter.set_resource(&resource);
    exporter
}

/// The client wants a TLS setup even where it never speaks TLS.
fn no_tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("a provider")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// The same events as the SDK's records.
fn records() -> (Vec<SdkLogRecord>, InstrumentationScope) {
    let kept = Kept::default();
    let provider = SdkLoggerProvider::builder().with_log_processor(kept.clone()).build();
    let logger = provider.logger("cli-telemetry");
    for event in batch(EVENTS).events {
        let mut record = logger.create_log_record();
        let time = std::time::UNIX_EPOCH + Duration::from_secs_f64(event.time.unix_ms / 1e3);
        record.set_timestamp(time);
        record.set_observed_timestamp(time);
        record.set_event_name("command.invocation");
        record.set_severity_number(Severity::Info);
        record.set_severity_text("INFO");
        record.set_body(AnyValue::String(event.name.clone().into()));
        record.add_attribute("event.name", event.name);
        record.add_attribute("event.type", event.kind);
        record.add_attribute("log.record.uid", event.id);
        record.add_attribute("command.duration_ms", event.duration_ms.unwrap_or_default());
        record.add_attribute("process.exit.code", i64::from(event.exit_code.unwrap_or_default()));
        record.add_attribute("command.ended", event.ended.unwrap_or_default());
        for attribute in event.attributes {
            let value = match attribute.value {
                Value::Text(text) | Value::Other(text) => AnyValue::String(text.into()),
                Value::Number(number) => AnyValue::Double(number),
                Value::Boolean(flag) => AnyValue::Boolean(flag),
            };
            record.add_attribute(attribute.key, value);
        }
        logger.emit(record);
    }
    let records = std::mem::take(&mut *kept.0.lock().expect("no panic"));
    assert_eq!(records.len(), EVENTS);
    (records, InstrumentationScope::builder("cli-telemetry").build())
}

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SdkLogRecord>>>);

impl LogProcessor for Kept {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        self.0.lock().expect("no panic").push(record.clone());
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
}

/// The exporter's future is done when it is first polled: its client blocks.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::yield_now();
    }
}
