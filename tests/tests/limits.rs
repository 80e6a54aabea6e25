//! Every limit of a component is the author's to set.

use std::collections::BTreeMap;

use telemetry::tool::Config;

/// The limits by name, as a developer prints them: whatever is added to them is here too.
fn limits(chosen: &str) -> BTreeMap<String, String> {
    let text = format!("[tool]\nid = \"com.example.greet\"\n[backend.limits]\n{chosen}\n");
    let config = Config::parse(&text, "telemetry.toml").unwrap_or_else(|error| panic!("{error}"));
    let shown = format!("{:#?}", telemetry::backend::component::limits(&config, false));
    let fields = shown.lines().filter_map(|line| line.trim().trim_end_matches(',').split_once(": "));
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn each_limit_of_the_host_is_a_key_of_the_configuration_and_changes_nothing_else() {
    let usual = limits("");
    assert!(usual.len() >= 17, "{usual:?}");
    for (name, value) in &usual {
        // Times are shown with their unit.
        let (written, expected) = if value.ends_with('s') { ("\"77s\"", "77s") } else { ("77", "77") };
        assert_ne!(value, expected);
        let mut changed = usual.clone();
        changed.insert(name.clone(), expected.to_owned());
        assert_eq!(limits(&format!("{name} = {written}")), changed, "{name}");
    }
}

#[test]
fn a_limit_of_zero_and_the_biggest_that_can_be_written_are_taken_as_they_are() {
    for (written, expected) in [("0", "0"), ("9223372036854775807", "9223372036854775807")] {
        assert_eq!(limits(&format!("memory_bytes = {written}"))["memory_bytes"], expected);
    }
}
