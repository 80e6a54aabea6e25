//! The schema of a small tool: what is declared is listed, in every form, and a committed file that says
//! anything else is found.
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "what is declared need not be called")]

use telemetry::event::Value;
use telemetry::schema::{self, Entry, Field, Schema};
use telemetry::{Declared as _, Recordable};

/// How a report looks.
#[derive(Clone, Copy, Recordable)]
enum Format {
    Json,
    PlainText,
}

/// Writes the report.
///
/// With a second paragraph that nobody needs in a table.
#[telemetry::command(
    name = "report/export",
    purpose = "To learn which formats to keep.",
    record(format, dry_run, text(branch)),
    metadata(files = paths.len())
)]
fn export(format: Format, dry_run: bool, branch: &str, paths: &[&str]) -> Result<(), std::io::Error> {
    let _ = (format, dry_run, branch, paths);
    Ok(())
}

#[telemetry::command(record(format))]
fn optional(format: Option<Format>) {
    let _ = format;
}

mod inside {
    impl super::Format {
        /// Is `<b>` | no table's end.
        #[telemetry::command]
        async fn within<T>(&self, it: T) -> T {
            it
        }
    }
}

/// The user chose how the tool looks.
#[derive(telemetry::Event)]
#[event(name = "theme", purpose = "To know which themes to keep.")]
struct ThemeChosen {
    /// What was chosen.
    #[field(purpose = "To count the choices.", class = "usage")]
    theme: Format,
    #[field(purpose = "To see what is slow.", class = "performance", key = "load.ms")]
    milliseconds: f64,
    #[field(purpose = "To see which editors need one.", class = "environment", text, extended)]
    editor: String,
    #[field(skip)]
    never_recorded: String,
}

#[derive(telemetry::Event)]
#[event(kind = "update.applied", purpose = "To see how fast updates spread.", extended)]
struct Updated;

telemetry::declare!(Entry::command(
    "by-hand",
    "Begun without an attribute.",
    "",
    &[Field::metadata("fast", "bool")]
));

telemetry::declare!(Entry::everywhere("To tell the editions apart.", &[Field::metadata("edition", "&str")]));

/// What is declared of it, and more.
fn tool() -> telemetry::Tool {
    telemetry::Tool::from_toml("1.0.0", "[tool]\nid = \"com.example.schema\"")
        .metadata("edition", "community")
        .metadata("channel", "nightly")
}

fn chosen() -> ThemeChosen {
    ThemeChosen {
        theme: Format::PlainText,
        milliseconds: 1.5,
        editor: "ed".into(),
        never_recorded: "secret".into(),
    }
}

#[test]
fn the_committed_file_is_what_the_program_records() {
    schema::check("tests/schema/TELEMETRY.md").unwrap();
}

#[test]
fn everything_that_is_declared_is_listed_once_and_in_order() {
    let schema = Schema::gather();
    let names: Vec<&str> = schema.commands().iter().map(|it| it.name).collect();
    assert_eq!(names, ["by-hand", "optional", "report/export", "within"]);
    let events: Vec<(&str, &str)> = schema.events().iter().map(|it| (it.kind, it.name)).collect();
    assert_eq!(events, [("feature.used", "theme"), ("update.applied", "updated")]);
}

#[test]
fn the_cases_of_an_enum_are_listed_where_it_is_recorded() {
    let schema = Schema::gather();
    for name in ["report/export", "optional"] {
        let entry = schema.commands().iter().find(|it| it.name == name).expect("it is declared");
        let field = entry.fields.iter().find(|it| it.key == "format").expect("it is recorded");
        assert_eq!(schema.cases(field), Some(&["json", "plain-text"][..]), "{name}");
    }
}

#[test]
fn a_file_that_says_anything_else_is_named_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("TELEMETRY.md");
    let told = |path: &std::path::Path| schema::check(path).unwrap_err().to_string();
    assert!(told(&path).contains("cannot be read"), "{}", told(&path));

    let right = Schema::gather().markdown();
    std::fs::write(&path, right.replace('\n', "\r\n")).unwrap();
    schema::check(&path).expect("line ends do not matter");

    let line = right.lines().position(|it| it.contains("To learn which formats to keep.")).unwrap() + 1;
    std::fs::write(&path, right.replace("To learn which formats to keep.", "To sell it.")).unwrap();
    let message = told(&path);
    assert!(message.contains(&format!("Line {line}\n  is        Why: To sell it.\n")), "{message}");
    assert!(message.contains("TELEMETRY_UPDATE_SCHEMA=1"), "{message}");

    std::fs::write(&path, format!("{right}\nAnd more.\n")).unwrap();
    assert!(told(&path).contains("should be (end of file)"), "{}", told(&path));
}

#[test]
fn json_has_what_markdown_has() {
    let json: serde_json::Value = serde_json::from_str(&Schema::gather().json()).unwrap();
    assert_eq!(json["version"], 1);
    let export = &json["commands"][2];
    assert_eq!((&export["name"], &export["about"]), (&"report/export".into(), &"Writes the report.".into()));
    assert_eq!(export["fields"][1]["cases"], serde_json::json!(["json", "plain-text"]));
    let editor = &json["events"][0]["fields"][2];
    assert_eq!((&editor["consent"], &editor["class"]), (&"extended".into(), &"environment".into()));
    assert_eq!(json["events"][1]["consent"], "extended");
}

#[test]
fn text_names_every_command_event_and_field() {
    let schema = Schema::gather();
    let text = schema.to_string();
    for entry in schema.commands().iter().chain(schema.events()) {
        assert!(text.contains(entry.name), "{} in {text}", entry.name);
        for field in entry.fields {
            assert!(text.contains(&format!("    {} = ", field.key)), "{} in {text}", field.key);
        }
    }
    assert!(!text.contains('`') || text.contains("Is `<b>`"), "no Markdown at a terminal: {text}");
}

#[test]
fn a_declared_event_records_its_fields_and_nothing_else() {
    let ((), events) = telemetry::capture(false, || {
        chosen().record();
        Updated.record();
    });
    assert_eq!(events.len(), 1, "what is extended is not recorded without it");
    assert_eq!((&*events[0].kind, &*events[0].name), ("feature.used", "theme"));
    let fields: Vec<(&str, &Value<'_>)> =
        events[0].attributes.iter().map(|it| (&*it.key, &it.value)).collect();
    assert_eq!(fields, [("theme", &Value::from("plain-text")), ("load.ms", &Value::from(1.5))]);

    let ((), events) = telemetry::capture(true, || {
        chosen().record();
        Updated.record();
    });
    assert_eq!((events.len(), events[0].attributes.len()), (2, 3));
    assert_eq!((&*events[1].kind, &*events[1].name), ("update.applied", "updated"));
}

#[test]
fn what_is_recorded_and_declared_passes() {
    let returned = schema::check_recorded(|| {
        let mut command = telemetry::begin("by-hand");
        command.metadata("fast", &true);
        let _ = export(Format::Json, true, "main", &[]);
        chosen().record();
        Updated.record();
        7
    });
    assert_eq!(returned.unwrap(), 7);
}

#[test]
fn what_is_recorded_and_not_declared_is_named() {
    let told = schema::check_recorded(|| {
        telemetry::begin("nobody-knows").metadata("a", &1);
        telemetry::begin("by-hand").metadata("slow", &true);
        telemetry::track("feature.used", "cache", &[]);
    });
    let missing = told.unwrap_err().missing;
    assert_eq!(
        missing,
        ["command.invocation: by-hand (slow)", "command.invocation: nobody-knows", "feature.used: cache"]
    );
}

#[test]
fn what_the_tool_says_with_everything_is_in_the_schema_declared_or_not() {
    let schema = Schema::gather().with(&tool());
    let edition = "| `edition` | the value of `&str` | To tell the editions apart. |  | basic |";
    let channel = "| `channel` | a value that the tool gives |  |  | basic |";
    let markdown = schema.markdown();
    assert!(markdown.contains(edition) && markdown.contains(channel), "{markdown}");
    assert!(!Schema::gather().markdown().contains("channel"));
    let json: serde_json::Value = serde_json::from_str(&schema.json()).unwrap();
    assert_eq!(
        (&json["everywhere"][0]["key"], &json["undeclared"]),
        (&"edition".into(), &["channel"][..].into())
    );
    let text = schema.to_string();
    assert!(text.contains("  edition = ") && text.contains("  channel = "), "{text}");

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("TELEMETRY.md");
    std::fs::write(&path, Schema::gather().markdown()).unwrap();
    assert!(schema::check_tool(&tool(), &path).unwrap_err().to_string().contains("channel"));
    std::fs::write(&path, markdown).unwrap();
    schema::check_tool(&tool(), &path).expect("it is what the tool says");
}

#[test]
fn what_a_tool_says_with_everything_is_looked_for_in_what_is_recorded() {
    let told = schema::check_recorded(|| {
        let _telemetry = telemetry::start(tool());
        let _ = export(Format::Json, true, "main", &[]);
    });
    assert_eq!(told.unwrap_err().missing, ["command.invocation: report/export (channel)"]);
    let ((), events) = telemetry::capture(false, || {
        let _telemetry = telemetry::start(tool());
        telemetry::track("feature.used", "theme", &[telemetry::event::Attribute::new("edition", "own")]);
    });
    let said: Vec<(&str, &Value<'_>)> = events[0].attributes.iter().map(|it| (&*it.key, &it.value)).collect();
    assert_eq!(said, [("edition", &"own".into()), ("channel", &"nightly".into())]);
    let ((), events) = telemetry::capture(false, || chosen().record());
    assert_eq!(events[0].attributes.len(), 2, "another capture is another tool's");
}

#[test]
fn what_the_library_has_ready_is_in_the_schema_and_what_needs_a_name_is_the_authors_to_declare() {
    let told = schema::check_recorded(|| {
        telemetry::event::update_check("1.0.0", Some("1.1.0"));
        telemetry::event::update_applied("1.0.0", "1.1.0");
        telemetry::event::command_error("by-hand", &"text", &[]);
        telemetry::event::feature_used("theme", &[]);
        telemetry::event::feature_used("cache", &[]);
    });
    assert_eq!(told.unwrap_err().missing, ["command.error: by-hand", "feature.used: cache"]);
    let json: serde_json::Value = serde_json::from_str(&Schema::gather().json()).unwrap();
    let kinds: Vec<&str> =
        json["library_events"].as_array().unwrap().iter().filter_map(|it| it["kind"].as_str()).collect();
    assert_eq!(kinds, ["data.deletion_request", "update.applied", "update.check"]);
    let text = Schema::gather().to_string();
    assert!(kinds.iter().all(|it| text.contains(it)), "{text}");
}

#[test]
fn a_field_without_a_reason_has_that_of_its_command() {
    let json: serde_json::Value = serde_json::from_str(&Schema::gather().json()).unwrap();
    for command in json["commands"].as_array().unwrap() {
        for field in command["fields"].as_array().unwrap() {
            assert_eq!(field["purpose"], command["purpose"], "{field}");
            assert_ne!(field["purpose"], "");
        }
    }
}
