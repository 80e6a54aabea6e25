//! A component that is not one of the bundled ones ships by path, pinned, and embedded, as
//! `backends-wasm/CUSTOM.md` has it.

use telemetry_tests::{Home, Vendor};

fn config(backend: &str, url: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\nsend_from_tests = true\n\
         [backend]\n{backend}\n[endpoints.receiver]\nurl = \"{url}/in\"\nallow = [\"http\", \"loopback\"]\n"
    )
}

fn http() -> &'static [u8] {
    telemetry_backends::get("http").expect("http is bundled").wasm
}

#[test]
fn a_component_by_path_with_the_digest_that_inspect_prints_is_sent_through() {
    let vendor = Vendor::start();
    let home = Home::new("");
    home.author_file("acme.wasm", http());
    let inspected = home.kit(&["inspect", "--json", "author/acme.wasm"]).output().expect("the kit runs");
    let inspected: serde_json::Value = serde_json::from_slice(&inspected.stdout).expect("JSON");
    let pin = inspected["sha256"].as_str().expect("a digest");
    home.configure(&config(&format!("path = \"acme.wasm\"\nsha256 = \"{pin}\""), &vendor.url()));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).stdout, "Hello, Ada!\n");
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
}

#[test]
fn an_embedded_component_is_chosen_by_its_name_and_needs_no_file() {
    let vendor = Vendor::start();
    let home = Home::new(&config("use = \"acme\"", &vendor.url()));
    let enabled = home.embedded(&["telemetry", "enable"]).output().expect("the tool runs");
    assert!(enabled.status.success(), "{enabled:?}");
    assert!(home.embedded(&["work"]).status().expect("the tool runs").success());
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "work");
}
