//! What is recorded of parameters and expressions.

use std::borrow::Cow;
use std::ffi::OsString;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use telemetry::event::{Event, Value};

use crate::seen::{one, value};

#[derive(Clone, Copy, telemetry::Recordable)]
enum Format {
    Json,
    PlainText,
    #[recordable(rename = "yml")]
    Yaml(()),
    Table {
        _width: u8,
    },
}

#[derive(telemetry::Recordable)]
struct Port(u16);

#[telemetry::command]
fn says_nothing(_path: &str, _secret: String, _count: u8) {}

#[test]
fn nothing_is_recorded_of_a_parameter_that_is_not_named() {
    let (_, event) = one(|| says_nothing("a", "b".into(), 1));
    assert!(event.attributes.is_empty());
}

#[telemetry::command(record(flag, count, ratio, format, port, level))]
fn safe(flag: bool, count: u64, ratio: f64, format: Format, port: &Port, level: Option<NonZeroU16>) {}

#[test]
fn booleans_numbers_and_enums_are_recorded_by_name() {
    let (_, event) = one(|| safe(true, 3, 0.5, Format::PlainText, &Port(80), NonZeroU16::new(2)));
    for (key, expected) in [
        ("flag", Value::from(true)),
        ("count", Value::from(3_u64)),
        ("ratio", Value::from(0.5)),
        ("format", Value::from("plain-text")),
        ("port", Value::from(80_u16)),
        ("level", Value::from(2_u16)),
    ] {
        assert_eq!(value(&event, key), Some(&expected), "{key}");
    }
}

#[test]
fn a_case_is_recorded_without_what_is_inside() {
    let named = |format| {
        let (_, event) = one(|| safe(false, 0, 0.0, format, &Port(0), None));
        assert_eq!(value(&event, "level"), None, "nothing is recorded of nothing");
        value(&event, "format").cloned().map(owned)
    };
    assert_eq!(named(Format::Json), Some("json".into()));
    assert_eq!(named(Format::Yaml(())), Some("yml".into()));
    assert_eq!(named(Format::Table { _width: 1 }), Some("table".into()));
}

fn owned(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.into_owned(),
        other => format!("{other:?}"),
    }
}

#[telemetry::command(record(count, size, signed))]
fn large(count: u128, size: usize, signed: i128) {}

#[test]
fn a_number_that_is_too_large_is_the_largest_that_fits() {
    let (_, event) = one(|| large(u128::MAX, 1, i128::MIN));
    assert_eq!(value(&event, "count"), Some(&Value::Integer(i64::MAX)));
    assert_eq!(value(&event, "size"), Some(&Value::Integer(1)));
    assert_eq!(value(&event, "signed"), Some(&Value::Integer(i64::MIN)));
}

#[telemetry::command(record(
    text(name),
    text(path),
    text(letter),
    text(os),
    text(cow),
    text(maybe),
    text(boxed)
))]
fn texts(
    name: &str,
    path: &Path,
    letter: char,
    os: OsString,
    cow: Cow<'_, str>,
    maybe: Option<PathBuf>,
    boxed: Box<str>,
) -> usize {
    name.len()
        + path.as_os_str().len()
        + letter.len_utf8()
        + os.len()
        + cow.len()
        + boxed.len()
        + maybe.iter().count()
}

#[test]
fn text_is_recorded_where_it_is_asked_for() {
    let (_, event) = one(|| texts("a", Path::new("b"), 'c', "d".into(), "e".into(), None, "f".into()));
    let texts: Vec<_> = event.attributes.iter().map(|it| (&*it.key, owned(it.value.clone()))).collect();
    let expected = [("name", "a"), ("path", "b"), ("letter", "c"), ("os", "d"), ("cow", "e"), ("boxed", "f")];
    assert_eq!(texts, expected.map(|(key, text)| (key, text.to_owned())));
}

#[telemetry::command(metadata(
    words = words.len(),
    first = words.first(),
    joined = words.join("/"),
    "dotted.key" = 1 + 1,
    a.b = format,
    nothing = None::<bool>,
))]
fn expressions(words: &[String], format: Format) {}

#[test]
fn expressions_over_parameters_are_recorded() {
    let (_, event) = one(|| expressions(&["x".into(), "y".into()], Format::Json));
    let found = |key: &str| value(&event, key).cloned().map(owned);
    assert_eq!(found("words"), Some("Integer(2)".into()));
    assert_eq!(found("first"), Some("x".into()));
    assert_eq!(found("joined"), Some("x/y".into()));
    assert_eq!(found("dotted.key"), Some("Integer(2)".into()));
    assert_eq!(found("a.b"), Some("json".into()));
    assert_eq!(found("nothing"), None);
}

#[telemetry::command(metadata(cost = expensive(calls)))]
fn lazy(calls: &std::cell::Cell<u8>) {}

fn expensive(calls: &std::cell::Cell<u8>) -> u8 {
    calls.set(calls.get() + 1);
    1
}

#[test]
fn expressions_are_evaluated_once() {
    let calls = std::cell::Cell::new(0);
    let (_, event) = one(|| lazy(&calls));
    assert_eq!((calls.get(), event.attributes.len()), (1, 1));
}

#[telemetry::command(name = "remote/add", purpose = "To see whether anybody adds remotes.")]
fn named() {}

#[test]
fn a_name_is_a_path_of_words() {
    let (_, event) = one(named);
    assert_eq!(event.name, "remote/add");
}

#[test]
fn events_of_one_process_have_different_ids() {
    let (_, events): (_, Vec<Event<'_>>) = telemetry::capture(false, || (named(), named()));
    assert_ne!(events[0].id, events[1].id);
}
