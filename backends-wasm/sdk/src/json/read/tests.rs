//! The reader is held to serde_json.

use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

/// The oracle: what serde_json makes of a text, numbers compared as doubles.
fn same(text: &str) -> Result<(), TestCaseError> {
    let ours = from_str::<Value>(text);
    let theirs = serde_json::from_str::<Value>(text);
    prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {:?} and {:?}", text, ours, theirs);
    prop_assert_eq!(is_json(text), theirs.is_ok(), "{:?}", text);
    if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
        prop_assert!(close(&ours, &theirs), "{:?}: {:?} and {:?}", text, ours, theirs);
    }
    Ok(())
}

fn close(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let (Some(x), Some(y)) = (a.as_f64(), b.as_f64()) else { return false };
            a == b || (a.is_f64() && b.is_f64() && (x - y).abs() <= y.abs() * 1e-13)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|it| close(value, it)))
        }
        _ => ours == theirs,
    }
}

proptest! {
    #[test]
    fn it_takes_what_serde_json_takes_and_reads_the_same(text in any::<String>()) {
        same(&text)?;
    }

    #[test]
    fn it_refuses_what_serde_json_refuses_of_what_is_nearly_json(
        text in "[\\[\\]{}:,\" \\\\ntuf0-9eE.+-]{0,24}",
    ) {
        same(&text)?;
    }

    #[test]
    fn it_reads_strings_with_every_escape(text in "\"(\\\\[nrtbfu/\"\\\\]|[0-9a-fdD]{1,4}|[ -~]|ä|😀){0,12}\"") {
        same(&text)?;
    }

    #[test]
    fn it_reads_numbers(text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?") {
        same(&text)?;
    }

    #[test]
    fn a_whole_number_and_a_short_fraction_are_exact(whole in any::<i64>(), short in -9_999_999_i64..9_999_999) {
        prop_assert_eq!(from_str::<i64>(&whole.to_string()), Ok(whole));
        let text = format!("{short}e-3");
        prop_assert_eq!(from_str::<f64>(&text), Ok(text.parse::<f64>().expect("is a number")));
    }
}

#[test]
fn known_hard_texts_are_read_as_serde_json_does() {
    for text in [
        "",
        " ",
        "null",
        " [ ] ",
        "{}",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "[1 2]",
        "01",
        "-",
        "-0",
        "1.",
        ".5",
        "1e",
        "1e400",
        "-1e400",
        "1e-400",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "0.1844674407370955161663",
        "nul",
        "truefalse",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\u12\"",
        "\"\u{1}\"",
        "\"",
        "\"\\",
        "{\"a\":[{\"b\":[true,false,null,{}]}]}",
        "[1]]",
        "{1:2}",
        "\u{feff}1",
        "[[1]",
    ] {
        same(text).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn a_text_that_is_too_deep_is_refused_and_does_not_overflow() {
    let deep = "[".repeat(100_000);
    assert!(!is_json(&deep));
    let fine = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert!(is_json(&fine));
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Round,
    Sides(u8),
    Box { width: f64 },
    Pair(u8, u8),
}

#[derive(Debug, PartialEq, Deserialize)]
struct New(Option<String>);

#[test]
fn every_kind_of_type_is_read() {
    let shapes =
        from_str(r#"["round", {"sides": 3}, {"box": {"width": 1.5}}, {"pair": [1, 2]}, {"round": null}]"#);
    let expected =
        vec![Shape::Round, Shape::Sides(3), Shape::Box { width: 1.5 }, Shape::Pair(1, 2), Shape::Round];
    assert_eq!(shapes, Ok(expected));
    assert_eq!(from_str("null"), Ok(New(None)));
    assert_eq!(from_str("\"a\""), Ok(New(Some("a".into()))));
    assert_eq!(from_str::<(u8, u8)>("[1, 2]"), Ok((1, 2)));
    assert!(from_str::<(u8, u8)>("[1, 2, 3]").is_err());
    assert!(from_str::<([u8; 1],)>("[[1]").is_err());
    assert!(from_str::<Shape>("3").is_err());
    assert!(from_str::<Shape>(r#"{"sides": 3, "x": 1}"#).is_err());
}

#[test]
fn an_error_says_what_would_be_right() {
    let error = from_str::<bool>("3").expect_err("is no boolean");
    assert_eq!(error.to_string(), "expected a boolean");
    let error = from_str::<bool>("tru").expect_err("is no JSON");
    assert_eq!(error.to_string(), "expected a value at byte 0");
}

#[test]
fn an_object_is_taken_apart_without_reading_its_values() {
    let found = entries(r#" { "a" : [1, {"b": "}"}] , "c":"d" } "#).expect("is an object");
    assert_eq!(found, [("a".into(), r#"[1, {"b": "}"}]"#.into()), ("c".to_string(), "\"d\"".to_string())]);
    for text in ["", "[]", "{", "{\"a\":1}}", "{\"a\":}"] {
        assert!(entries(text).is_err(), "{text}");
    }
}
