//! No credential leaves a tool whose author collects everything: not in the journal on disk, not in a
//! preview, not in a request, not in the log. What only looks like one stays.

#[path = "../../collector/tests/redaction/look_alikes.rs"]
mod look_alikes;
#[path = "../../collector/tests/redaction/shapes.rs"]
#[allow(dead_code, reason = "the letters are for other tests")]
mod shapes;

use telemetry_tests::{Home, Vendor, eventually};

fn config(url: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.leaky\"\nsend_from_debug_builds = true\nextended = true\n\n\
         [backend]\nuse = \"http\"\n\n\
         [endpoints.receiver]\nurl = \"{url}/\"\nallow = [\"http\", \"loopback\"]\n\n\
         [delivery]\nmode = \"never\"\n"
    )
}

fn run(home: &Home, arguments: &[&str]) -> String {
    let output = home.leaky(arguments).output().expect("leaky runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every text in a JSON document.
fn texts(json: &serde_json::Value, to: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) => to.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|it| texts(it, to)),
        serde_json::Value::Object(items) => items.iter().for_each(|(key, it)| {
            to.push(key.clone());
            texts(it, to);
        }),
        _ => {}
    }
}

/// Everything that the tool wrote, showed or sent, each as one text by the name of where it was; and the
/// events in it where it is a list of events.
struct Seen {
    disk: Vec<u8>,
    texts: Vec<(&'static str, String)>,
    events: Vec<(&'static str, Vec<serde_json::Value>)>,
}

fn parsed(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A JSON document with every text in it beside it as it is, without escapes.
fn document(text: &str) -> String {
    let mut found = vec![text.to_owned()];
    texts(&parsed(text), &mut found);
    // A body is JSON inside JSON.
    for inner in found.clone() {
        if let Ok(json @ serde_json::Value::Array(_)) = serde_json::from_str(&inner) {
            texts(&json, &mut found);
        }
    }
    found.join("\n")
}

fn list(json: &serde_json::Value) -> Vec<serde_json::Value> {
    json.as_array().expect("a list").clone()
}

/// Sends what is pending, and looks at all of it before and after. The preview must be of all of it.
fn seen(home: &Home, vendor: &Vendor) -> Seen {
    let mut disk = Vec::new();
    for path in home.created() {
        disk.extend(std::fs::read(home.path("user").join(path)).unwrap_or_default());
        disk.push(b'\n');
    }
    let mut seen = Seen { disk, texts: Vec::new(), events: Vec::new() };
    seen.texts.push(("the disk", String::from_utf8_lossy(&seen.disk).into_owned()));

    let preview = run(home, &["telemetry", "preview", "--json"]);
    let json = parsed(&preview);
    assert_eq!(json["more"], 0, "a preview of everything");
    let bodies = list(&json["requests"]).into_iter();
    let bodies = bodies.filter_map(|request| Some(list(&parsed(request["body"].as_str()?))));
    seen.events.push(("the preview", bodies.flatten().collect()));
    seen.texts.push(("the preview", document(&preview)));
    seen.texts.push(("the preview as text", run(home, &["telemetry", "preview"])));

    let log = run(home, &["telemetry", "log", "--json", "-n", "60000"]);
    let events = list(&parsed(&log)["events"]).into_iter().map(|it| it["json"].clone());
    seen.events.push(("the log", events.collect()));
    seen.texts.push(("the log", document(&log)));
    seen.texts.push(("the log as text", run(home, &["telemetry", "log", "-n", "60000"])));

    let before = vendor.requests().len();
    eventually("all is delivered", || {
        home.leaky(&["telemetry", "flush"]).output().is_ok_and(|output| output.status.success())
    });
    let requests = vendor.requests().split_off(before);
    seen.events.push(("a request", requests.iter().flat_map(|request| list(&request.json())).collect()));
    for request in requests {
        seen.texts.push(("a request", document(&String::from_utf8_lossy(&request.decoded()))));
        seen.texts.push(("a request's head", format!("{} {:?}", request.line, request.headers)));
    }
    seen.texts.push(("the log after", run(home, &["telemetry", "log", "--json"])));
    seen
}

/// A field as the journal has it: a tag, a length in sevens of bits, the text.
fn field(tag: u8, text: &str) -> Vec<u8> {
    let (mut bytes, mut length) = (vec![tag], text.len());
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// The text of an attribute as the journal has it: its key, the mark of a text, the text.
fn attribute(key: &str, text: &str) -> Vec<u8> {
    [key.as_bytes(), &[0], text.as_bytes()].concat()
}

/// Bytes as a text of as many characters: the standard library searches in texts fast, and in bytes not.
fn spelled(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[test]
fn no_shape_of_credential_is_stored_shown_or_sent_and_what_stands_in_its_place_is() {
    const ERROR: u8 = 9;
    const ARGUMENT: u8 = 10;
    let shapes = shapes::all();
    assert!(shapes.len() >= 60);
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    run(&home, &["telemetry", "enable"]);
    let (mut leaks, mut missing) = (Vec::new(), Vec::new());
    for some in shapes.chunks(16) {
        let texts: Vec<&str> = some.iter().map(|shape| shape.text.as_str()).collect();
        let arguments = [&["leak"], &texts[..]].concat();
        run(&home, &arguments);
        let seen = seen(&home, &vendor);
        for shape in some {
            let escaped = escaped_text(&shape.secret);
            for (place, text) in &seen.texts {
                if text.contains(&shape.secret) || text.contains(&escaped) {
                    leaks.push(format!("{} in {place}", shape.rule));
                }
            }
        }
        let disk = spelled(&seen.disk);
        // Each was recorded in each of the three: what is missing did not leak for another reason.
        let redacted: Vec<String> =
            telemetry::redact::redact_args(arguments.iter().copied()).map(|it| it.into_owned()).collect();
        for (shape, argument) in some.iter().zip(&redacted[1..]) {
            let clean = telemetry::redact::redact(&shape.text);
            assert!(clean.contains("[redacted]") && argument.contains("[redacted]"), "{}", shape.rule);
            let mut want = |there: bool, what: &str, place: &str| {
                if !there {
                    missing.push(format!("{} as {what} in {place}", shape.rule));
                }
            };
            want(disk.contains(&spelled(&field(ARGUMENT, argument))), "an argument", "the journal on disk");
            want(disk.contains(&spelled(&field(ERROR, &clean))), "an error", "the journal on disk");
            want(disk.contains(&spelled(&attribute("text", &clean))), "an attribute", "the journal on disk");
            for (place, events) in &seen.events {
                let any = |at: &dyn Fn(&serde_json::Value) -> bool| events.iter().any(at);
                want(any(&|it| it["args"] == serde_json::json!(redacted)), "an argument", place);
                want(any(&|it| it["error"] == *clean), "an error", place);
                want(any(&|it| it["attributes"]["text"] == *clean), "an attribute", place);
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    assert!(missing.is_empty(), "{} are missing:\n{}", missing.len(), missing.join("\n"));
}

/// A text as it is inside of JSON.
fn escaped_text(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("JSON");
    quoted.trim_matches('"').to_owned()
}

#[test]
fn what_only_looks_like_a_credential_stays_as_it_is() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    run(&home, &["telemetry", "enable"]);
    // A long one is cut, which is no redaction; a `--` ends clap's options.
    let texts: Vec<&str> = look_alikes::ALL.iter().copied().filter(|text| !text.starts_with("--")).collect();
    assert!(texts.len() >= 40);
    for text in &texts {
        run(&home, &["leak", text]);
    }
    let log: serde_json::Value =
        serde_json::from_str(&run(&home, &["telemetry", "log", "--json", "-n", "60000"])).expect("JSON");
    let events = log["events"].as_array().expect("events");
    for text in &texts {
        let shows = |at: &dyn Fn(&serde_json::Value) -> bool| events.iter().any(|it| at(&it["json"]));
        assert!(shows(&|it| it["attributes"]["text"] == **text), "attribute: {text}");
        assert!(shows(&|it| it["error"] == **text), "error: {text}");
        let has_argument = |it: &serde_json::Value| {
            it["args"].as_array().is_some_and(|args| args.iter().any(|arg| arg == text))
        };
        assert!(shows(&has_argument), "argument: {text}");
    }
}

#[test]
fn each_of_the_librarys_kinds_arrives_under_its_name() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    run(&home, &["telemetry", "enable"]);
    run(&home, &["kinds"]);
    run(&home, &["telemetry", "flush"]);
    let events = vendor.wait_for(1)[0].json();
    let kinds: Vec<_> = events.as_array().expect("events").iter().map(|it| it["type"].clone()).collect();
    assert_eq!(kinds, telemetry::event::kind::ALL[..5]);
    assert_eq!(events[1]["error"], "it is broken");
}
