//! What the documentation for authors of backends says is so: its commands are run in a fresh directory,
//! in its order, and its table is what the components describe.

#[path = "support/guests.rs"]
mod guests;
#[path = "support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use support::{export, kit, ran, run};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../backends-wasm/CUSTOM.md");

/// The commands of the page's `sh` blocks, each with the directory that `cd` has led to.
fn commands(page: &str) -> Vec<(String, String)> {
    let (mut found, mut inside, mut directory) = (Vec::new(), false, ".".to_owned());
    for line in page.lines() {
        match (inside, line) {
            (_, "```sh") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match line.strip_prefix("cd ") {
                Some(into) => directory = format!("{directory}/{into}"),
                None => found.push((directory.clone(), line.to_owned())),
            },
            _ => {}
        }
    }
    found
}

#[test]
fn each_command_of_the_page_for_authors_does_what_it_says() {
    let home = tempfile::tempdir().unwrap();
    let page = std::fs::read_to_string(PAGE).unwrap();
    let commands = commands(&page);
    assert!(commands.len() >= 6, "{commands:?}");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../backends-wasm/sdk");
    // The pinned toolchain: the page's `stable` may not be installed here.
    let pinned = std::fs::read_to_string(sdk.join("../../rust-toolchain.toml")).unwrap();
    let pinned: toml::Table = toml::from_str(&pinned).unwrap();
    let toolchain = pinned["toolchain"]["channel"].as_str().unwrap();
    for (directory, line) in &commands {
        let mut words = line.split_whitespace();
        let mut command = match words.next().unwrap() {
            "telemetry-kit" => Command::new(kit()),
            "cargo" => guests::cargo("page"),
            other => panic!("the page runs {other}, and this test does not know it"),
        };
        // What is built stays between runs; what the page names is where it says.
        command.env_remove("CARGO_TARGET_DIR");
        command.env("CARGO_BUILD_BUILD_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("page"));
        command.env("RUSTUP_TOOLCHAIN", toolchain).env("CARGO_NET_OFFLINE", "true");
        command.env("TELEMETRY_KIT_SDK_PATH", &sdk);
        let done = ran(command.args(words).current_dir(home.path().join(directory)));
        assert!(done.ok, "{line}\n{}{}", done.stdout, done.stderr);
    }
}

#[test]
fn the_table_of_addresses_is_what_the_components_describe() {
    let home = tempfile::tempdir().unwrap();
    export(home.path());
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut rows = 0;
    for bundled in telemetry_backends::ALL {
        let said = run(home.path(), &["inspect", "--json", &format!("{}.wasm", bundled.name)]);
        let said: Json = serde_json::from_str(&said.stdout).unwrap();
        for endpoint in said["description"]["endpoints"].as_array().unwrap() {
            for (site, url) in endpoint["sites"].as_object().unwrap() {
                let row = format!(
                    "| {} | {} | {site} | {} |",
                    bundled.name,
                    endpoint["name"].as_str().unwrap(),
                    url.as_str().unwrap()
                );
                assert!(page.contains(&row), "{row} is missing");
                rows += 1;
            }
        }
    }
    assert_eq!(page.lines().filter(|line| line.contains(" | http")).count(), rows, "and no other");
}
