//! Events to test with. Everything is fixed, so that golden files are.

use crate::{Attribute, Batch, Event, Instant, Origin, SendContext, Value};

/// 2026-08-01T12:00:00.123456789Z.
#[must_use]
pub fn instant() -> Instant {
    Instant { rfc3339: "2026-08-01T12:00:00.123456789Z".into(), unix_ms: 1_785_585_600_123.456_8 }
}

/// A tool `greet` on a Linux machine.
#[must_use]
pub fn origin() -> Origin {
    Origin {
        machine_id: Some("0123456789abcdef".into()),
        tool: "greet".into(),
        tool_version: "1.4.0".into(),
        os: "linux".into(),
        os_version: "6.8.0".into(),
        arch: "x86_64".into(),
        runtime: "rust 1.95.0".into(),
        attributes: vec![attribute("ci", Value::Boolean(true))],
    }
}

/// An attribute.
#[must_use]
pub fn attribute(key: &str, value: Value) -> Attribute {
    Attribute { key: key.into(), value }
}

/// A command of this name that ran for 12.5 ms and ended well. Its id is made from its name.
#[must_use]
pub fn command(name: &str) -> Event {
    // FNV-1a: different names have different ids, the same name the same one in every run.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Event {
        id: format!("01890a5d-ac96-8b7c-8{:03x}-{:012x}", hash >> 52, hash & 0xffff_ffff_ffff),
        kind: "command.invocation".into(),
        name: name.into(),
        time: instant(),
        duration_ms: Some(12.5),
        exit_code: Some(0),
        ended: Some("finished".into()),
        error_kind: None,
        error: None,
        args: Vec::new(),
        attributes: Vec::new(),
    }
}

/// An event in which every field is set and every kind of value is used.
#[must_use]
pub fn everything() -> Event {
    Event {
        exit_code: Some(3),
        ended: Some("exited".into()),
        error_kind: Some("std::io::Error".into()),
        error: Some("cannot read \"config.toml\"\nno such file".into()),
        args: vec!["add".into(), "--name".into(), "Zoë 😀".into()],
        attributes: vec![
            attribute("text", Value::Text("line one\nline \"two\" \u{1}".into())),
            attribute("count", Value::Number(42.0)),
            attribute("ratio", Value::Number(0.25)),
            attribute("cached", Value::Boolean(false)),
            attribute("list", Value::Other("[1,\"two\"]".into())),
        ],
        ..command("remote/add")
    }
}

/// An event with attributes of the most that a tool can record: 64 of 4 KiB each, in which every character
/// is this one. In JSON a quote has twice its bytes, and a control character six times.
#[must_use]
pub fn biggest(name: &str, letter: char) -> Event {
    let text = letter.to_string().repeat(4_096 / letter.len_utf8());
    let attributes =
        (0..64).map(|at| attribute(&format!("attribute{at}"), Value::Text(text.clone()))).collect();
    Event { attributes, ..command(name) }
}

/// Loads that press against a vendor's limits, for [`load`]: how many events, how many of them as big as a
/// tool can record, and of what these are full.
pub const LOADS: [(usize, usize, char); 9] = [
    (1, 0, 'x'),
    (1, 1, '\u{1}'),
    (2, 2, '"'),
    (999, 3, 'ä'),
    (1_000, 24, 'x'),
    (1_001, 3, '\u{1}'),
    (4_999, 3, '"'),
    (5_000, 3, 'x'),
    (5_000, 0, 'x'),
];

/// So many events, of which the [`biggest`] ones are spread among the others.
///
/// ```
/// use telemetry_backend_sdk::testing::{LOADS, load};
///
/// for (count, big, letter) in LOADS {
///     assert_eq!(load(count, big, letter).len(), count);
/// }
/// ```
#[must_use]
pub fn load(count: usize, big: usize, letter: char) -> Vec<Event> {
    let every = count.checked_div(big).unwrap_or(usize::MAX);
    let event = |at: usize| {
        let name = format!("c{at}");
        if at.is_multiple_of(every) && at / every < big { biggest(&name, letter) } else { command(&name) }
    };
    (0..count).map(event).collect()
}

/// A batch of these events from [`origin`].
#[must_use]
pub fn batch(events: Vec<Event>) -> Batch {
    Batch { origin: origin(), events }
}

/// The first attempt, a second after [`instant`].
#[must_use]
pub fn context() -> SendContext {
    SendContext {
        attempt: 1,
        request_id: "01890a5d-ac96-8b7c-8000-00000000c0de".into(),
        now: Instant { rfc3339: "2026-08-01T12:00:01.123456789Z".into(), unix_ms: 1_785_585_601_123.456_8 },
    }
}
