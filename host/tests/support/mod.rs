//! Components made on the spot, from a core module in text form and the contract's WIT, and a loopback
//! server that writes down what it is asked.
#![allow(dead_code, unreachable_pub)]

pub mod guest;
pub mod server;

use telemetry_host::types::{Batch, Event, Instant, Origin, SendContext};
use telemetry_host::{Component, Grant, GrantSpec, LoadError, LoadOptions, Source};

/// A component of the contract's world around a core module in text form.
pub fn component_of(core: &str) -> Vec<u8> {
    component_in(core, "", "backend")
}

/// The same for a world of another WIT package, which may include the contract's.
pub fn component_in(core: &str, wit: &str, world: &str) -> Vec<u8> {
    use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
    let mut module = wat::parse_str(core).unwrap_or_else(|error| panic!("{error}\n{core}"));
    let mut resolve = wit_parser::Resolve::default();
    let own = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/wit/backend.wit")).unwrap();
    let mut package = resolve.push_str("backend.wit", &own).unwrap();
    if !wit.is_empty() {
        package = resolve.push_str("test.wit", wit).unwrap_or_else(|error| panic!("{error:?}"));
    }
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap()
        .encode()
        .unwrap_or_else(|error| panic!("{error:?}"))
}

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
