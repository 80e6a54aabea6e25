//! What the compiler says where an attribute is used wrongly: each message, and that it points at the
//! author's own tokens; and that what it says about an author's code is what it says without the attribute.
//! `TRYBUILD=overwrite` writes the messages instead.

use std::fs;
use std::path::Path;

#[test]
fn each_wrong_use_is_reported_where_it_is_written() {
    // The manifest that trybuild writes is in the target directory, and a configuration is beside it.
    let beside =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tests/trybuild").join(env!("CARGO_PKG_NAME"));
    fs::create_dir_all(&beside).unwrap();
    fs::copy("tests/ui/wrong_configuration.toml", beside.join("wrong_telemetry.toml")).unwrap();
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    cases.compile_fail("tests/as_plain/*.rs");
}

/// What is told otherwise because the body is in a closure or in a state machine of its own, at the same place
/// and with the same code: a moved variable is not named (the compiler names what a closure captured only
/// where the closure is written by hand), a lifetime is the closure's, `?` does not point at the signature, and
/// what is not `Send` is a captured parameter.
const OTHERWISE: [&str; 4] = ["borrowed_for_too_short", "moved_twice", "not_send", "wrong_question_mark"];

/// `as_plain` holds each program twice, with the attribute and without.
#[test]
fn an_authors_mistakes_are_told_as_they_are_without_the_attribute() {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("tests/as_plain").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|it| it != "rs") || name.ends_with("_plain") {
            continue;
        }
        let plain = path.with_file_name(format!("{name}_plain.rs"));
        let without = read(&path).replace("#[telemetry::command]", "//");
        assert_eq!(read(&plain), without, "{name}: the same program");
        let told = read(&path.with_extension("stderr"));
        let told_plainly = read(&plain.with_extension("stderr")).replace("_plain.rs", ".rs");
        if OTHERWISE.contains(&&*name) {
            assert_ne!(told, told_plainly, "{name} is told as without the attribute now");
            assert_eq!(heads(&told), heads(&told_plainly), "{name}");
        } else {
            assert_eq!(sorted(&told), sorted(&told_plainly), "{name}");
        }
        pairs.push(name);
    }
    assert!(pairs.len() >= 10 && OTHERWISE.iter().all(|it| pairs.iter().any(|name| name == it)), "{pairs:?}");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A message's lines, in any order: a body's lints come before or after those of the function.
fn sorted(told: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = told.lines().filter(|it| !it.is_empty()).collect();
    lines.sort_unstable();
    lines
}

/// The code of each error, and where it is.
fn heads(told: &str) -> Vec<(&str, &str)> {
    let lines: Vec<&str> = told.lines().collect();
    let errors = lines.windows(2).filter(|pair| pair[0].starts_with("error"));
    errors.map(|pair| (pair[0].split(':').next().unwrap_or_default(), pair[1].trim())).collect()
}
