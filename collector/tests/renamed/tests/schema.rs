//! The commands of a library crate are in the schema of the program that links it, called or not.
#![forbid(unsafe_code)]

use telemetry_renamed as _;
use usage::schema::Schema;

#[test]
fn what_a_library_crate_declares_is_in_the_schema_of_the_program() {
    let schema = Schema::gather();
    let commands: Vec<&str> = schema.commands().iter().map(|it| it.name).collect();
    assert_eq!(commands, ["by-hand", "later", "report/export", "wait"]);
    assert!(schema.knows("feature.used", "happened"));
    let export = schema.commands()[2];
    assert_eq!(export.about, "Writes a report.");
    assert_eq!(schema.cases(&export.fields[1]), Some(&["json", "plain-text"][..]));
}

#[test]
fn what_a_library_crate_records_is_declared() {
    usage::schema::check_recorded(|| {
        let _ = telemetry_renamed::export(telemetry_renamed::Format::Json, "name");
        telemetry_renamed::by_hand();
    })
    .unwrap();
}
