//! A vendor's answer, as each of the project's own backends reads it. Outside a component, where a panic is
//! seen.

use telemetry_backend_datadog::Datadog;
use telemetry_backend_http::HttpJson;
use telemetry_backend_otlp::Otlp;
use telemetry_backend_posthog::PostHog;
use telemetry_backend_sdk::testing::{self, Script};
use telemetry_backend_sdk::{Backend, Erasure, Outcome, Response, Verdict};

/// A function over any bytes, with its name, which is that of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All that are here.
pub const TARGETS: [Target; 1] = [("vendor", vendor)];

/// Two bytes of a status; then, between bytes 0xff, a content type, a header, and the body.
fn vendor(bytes: &[u8]) {
    let (status, rest) = bytes.split_at(bytes.len().min(2));
    let status = status.iter().fold(0_u16, |sum, byte| sum * 256 % 500 + u16::from(*byte)) % 500 + 100;
    let mut parts = rest.splitn(3, |byte| *byte == 0xff);
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (content_type, header) = (text(), text());
    let body = parts.next().unwrap_or_default();
    let answer = testing::answer(status)
        .with_header("content-type", &content_type)
        .with_header("retry-after", &header)
        .with_header("location", &header);
    // As the host hands it over.
    let answer = match std::str::from_utf8(body) {
        Ok(text) => answer.with_text(text),
        Err(_) => answer.with_bytes(body),
    };
    reads::<HttpJson>("{}", &answer);
    reads::<Datadog>("{}", &answer);
    reads::<Otlp>("{\"protocol\":\"http/protobuf\"}", &answer);
    reads::<Otlp>("{\"protocol\":\"http/json\"}", &answer);
    reads::<PostHog>("{\"api_key\":\"phc_0123456789abcdef\",\"api\":\"batch\"}", &answer);
    reads::<PostHog>("{\"api_key\":\"phc_0123456789abcdef\",\"api\":\"events\"}", &answer);
}

fn reads<B: Backend>(settings: &str, answer: &Response) {
    let Ok(backend) = testing::configure::<B>(settings) else { unreachable!("the settings are good") };
    let (batch, context) =
        (testing::batch(vec![testing::command("a"), testing::command("b")]), testing::context());
    // However often it asks, it is told the same.
    let script = || Script::new(std::iter::repeat_with(|| Ok(answer.clone())).take(8));
    let taken = (200..300).contains(&answer.status);
    match backend.send(&batch, &context, &mut script()) {
        Outcome::Delivered => assert!(taken, "delivered by a status {}", answer.status),
        Outcome::Partial(verdicts) => {
            assert_eq!(verdicts.len(), batch.events.len());
            assert!(taken || verdicts.iter().all(|verdict| !matches!(verdict, Verdict::Delivered)));
        }
        Outcome::Retry(_) | Outcome::TooLarge | Outcome::Rejected(_) | Outcome::Other(_) => {}
    }
    let ids = ["0123456789abcdef".to_owned()];
    if let Erasure::Receipt(_) = backend.erase(&ids, &context, &mut script()) {
        assert!(taken, "a receipt of a status {}", answer.status);
    }
}
