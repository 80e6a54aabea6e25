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

/// Everything that the tool wrote, showed or sent, each as one text by the name of where it was.
fn seen(home: &Home, vendor: &Vendor) -> Vec<(&'static str, String)> {
    let mut disk = Vec::new();
    for path in home.created() {
        disk.extend(std::fs::read(home.path("user").join(path)).unwrap_or_default());
        disk.push(b'\n');
    }
    let mut all = vec![("the disk", String::from_utf8_lossy(&disk).into_owned())];
    let document = |text: &str| {
        let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let mut found = vec![text.to_owned()];
        texts(&json, &mut found);
        // A body is JSON inside JSON.
        for inner in found.clone() {
            if let Ok(json @ serde_json::Value::Array(_)) = serde_json::from_str(&inner) {
                texts(&json, &mut found);
            }
        }
        found.join("\n")
    };
    all.push(("the preview", document(&run(home, &["telemetry", "preview", "--json"]))));
    all.push(("the preview as text", run(home, &["telemetry", "preview"])));
    all.push(("the log", document(&run(home, &["telemetry", "log", "--json", "-n", "60000"]))));
    all.push(("the log as text", run(home, &["telemetry", "log", "-n", "60000"])));
    eventually("all is delivered", || {
        home.leaky(&["telemetry", "flush"]).output().is_ok_and(|output| output.status.success())
    });
    for request in vendor.requests() {
        all.push(("a request", document(&String::from_utf8_lossy(&request.decoded()))));
    }
    all.push(("the log after", run(home, &["telemetry", "log", "--json"])));
    all
}

#[test]
fn no_shape_of_credential_is_stored_shown_or_sent() {
    let shapes = shapes::all();
    assert!(shapes.len() >= 60);
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    run(&home, &["telemetry", "enable"]);
    for some in shapes.chunks(16) {
        let texts: Vec<&str> = some.iter().map(|shape| shape.text.as_str()).collect();
        run(&home, &[&["leak"], &texts[..]].concat());
    }
    let seen = seen(&home, &vendor);
    assert!(seen.iter().filter(|(place, _)| *place == "a request").count() > 0);
    let mut leaks = Vec::new();
    for shape in &shapes {
        let escaped = serde_json::to_string(&shape.secret).expect("JSON");
        for (place, text) in &seen {
            if text.contains(&shape.secret) || text.contains(escaped.trim_matches('"')) {
                leaks.push(format!("{} in {place}", shape.rule));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    // Each was recorded, three times over: what is missing did not leak for another reason.
    let log = &seen[3].1;
    assert!(log.matches("[redacted]").count() >= 3 * shapes.len(), "{}", log.matches("[redacted]").count());
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
