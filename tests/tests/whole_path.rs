//! From an annotated function to a vendor's request, with the example tool, real components and real
//! sockets on the loopback interface.

use std::path::PathBuf;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use telemetry_tests::{Answer, Home, Ran, Vendor, eventually};

/// `greet.toml` with this backend by path at this URL; every run may send.
fn config(backend: &str, endpoint: &str, url: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\npath = \"{backend}.wasm\"\n\n\
         [endpoints.{endpoint}]\nurl = \"{url}\"\nallow = [\"http\", \"loopback\"]\n\n\
         [delivery]\ninterval = 0\n"
    )
}

/// A home whose tool sends through a bundled component, taken from a file.
fn home(backend: &str, endpoint: &str, url: &str) -> Home {
    let home = Home::new(&config(backend, endpoint, url));
    home.author_file(&format!("{backend}.wasm"), telemetry_backends::get(backend).expect("bundled").wasm);
    home
}

fn greeting() -> Ran {
    Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) }
}

fn enable(home: &Home) {
    let ran = home.run(&["telemetry", "enable"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("Telemetry enabled"), "{ran:?}");
}

/// The names of the events in a request of the HTTP backend.
fn names(request: &telemetry_tests::Request) -> Vec<String> {
    let json = request.json();
    json.as_array()
        .expect("an array")
        .iter()
        .map(|event| event["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn while_undecided_the_tool_prints_its_greeting_and_nothing_is_created_anywhere() {
    let vendor = Vendor::start();
    let home = home("http", "receiver", &vendor.url());
    assert_eq!(home.run(&["hello", "Ada"]), greeting());
    assert_eq!(home.created(), Vec::<PathBuf>::new());
    assert!(vendor.requests().is_empty());
}

#[test]
fn after_a_yes_the_event_arrives_through_the_component_named_by_path() {
    let vendor = Vendor::start();
    let home = home("http", "receiver", &format!("{}/events", vendor.url()));
    enable(&home);
    assert_eq!(home.run(&["hello", "Ada"]), greeting());
    let request = &vendor.wait_for(1)[0];
    assert_eq!(request.line, "POST /events HTTP/1.1");
    let event = &request.json()[0];
    assert_eq!(event["name"], "hello");
    assert_eq!(event["type"], "command.invocation");
    assert_eq!(event["tool_name"], "greet");
    assert_eq!(event["exit_code"], 0);
    assert_eq!(event["machine_id"].as_str().map(str::len), Some(16));
}

#[test]
fn an_exit_code_from_the_function_is_recorded() {
    let vendor = Vendor::start();
    let home = home("http", "receiver", &vendor.url());
    enable(&home);
    let ran = home.run(&["fail"]);
    assert_eq!((ran.stdout.as_str(), ran.code), ("", Some(3)));
    let event = &vendor.wait_for(1)[0].json()[0];
    assert_eq!(event["name"], "fail");
    assert_eq!(event["exit_code"], 3);
}

#[test]
fn after_a_no_nothing_is_sent_or_kept() {
    let nobody = Vendor::nobody();
    let home = home("http", "receiver", &format!("http://{nobody}"));
    enable(&home);
    assert_eq!(home.run(&["hello", "Ada"]), greeting());
    let ran = home.run(&["telemetry", "disable"]);
    assert!(ran.stdout.contains("Telemetry disabled"), "{ran:?}");
    assert!(ran.stdout.contains("All pending events have been discarded"), "{ran:?}");

    let vendor = Vendor::start_at(nobody);
    assert_eq!(home.run(&["hello", "Ada"]), greeting());
    // What the locks leave behind holds no event.
    let holds_events = |path: &PathBuf| {
        path.parent().is_some_and(|it| it.ends_with("journal")) && !path.ends_with("drain.lock")
    };
    let kept: Vec<_> = home.created().into_iter().filter(holds_events).collect();
    assert!(kept.is_empty(), "{kept:?}");
    assert!(vendor.requests().is_empty());
}

#[test]
fn an_otlp_request_is_what_opentelemetry_says_it_is() {
    let vendor = Vendor::start();
    let home = home("otlp", "collector", &vendor.url());
    enable(&home);
    assert_eq!(home.run(&["hello", "Ada"]), greeting());
    let request = &vendor.wait_for(1)[0];
    assert_eq!(request.line, "POST /v1/logs HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/x-protobuf"));

    let export =
        ExportLogsServiceRequest::decode(request.decoded().as_slice()).expect("an OTLP logs request");
    let resource = export.resource_logs[0].resource.as_ref().expect("a resource");
    let text = |attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue], key: &str| {
        attributes.iter().find(|have| have.key == key).and_then(|have| {
            match have.value.as_ref()?.value.as_ref()? {
                Value::StringValue(text) => Some(text.clone()),
                other => Some(format!("{other:?}")),
            }
        })
    };
    assert_eq!(text(&resource.attributes, "service.name").as_deref(), Some("greet"));
    assert_eq!(text(&resource.attributes, "os.type").as_deref(), Some(std::env::consts::OS));
    assert_eq!(text(&resource.attributes, "app.installation.id").map(|id| id.len()), Some(16));
    assert_eq!(text(&resource.attributes, "host.name"), None);
    let record = &export.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(record.event_name, "command.invocation");
    assert_eq!(record.severity_number, 9, "INFO");
    assert_eq!(
        record.body.as_ref().and_then(|body| body.value.clone()),
        Some(Value::StringValue("hello".into()))
    );
    assert_eq!(text(&record.attributes, "event.name").as_deref(), Some("hello"));
    assert_eq!(text(&record.attributes, "log.record.uid").map(|id| id.len()), Some(36));
    assert!(record.time_unix_nano > 1_700_000_000_000_000_000);
}

#[test]
fn an_outage_loses_nothing_and_the_first_run_after_it_delivers() {
    let nobody = Vendor::nobody();
    let home = home("http", "receiver", &format!("http://{nobody}"));
    enable(&home);
    assert_eq!(home.run(&["hello", "Ada"]), greeting());
    // The vendor is up again before the schedule allows another attempt; `flush` is immediate.
    let vendor = Vendor::start_at(nobody);
    eventually("flush delivers", || home.run(&["telemetry", "flush"]).code == Some(0));
    assert_eq!(names(&vendor.wait_for(1)[0]), ["hello"]);
}

#[test]
fn an_event_survives_sigkill_right_after_it_was_recorded() {
    let vendor = Vendor::start();
    let home = home("http", "receiver", &vendor.url());
    enable(&home);
    let mut victim = home.victim().spawn().expect("the victim starts");
    assert_eq!(victim.wait().expect("it ends").code(), None, "a signal ended it");
    assert!(vendor.requests().is_empty(), "nobody has sent anything yet");
    assert_eq!(home.run(&["hello", "Ada"]), greeting());
    eventually("both events arrive", || {
        let mut all: Vec<_> = vendor.requests().iter().flat_map(names).collect();
        all.sort();
        all == ["hello", "work"]
    });
}

#[test]
fn streams_and_exit_codes_are_the_same_with_telemetry_off_on_and_broken() {
    let vendor = Vendor::start();
    let hanging = Vendor::start();
    hanging.otherwise(Answer::Hang);
    let off = home("http", "receiver", &vendor.url());
    let healthy = home("http", "receiver", &vendor.url());
    let dead = home("http", "receiver", &format!("http://{}", Vendor::nobody()));
    let hung = home("http", "receiver", &hanging.url());
    let broken = home("http", "receiver", &vendor.url());
    for home in [&healthy, &dead, &hung, &broken] {
        enable(home);
    }
    broken.configure("this is not a configuration");
    for arguments in [&["hello", "Ada"][..], &["fail"], &["hello"], &["--help"], &["no-such-command"]] {
        let expected = off.run(arguments);
        for home in [&healthy, &dead, &hung, &broken] {
            assert_eq!(home.run(arguments), expected, "{arguments:?}");
        }
    }
}

#[test]
fn the_schema_names_every_annotated_command_before_any_decision() {
    let home = home("http", "receiver", "http://127.0.0.1:9");
    let schema = home.run(&["telemetry", "schema"]);
    assert_eq!(schema.code, Some(0));
    assert!(schema.stdout.contains("hello") && schema.stdout.contains("fail"), "{schema:?}");
    assert_eq!(home.created(), Vec::<PathBuf>::new());
}

#[test]
fn the_schema_as_json_is_what_a_program_reads() {
    let home = home("http", "receiver", "http://127.0.0.1:9");
    let ran = home.run(&["telemetry", "schema", "--json"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let names = |list: &str, key: &str| -> Vec<String> {
        let entries = schema[list].as_array().unwrap().iter();
        entries.map(|it| it[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (&schema["version"], names("commands", "name")),
        (&1.into(), vec!["fail".to_owned(), "hello".into()])
    );
    assert!(names("commands", "purpose").iter().all(|it| !it.is_empty()));
    assert_eq!(names("library_events", "kind"), ["data.deletion_request", "update.applied", "update.check"]);
    assert!(ran.stdout.ends_with("}\n") && !ran.stdout.ends_with("\n\n"));
}

#[test]
fn the_examples_telemetry_md_is_what_the_example_says_of_itself() {
    let home = home("http", "receiver", "http://127.0.0.1:9");
    let committed = include_str!("../../collector/examples/TELEMETRY.md");
    assert_eq!(
        home.run(&["telemetry", "schema", "--markdown"]).stdout,
        committed,
        "write it anew: cargo run --example greet -- telemetry schema --markdown > collector/examples/TELEMETRY.md"
    );
}

#[test]
fn a_hostile_working_directory_changes_nothing() {
    let vendor = Vendor::start();
    let thief = Vendor::start();
    let home = home("http", "receiver", &vendor.url());
    enable(&home);
    let hostile = home.path("hostile");
    std::fs::create_dir(&hostile).unwrap();
    std::fs::write(hostile.join("telemetry.toml"), config("http", "receiver", &thief.url())).unwrap();
    std::fs::write(hostile.join("greet.toml"), config("http", "receiver", &thief.url())).unwrap();
    std::fs::write(hostile.join("http.wasm"), b"not the author's").unwrap();
    let output = home.greet(&["hello", "Ada"]).current_dir(&hostile).output().unwrap();
    assert_eq!(Ran::from(output), greeting());
    assert_eq!(names(&vendor.wait_for(1)[0]), ["hello"]);
    assert!(thief.requests().is_empty());
    let mut left: Vec<_> =
        std::fs::read_dir(&hostile).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["greet.toml", "http.wasm", "telemetry.toml"]);
}

#[test]
fn what_was_tried_at_one_destination_is_never_sent_to_another_nor_written_to_the_local_file() {
    let [old, new] = [Vendor::start(), Vendor::start()];
    let never = |vendor: &Vendor| {
        let config = config("http", "receiver", &vendor.url());
        config.replace("interval = 0", "interval = 0\nmode = \"never\"")
    };
    let flush = |home: &Home| home.run(&["telemetry", "flush"]).code;
    let home = home("http", "receiver", &old.url());
    home.configure(&never(&old));
    enable(&home);
    assert_eq!(home.run(&["hello", "Ada"]), greeting());
    old.then(Answer::status(503));
    assert_eq!(flush(&home), Some(1));

    // The author's next release sends elsewhere, and the user says yes to that.
    home.configure(&never(&new));
    enable(&home);
    assert_eq!(home.run(&["fail"]).code, Some(3));
    assert_eq!(flush(&home), Some(0));
    let sent: Vec<_> = new.requests().iter().flat_map(names).collect();
    assert_eq!(sent, ["fail"]);

    // The user keeps a run's events here.
    let local = |arguments: &[&str]| -> Ran {
        home.greet(arguments).env("TELEMETRY_LOCAL", "1").output().expect("greet runs").into()
    };
    assert_eq!(local(&["hello", "Ada"]), greeting());
    let _ = local(&["telemetry", "flush"]);
    let kept = std::fs::read_to_string(home.state().join("com.example.greet/events.ndjson")).unwrap();
    assert_eq!(kept.lines().count(), 1, "{kept}");

    // It waited for where it belongs.
    home.configure(&never(&old));
    enable(&home);
    assert_eq!(flush(&home), Some(0));
    assert_eq!((old.requests().len(), new.requests().len()), (2, 1));
    assert_eq!(old.requests()[0].body, old.requests()[1].body, "the same batch");
}
