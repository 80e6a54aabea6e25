//! `check` passes what keeps its promises, and says of what does not which promise it broke and how.

#[path = "support/guests.rs"]
mod guests;
#[path = "support/mod.rs"]
mod support;

use serde_json::Value as Json;
use support::{export, ran, run};

fn checked(file: &str, wasm: &[u8], more: &[&str]) -> (Option<i32>, Json) {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(file), wasm).unwrap();
    let mut arguments = vec!["check", "--json", file];
    arguments.extend(more);
    let done = run(home.path(), &arguments);
    let json = serde_json::from_str(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr));
    (done.code, json)
}

/// What was said of the promises with this result, by their ids.
fn said(json: &Json, result: &str) -> Vec<(String, String)> {
    let of = |it: &Json| {
        let said: Vec<_> = it["said"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        (it["id"].as_str().unwrap().to_owned(), said.join("\n"))
    };
    json["checks"].as_array().unwrap().iter().filter(|it| it["result"] == result).map(of).collect()
}

#[test]
fn the_four_bundled_backends_keep_every_promise() {
    for bundled in telemetry_backends::ALL {
        let (code, json) = checked("it.wasm", bundled.wasm, &[]);
        assert_eq!((code, said(&json, "broken")), (Some(0), Vec::new()), "{}", bundled.name);
        assert_eq!(said(&json, "warned"), Vec::new(), "{}", bundled.name);
        assert!(json["checks"].as_array().unwrap().len() >= 25, "{json}");
        assert_eq!(json["backend"]["name"], bundled.name);
    }
}

#[test]
fn an_honest_backend_passes_and_each_fault_is_found_and_said() {
    let (code, json) = checked("honest.wasm", &guests::wrong("honest"), &[]);
    assert_eq!((code, said(&json, "broken"), said(&json, "warned")), (Some(0), Vec::new(), Vec::new()));

    let faults = [
        ("claims-500", "no-false-success", "the vendor answered 500, and the outcome is `delivered`"),
        ("retries-400", "final-4xx", "the same batch would be sent again and again"),
        ("rejects-in-an-outage", "retry-5xx", "an outage loses every event"),
        (
            "rejects-429",
            "retry-429",
            "the vendor answered 429 with `Retry-After: 7`, and the outcome is `rejected`",
        ),
        ("ignores-retry-after", "retry-after", "the vendor is asked too soon"),
        ("swallows-413", "too-large", "say `too-large`, and the host cuts the batch in two"),
        ("panics-on-unicode", "unicode", "text beyond ASCII breaks it"),
        ("drops-events", "every-event", "25 of 50 events are not in the requests"),
        ("duplicates-events", "every-event", "50 of 50 events are in the requests more than once"),
        ("anonymous-events", "success", "the event is lost"),
        ("counts-its-calls", "same-bytes", "keep nothing between calls"),
        ("sends-no-json", "json", "is not JSON"),
        ("sends-nothing", "success", "no request of its was answered"),
        ("sends-elsewhere", "success", "endpoint \"elsewhere\" is not granted"),
        ("sends-one-by-one", "every-event", "no more than 16 requests in one call"),
        ("loops", "success", "processor time"),
        ("crashes-on-an-empty-batch", "empty-batch", "an empty batch: the component failed in `send`"),
        ("retries-an-empty-batch", "empty-batch", "it would never be done"),
        ("rejects-big-events", "biggest-event", "within the limits that it described"),
        ("gives-one-verdict", "partial", "verdict"),
        ("traps-on-a-long-answer", "partial", "the component failed in `send`"),
        ("claims-silence", "broken", "no request of its was answered"),
        ("rejects-silence", "refused", "without an answer nothing is final, so say `retry`"),
        ("false-receipt", "no-false-receipt", "the user is told what is not so"),
        ("erases-one", "erases", "00000000kiterase2 is in no request"),
        ("takes-any-setting", "unknown-setting", "a typing error in telemetry.toml would go unseen"),
        ("names-no-key", "unknown-setting", "no problem names it"),
        ("traps-on-no-object", "no-object", "with the text \"[]\" for settings"),
        ("describes-a-book", "describe-size", "an author reads one sentence"),
        ("describes-no-name", "describe", "write lower-case letters"),
        ("describes-no-end", "describe-limits", "no vendor takes more than"),
        ("describes-no-json", "describe-settings", "which is no JSON"),
        ("traps-in-describe", "describe", "the component failed in `describe`"),
    ];
    // Two at a time: most of a check is waiting.
    let faults = std::sync::Mutex::new(faults.iter());
    let next = || faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((mode, id, sentence)) = next() {
                    let (code, json) = checked("wrong.wasm", &guests::wrong(mode), &[]);
                    let broken = said(&json, "broken");
                    let found = broken.iter().any(|(of, said)| of == id && said.contains(sentence));
                    assert!(found, "{mode}: {id} does not say {sentence:?}: {broken:#?}");
                    assert_eq!(code, Some(1), "{mode}");
                }
            });
        }
    });
}

#[test]
fn a_vendors_own_ways_are_given_as_arguments() {
    let wasm = guests::wrong("rejects-429");
    assert_eq!(checked("it.wasm", &wasm, &["--allow", "retry-429"]).0, Some(0));
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("it.wasm"), &wasm).unwrap();
    let unknown = run(home.path(), &["check", "it.wasm", "--allow", "retry-428"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("--allow retry-428: no promise has this id"), "{}", unknown.stderr);
    let accepted = checked("it.wasm", &guests::wrong("honest"), &["--success-status", "202"]);
    assert_eq!(accepted.0, Some(0));
}

#[test]
fn a_configuration_that_would_ship_is_looked_at() {
    let home = tempfile::tempdir().unwrap();
    export(home.path());
    let check = |backend: &str, config: &str| {
        let text = format!("[tool]\nid = \"com.example.greet\"\n{config}");
        std::fs::write(home.path().join("telemetry.toml"), text).unwrap();
        run(home.path(), &["check", &format!("{backend}.wasm"), "--config", "telemetry.toml"])
    };
    let literal = check(
        "datadog",
        "[endpoints.intake]\nurl = \"https://http-intake.logs.datadoghq.eu\"\ncredential = { header = \"DD-API-KEY\", value = \"0123\" }",
    );
    assert!(literal.ok, "{}", literal.stdout);
    assert!(literal.stdout.contains("whoever has the tool can read it"), "{}", literal.stdout);
    let public = check(
        "datadog",
        "[endpoints.intake]\nurl = \"https://browser-intake-datadoghq.eu\"\ncredential = { query = \"dd-api-key\", value = \"pub0123\" }",
    );
    assert!(public.ok && !public.stdout.contains("   warning"), "{}", public.stdout);
    // A variable that is not set here is no fault of the configuration.
    let from_environment = check(
        "otlp",
        "[backend.settings]\nheaders = { X-Api-Key = \"k\" }\n[endpoints.collector]\nurl = \"https://otel.example.com\"\n\
         credential = { bearer = true, env = \"NOT_SET_ANYWHERE\" }",
    );
    assert!(from_environment.ok, "{}", from_environment.stdout);
    assert!(
        from_environment
            .stdout
            .contains("the header `X-Api-Key` in [backend.settings] looks like a credential")
    );
    let missing = check(
        "http",
        "[backend]\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"",
    );
    assert_eq!(missing.code, Some(1));
    for part in ["the endpoint `receiver` is not granted", "no tool with this configuration loads it"] {
        assert!(missing.stdout.contains(part), "{part}: {}", missing.stdout);
    }
    let wrong = check(
        "http",
        "[backend.settings]\ncompresion = \"gzip\"\n[endpoints.receiver]\nurl = \"https://h.example\"",
    );
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stdout.contains("`compresion`: is unknown"), "{}{}", wrong.stdout, wrong.stderr);
}

#[test]
fn a_pipe_gets_no_colours() {
    let home = tempfile::tempdir().unwrap();
    export(home.path());
    let mut check = std::process::Command::new(support::kit());
    let done = ran(check.args(["check", "http.wasm"]).current_dir(home.path()));
    assert!(done.ok && !done.stdout.contains('\u{1b}') && done.stderr.is_empty(), "{}", done.stderr);
}
