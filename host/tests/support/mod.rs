//! What the tests of a component share: loading, granting, a batch, and a loopback server that writes down
//! what it is asked.
#![allow(dead_code, unreachable_pub)]

pub mod server;

use telemetry_host::types::{Batch, Event, Instant, Origin, SendContext};
use telemetry_host::{Component, Grant, GrantSpec, LoadError, LoadOptions, Source};

pub fn load(bytes: &[u8]) -> Result<Component, LoadError> {
    Component::load(Source::Bytes(bytes), &LoadOptions::default())
}

pub fn load_with(bytes: &[u8], change: impl FnOnce(&mut telemetry_host::Limits)) -> Component {
    let mut options = LoadOptions::default();
    change(&mut options.limits);
    Component::load(Source::Bytes(bytes), &options).unwrap_or_else(|error| panic!("{error}"))
}

pub fn spec(endpoint: &str, url: &str, allow: &[&str]) -> GrantSpec {
    GrantSpec {
        endpoint: endpoint.into(),
        url: url.into(),
        allow: allow.iter().map(|word| (*word).to_owned()).collect(),
        ..GrantSpec::default()
    }
}

pub fn grant(endpoint: &str, url: &str, allow: &[&str]) -> Grant {
    Grant::parse(spec(endpoint, url, allow)).unwrap_or_else(|error| panic!("{error}"))
}

pub fn batch(events: usize) -> Batch {
    let event = |number| Event {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        kind: "command.invocation".into(),
        name: "build".into(),
        time: Instant { rfc3339: "2026-08-01T12:00:00.000000000Z".into(), unix_ms: 1_785_585_600_000.0 },
        duration_ms: Some(12.5),
        exit_code: Some(0),
        ended: Some("finished".into()),
        ..Event::default()
    };
    Batch {
        origin: Origin {
            machine_id: Some("0123456789abcdef".into()),
            tool: "greet".into(),
            ..Origin::default()
        },
        events: (0..events).map(event).collect(),
    }
}

pub fn context() -> SendContext {
    SendContext {
        attempt: 1,
        request_id: "11111111-1111-4111-8111-111111111111".into(),
        now: Instant { rfc3339: "2026-08-01T12:00:01.000000000Z".into(), unix_ms: 1_785_585_601_000.0 },
    }
}
