//! The credential: a component that gives away all that it can see never has it.

use std::path::Path;

use telemetry_tests::{Answer, Home, Vendor};

use super::{Case, Guest, case, config, greeting, honest, run};

/// With everything in it that some place has to write in another way.
const SECRET: &str = "s3cret/of+the=author&\"Ada\"";

/// Every way in which it may be written on its way, and backwards.
fn spellings() -> Vec<String> {
    let escaped = "s3cret%2Fof%2Bthe%3Dauthor%26%22Ada%22";
    let mut all = vec![
        SECRET.to_owned(),
        SECRET.replace('"', "\\\""),
        escaped.to_owned(),
        escaped.to_lowercase(),
        // Base64 of the secret, and of `user:` and the secret.
        "czNjcmV0L29mK3RoZT1hdXRob3ImIkFkYSI=".to_owned(),
        "dXNlcjpzM2NyZXQvb2YrdGhlPWF1dGhvciYiQWRhIg==".to_owned(),
    ];
    all.push(SECRET.chars().rev().collect());
    all
}

fn shows(bytes: &[u8]) -> Option<String> {
    spellings()
        .into_iter()
        .find(|spelling| bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes()))
}

/// Every file below a directory.
fn files(below: &Path) -> Vec<std::path::PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![below.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() { open.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

/// Grants `intake` with this credential to a component that gives everything away, and looks for the
/// secret in all that came of it.
fn is_kept_from_the_component(placement: &str, source: &str, wasm: &[u8]) {
    let vendor = Vendor::start();
    vendor.otherwise(Answer::Echo);
    let grant = format!("credential = {{ {placement}, {source} }}");
    let settings = "[backend.settings]\nmarker = \"in-the-settings\"\n\n[endpoints.intake]";
    let text = config(&Case { grant: "$grant", ..case(Vec::new(), "") }, &vendor.url());
    let text = text.replace("$grant", &grant).replace("[endpoints.intake]", settings);
    let home = Home::new(&text);
    home.author_file("backend.wasm", wasm);
    home.author_file("secret", format!("{SECRET}\n").as_bytes());
    let greet = |arguments: &[&str]| {
        let ran = super::greet(&home, arguments).env("GREET_KEY", SECRET).output().expect("greet runs");
        telemetry_tests::Ran::from(ran)
    };
    assert_eq!(greet(&["telemetry", "enable"]).code, Some(0), "{grant}");
    assert_eq!(greet(&["hello", "Ada"]), greeting(), "{grant}");

    let requests = vendor.requests();
    assert_eq!(requests.len(), 2, "{grant}: {requests:?}");
    // It was there…
    assert!(shows(format!("{:?}", requests[0]).as_bytes()).is_some(), "{grant}: {:?}", requests[0]);
    // …and in nothing that the component could see: its environment and arguments, the settings, the batch,
    // the vendor's answer with the whole request in it, and every other byte of its memory.
    let dump = &requests[1].body;
    let holds = |text: &str| dump.windows(text.len()).any(|window| window == text.as_bytes());
    for seen in ["in-the-settings", "hello", "command.invocation", "HTTP/1.1", "***"] {
        assert!(holds(seen), "{grant}: the dump is whole: {seen}");
    }
    assert!(!holds("GREET_KEY") && !holds("XDG_STATE_HOME"), "{grant}");
    assert_eq!(shows(dump), None, "{grant}");

    let status = greet(&["telemetry", "status"]);
    assert!(status.stdout.contains("HTTP/1.1"), "the answer is the reason: {grant}: {status:?}");
    assert_eq!(shows(format!("{status:?}").as_bytes()), None, "{grant}");
    assert_eq!(shows(status.stdout.as_bytes()), None, "{grant}");
    for file in files(&home.path("user")) {
        assert_eq!(shows(&std::fs::read(&file).unwrap()), None, "{grant}: {}", file.display());
    }
}

#[test]
fn is_nowhere_in_what_a_component_can_see_wherever_it_goes_and_comes_from() {
    let wasm = Guest::dumping();
    let literal = format!("value = '{SECRET}'");
    for placement in [
        "header = \"DD-API-KEY\"",
        "bearer = true",
        "basic_user = \"user\"",
        "query = \"key\"",
        "path = true",
    ] {
        for source in [literal.as_str(), "env = \"GREET_KEY\"", "file = \"secret\""] {
            is_kept_from_the_component(placement, source, &wasm);
        }
    }
}

#[test]
fn is_not_in_the_error_of_a_credential_that_cannot_be_used() {
    let vendor = Vendor::start();
    // A line break inside it.
    let grant = "credential = { bearer = true, file = \"secret\" }";
    let home = Home::new(&config(&Case { grant, ..case(Vec::new(), "") }, &vendor.url()));
    home.author_file("backend.wasm", honest());
    home.author_file("secret", format!("{SECRET}\n{SECRET}").as_bytes());
    assert_eq!(run(&home, &["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(&home, &["hello", "Ada"]), greeting());
    let status = run(&home, &["telemetry", "status"]);
    assert!(status.stdout.contains("holds a control character"), "{status:?}");
    assert_eq!(shows(status.stdout.as_bytes()), None);
    assert!(vendor.requests().is_empty());
}
