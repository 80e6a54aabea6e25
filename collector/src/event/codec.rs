//! An event as the bytes that the journal keeps beside its id, which is the record's.
//!
//! A sequence of fields: one byte of tag, the length of the value as a LEB128 number, the value.
//! A reader skips tags that it does not know, so a later version can say more; it takes defaults for
//! what is missing, and refuses only what contradicts itself. Numbers are little-endian.
//!
//! Written by hand because it is on the recording path: no allocation, no formatting, and about a
//! third of the bytes of JSON.

use std::borrow::Cow;
use std::time::Duration;

use super::clean::{Cleaner, LEFT_OUT, MAX_ATTRIBUTES, MAX_KEY};
use super::{Attribute, Ended, Event, EventId, Timestamp, Value, kind};
use crate::scratch::Scratch;

const KIND: u8 = 2;
const NAME: u8 = 3;
const TIME: u8 = 4;
const DURATION: u8 = 5;
const EXIT_CODE: u8 = 6;
const ENDED: u8 = 7;
const ERROR_KIND: u8 = 8;
const ERROR: u8 = 9;
const ARGUMENT: u8 = 10;
const ATTRIBUTE: u8 = 11;
/// A kind that every tool has, by its place in [`kind::ALL`].
const KNOWN_KIND: u8 = 12;

const TEXT: u8 = 0;
const INTEGER: u8 = 1;
const NUMBER: u8 = 2;
const BOOLEAN: u8 = 3;

/// Appends the event to `out` with this time and without its id, its texts cleaned, and what `metadata` says beside it: the
/// event's own attributes win.
pub(crate) fn encode(event: &Event<'_>, time: Timestamp, metadata: &[Attribute<'_>], out: &mut Scratch) {
    let clean = Cleaner;
    // Most say it by the constant, which is the same text at the same place.
    let known = kind::ALL
        .iter()
        .position(|known| std::ptr::eq(*known, &*event.kind))
        .or_else(|| kind::ALL.iter().position(|known| *known == event.kind));
    match known {
        Some(known) => out.put([KNOWN_KIND, 1, known as u8]),
        None => field(out, KIND, clean.declared(&event.kind).as_bytes()),
    }
    field(out, NAME, clean.declared(&event.name).as_bytes());
    let [a, b, c, d, e, f, g, h] = time.seconds.to_le_bytes();
    let [i, j, k, l] = time.nanos.to_le_bytes();
    out.put([TIME, 12, a, b, c, d, e, f, g, h, i, j, k, l]);
    if let Some(duration) = event.duration {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        out.put([DURATION, 8]);
        out.put(nanos.to_le_bytes());
    }
    if let Some(code) = event.exit_code {
        out.put([EXIT_CODE, 4]);
        out.put(code.to_le_bytes());
    }
    if let Some(ended) = event.ended {
        let code = Ended::ALL.iter().position(|&way| way == ended).unwrap_or(0);
        out.put([ENDED, 1, code as u8]);
    }
    if let Some(kind) = &event.error_kind {
        field(out, ERROR_KIND, clean.declared(kind).as_bytes());
    }
    if let Some(error) = &event.error {
        field(out, ERROR, clean.text(error).as_bytes());
    }
    if !event.args.is_empty() {
        clean.arguments(&event.args, |argument| field(out, ARGUMENT, argument.as_bytes()));
    }
    if event.attributes.len() + metadata.len() <= MAX_ATTRIBUTES {
        for attribute in event.attributes.iter() {
            encode_attribute(attribute, out);
        }
        for attribute in metadata.iter().filter(|more| !says(event, more)) {
            encode_attribute(attribute, out);
        }
    } else {
        encode_many(event, metadata, out);
    }
}

fn says(event: &Event<'_>, more: &Attribute<'_>) -> bool {
    event.attributes.iter().any(|own| own.key == more.key)
}

/// More attributes than an event may have, perhaps: what is left out is counted.
#[cold]
fn encode_many(event: &Event<'_>, metadata: &[Attribute<'_>], out: &mut Scratch) {
    let all = || event.attributes.iter().chain(metadata.iter().filter(|more| !says(event, more)));
    let count = all().count();
    let kept = if count > MAX_ATTRIBUTES { MAX_ATTRIBUTES - 1 } else { MAX_ATTRIBUTES };
    for attribute in all().take(kept) {
        encode_attribute(attribute, out);
    }
    if count > MAX_ATTRIBUTES {
        encode_attribute(&Attribute::new(LEFT_OUT, count - kept), out);
    }
}

fn encode_attribute(attribute: &Attribute<'_>, out: &mut Scratch) {
    // Nearly every one is as it may be written.
    match &attribute.value {
        Value::Text(value) if attribute.key.len() <= MAX_KEY && Cleaner.keeps_text(value) => {
            encode_value(attribute.key.as_bytes(), TEXT, value.as_bytes(), out);
        }
        _ => encode_cleaned(attribute, out),
    }
}

fn encode_cleaned(attribute: &Attribute<'_>, out: &mut Scratch) {
    let clean = Cleaner;
    let key = clean.declared(&attribute.key);
    let key = key.as_bytes();
    match &attribute.value {
        Value::Text(value) => encode_value(key, TEXT, clean.text(value).as_bytes(), out),
        Value::Declared(value) => encode_value(key, TEXT, clean.declared(value).as_bytes(), out),
        Value::Integer(number) => encode_value(key, INTEGER, &number.to_le_bytes(), out),
        Value::Number(number) => encode_value(key, NUMBER, &number.to_le_bytes(), out),
        Value::Boolean(flag) => encode_value(key, BOOLEAN, &[u8::from(*flag)], out),
    }
}

#[inline]
fn encode_value(key: &[u8], tag: u8, value: &[u8], out: &mut Scratch) {
    let size = length_of(key.len()) + key.len() + 1 + value.len();
    if size < 0x80 {
        return out.put_parts([ATTRIBUTE, size as u8, key.len() as u8], key, [tag], value);
    }
    out.put([ATTRIBUTE]);
    length(out, size);
    length(out, key.len());
    out.put_parts([], key, [tag], value);
}

#[inline]
fn field(out: &mut Scratch, tag: u8, value: &[u8]) {
    if value.len() < 0x80 {
        return out.put_parts([tag, value.len() as u8], value, [], &[]);
    }
    out.put([tag]);
    length(out, value.len());
    out.put_slice(value);
}

#[cold]
#[inline(never)]
fn length(out: &mut Scratch, mut length: usize) {
    while length >= 0x80 {
        out.put([length as u8 | 0x80]);
        length >>= 7;
    }
    out.put([length as u8]);
}

const fn length_of(length: usize) -> usize {
    let mut bytes = 1;
    let mut rest = length >> 7;
    while rest > 0 {
        bytes += 1;
        rest >>= 7;
    }
    bytes
}

/// Reads the event of this id back; `None` where the bytes are not one.
pub(crate) fn decode(id: EventId, mut bytes: &[u8]) -> Option<Event<'static>> {
    let mut event = Event::new("", "");
    event.id = id;
    let (mut args, mut attributes) = (Vec::new(), Vec::new());
    while let Some((&tag, rest)) = bytes.split_first() {
        let (value, rest) = take(rest)?;
        bytes = rest;
        match tag {
            KIND => event.kind = text(value)?,
            KNOWN_KIND => event.kind = (*kind::ALL.get(usize::from(*value.first()?))?).into(),
            NAME => event.name = text(value)?,
            TIME => {
                let (seconds, nanos) = value.split_first_chunk::<8>()?;
                event.time = Timestamp {
                    seconds: i64::from_le_bytes(*seconds),
                    nanos: u32::from_le_bytes(nanos.try_into().ok()?).min(999_999_999),
                };
            }
            DURATION => {
                event.duration = Some(Duration::from_nanos(u64::from_le_bytes(value.try_into().ok()?)))
            }
            EXIT_CODE => event.exit_code = Some(i32::from_le_bytes(value.try_into().ok()?)),
            ENDED => event.ended = Ended::ALL.get(usize::from(*value.first()?)).copied(),
            ERROR_KIND => event.error_kind = Some(text(value)?),
            ERROR => event.error = Some(text(value)?),
            ARGUMENT => args.push(text(value)?),
            ATTRIBUTE => attributes.push(decode_attribute(value)?),
            _ => {}
        }
    }
    event.args = args.into();
    event.attributes = attributes.into();
    (id != EventId([0; 16])).then_some(event)
}

fn decode_attribute(bytes: &[u8]) -> Option<Attribute<'static>> {
    let (key, rest) = take(bytes)?;
    let (&tag, value) = rest.split_first()?;
    let value = match tag {
        TEXT => Value::Text(text(value)?),
        INTEGER => Value::Integer(i64::from_le_bytes(value.try_into().ok()?)),
        NUMBER => Value::Number(f64::from_le_bytes(value.try_into().ok()?)),
        BOOLEAN => Value::Boolean(*value.first()? != 0),
        _ => return None,
    };
    Some(Attribute { key: text(key)?, value })
}

fn text(bytes: &[u8]) -> Option<Cow<'static, str>> {
    Some(Cow::Owned(std::str::from_utf8(bytes).ok()?.to_owned()))
}

/// A length and as many bytes, and what follows.
fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0usize;
    for (at, &byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return bytes[at + 1..].split_at_checked(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text that holds no credential by accident: what is redacted is not what was given.
    fn text() -> impl Strategy<Value = String> {
        "[a-zé語🔑\\n\"]{0,12}"
    }

    fn value() -> impl Strategy<Value = Value<'static>> {
        prop_oneof![
            text().prop_map(Value::from),
            any::<i64>().prop_map(Value::Integer),
            any::<i32>().prop_map(|n| Value::Number(f64::from(n) / 7.0)),
            any::<bool>().prop_map(Value::Boolean),
        ]
    }

    prop_compose! {
        fn event()(
            id in any::<[u8; 16]>().prop_filter("an id is never zero", |id| *id != [0; 16]),
            kind in prop_oneof![any::<String>(), prop::sample::select(&kind::ALL[..]).prop_map(str::to_owned)],
            (name, error_kind) in any::<(String, Option<String>)>(),
            error in proptest::option::of(text()),
            (seconds, nanos) in (any::<i64>(), 0..1_000_000_000u32),
            duration in proptest::option::of(any::<u64>().prop_map(Duration::from_nanos)),
            exit_code in any::<Option<i32>>(),
            ended in proptest::option::of((0..6usize).prop_map(|at| Ended::ALL[at])),
            args in proptest::collection::vec(text(), 0..4),
            attributes in proptest::collection::vec((text(), value()), 0..4),
        ) -> Event<'static> {
            Event {
                id: EventId(id),
                kind: kind.into(),
                name: name.into(),
                time: Timestamp { seconds, nanos },
                duration,
                exit_code,
                ended,
                error_kind: error_kind.map(Cow::Owned),
                error: error.map(Cow::Owned),
                args: args.into_iter().map(Cow::Owned).collect(),
                attributes: attributes.into_iter().map(|(key, value)| Attribute { key: key.into(), value }).collect(),
            }
        }
    }

    fn stored(event: &Event<'_>, metadata: &[Attribute<'_>]) -> Event<'static> {
        let mut bytes = Scratch::new();
        encode(event, event.time, metadata, &mut bytes);
        decode(EventId::from_parts(1, 1), bytes.bytes()).unwrap()
    }

    #[test]
    fn too_many_arguments_and_attributes_and_too_long_texts_are_left_out_and_marked() {
        let mut event = Event::new("k".repeat(300), "n".repeat(300));
        event.error_kind = Some("e".repeat(300).into());
        event.error = Some("words ".repeat(2_000).into());
        event.args = (0..200).map(|n| Cow::Owned(format!("a{n}"))).collect();
        event.attributes = (0..100).map(|n| Attribute::new(format!("k{n}"), n)).collect();
        let metadata = [Attribute::new("k99", "the event's own wins"), Attribute::new("tool", "greet")];
        let kept = stored(&event, &metadata);
        assert_eq!((kept.kind.len(), kept.name.len()), (256, 256));
        assert!(kept.kind.ends_with('…') && kept.name.ends_with('…'));
        assert!(kept.error_kind.unwrap().ends_with('…'));
        let error = kept.error.unwrap();
        assert!(error.len() <= 4_096 && error.ends_with('…'));
        assert_eq!((kept.args.len(), &*kept.args[126], &*kept.args[127]), (128, "a126", "…"));
        assert_eq!(kept.attributes.len(), 64);
        // 37 of the event's, and the tool's one that the event does not say itself.
        assert_eq!(kept.attributes[63], Attribute::new("attributes_left_out", 38_i64));
    }

    #[test]
    fn the_numbers_of_the_kinds_on_disk_stay_what_they_are() {
        let kinds = [
            "command.invocation",
            "command.error",
            "feature.used",
            "update.check",
            "update.applied",
            "data.deletion_request",
        ];
        for (number, kind) in kinds.into_iter().enumerate() {
            let mut bytes = Scratch::new();
            encode(&Event::new(kind, "n"), Timestamp::default(), &[], &mut bytes);
            assert!(bytes.bytes().starts_with(&[12, 1, number as u8, 3, 1, b'n']), "{kind}");
        }
    }

    #[test]
    fn as_many_as_fit_are_kept_whole_and_nothing_is_marked() {
        let mut event = Event::new("kind", "name");
        event.args = (0..128).map(|n| Cow::Owned(format!("a{n}"))).collect();
        event.attributes = (0..63).map(|n| Attribute::new(format!("k{n}"), n)).collect();
        let metadata = [Attribute::new("k0", "twice"), Attribute::new("tool", "greet")];
        let kept = stored(&event, &metadata);
        assert_eq!((kept.args.len(), &*kept.args[127]), (128, "a127"));
        assert_eq!((kept.attributes.len(), &*kept.attributes[63].key), (64, "tool"));
        assert_eq!(kept.attributes[0], Attribute::new("k0", 0_i64));
    }

    #[test]
    fn what_the_author_declared_is_not_redacted_though_it_looks_like_a_secret_and_the_same_text_is() {
        const CASE: &str = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
        let mut event = Event::new(CASE, CASE);
        event.error_kind = Some(CASE.into());
        let case = crate::command::private::case(CASE).unwrap();
        let attributes = [
            Attribute { key: CASE.into(), value: case },
            Attribute::new("text", CASE),
            Attribute::new("plain", "b"),
        ];
        event.attributes = attributes.into_iter().collect();
        let kept = stored(&event, &[]);
        assert_eq!((&*kept.kind, &*kept.name, kept.error_kind.as_deref()), (CASE, CASE, Some(CASE)));
        assert_eq!(kept.attributes[0], Attribute::new(CASE, CASE));
        assert_eq!(kept.attributes[1], Attribute::new("text", "[redacted]"));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(event in event()) {
            let mut bytes = Scratch::new();
            encode(&event, event.time, &[], &mut bytes);
            let read = decode(event.id, bytes.bytes());
            prop_assert_eq!(read.as_ref(), Some(&event));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            decode(EventId::from_parts(1, 1), &bytes);
        }

        #[test]
        fn a_field_from_a_later_version_is_skipped(event in event(), tag in 100..=255u8, more in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Scratch::new();
            field(&mut bytes, tag, &more);
            encode(&event, event.time, &[], &mut bytes);
            let read = decode(event.id, bytes.bytes());
            prop_assert_eq!(read.as_ref(), Some(&event));
        }
    }
}
