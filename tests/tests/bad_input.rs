//! Whatever is wrong with a component, a configuration or a home: the tool works as ever, `status`
//! says why nothing is sent, and what was recorded arrives once it is mended.

use std::fs;

use telemetry_tests::{Home, Ran, Vendor, eventually};

fn config(extra_backend: &str, url: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\npath = \"backend.wasm\"\n{extra_backend}\n\
         [endpoints.receiver]\nurl = \"{url}\"\nallow = [\"http\", \"loopback\"]\n\n\
         [delivery]\ninterval = 0\n"
    )
}

fn http() -> &'static [u8] {
    telemetry_backends::get("http").expect("bundled").wasm
}

/// Runs the tool with this file as its component, and wants its work unaffected, the reason in
/// `status`, and the event delivered once a good file is there.
fn holds_until_mended(wasm: Option<&[u8]>, reason: &str) {
    let vendor = Vendor::start();
    let home = Home::new(&config("", &vendor.url()));
    if let Some(wasm) = wasm {
        home.author_file("backend.wasm", wasm);
    }
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let ran = home.run(&["hello", "Ada"]);
    assert_eq!(ran, Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) });
    let mut status = String::new();
    eventually(&format!("status says {reason:?}"), || {
        status = home.run(&["telemetry", "status"]).stdout;
        status.contains(reason)
    });
    assert!(vendor.requests().is_empty(), "{status}");

    home.author_file("backend.wasm", http());
    eventually("flush delivers after the repair", || home.run(&["telemetry", "flush"]).code == Some(0));
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's own WAT")
}

#[test]
fn a_missing_component() {
    holds_until_mended(None, "backend.wasm");
}

#[test]
fn a_file_that_is_no_component() {
    holds_until_mended(Some(b"not wasm at all"), "not a WebAssembly component");
}

#[test]
fn a_core_module_in_place_of_a_component() {
    holds_until_mended(Some(&wat("(module)")), "core module");
}

#[test]
fn a_component_of_another_world() {
    holds_until_mended(Some(&wat("(component)")), "telemetry:backend/exporter");
}

#[test]
fn a_component_that_asks_for_sockets_is_refused_by_name() {
    let component = wat(r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#);
    holds_until_mended(Some(&component), "wasi:sockets/tcp@0.2.0");
}

#[test]
fn an_oversized_file() {
    holds_until_mended(Some(&vec![0; 33 * 1024 * 1024]), "bigger than 33554432 bytes");
}

#[test]
fn an_endpoint_that_was_not_granted_names_the_line_to_add() {
    let vendor = Vendor::start();
    let granted = config("", &vendor.url());
    let home = Home::new(&granted.replace("[endpoints.receiver]", "[endpoints.other]"));
    home.author_file("backend.wasm", http());
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).stdout, "Hello, Ada!\n");
    eventually("status names the line", || {
        home.run(&["telemetry", "status"]).stdout.contains("[endpoints.receiver]")
    });
    assert!(vendor.requests().is_empty());
}

#[test]
fn a_wrong_pin_is_refused_and_names_both_digests() {
    let vendor = Vendor::start();
    let pin = "0".repeat(64);
    let home = Home::new(&config(&format!("sha256 = \"{pin}\"\n"), &vendor.url()));
    home.author_file("backend.wasm", http());
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).stdout, "Hello, Ada!\n");
    eventually("status names the pin", || home.run(&["telemetry", "status"]).stdout.contains(&pin));
    assert!(vendor.requests().is_empty());
}

#[cfg(unix)]
#[test]
fn a_component_that_others_may_exchange_is_taken_only_by_its_digest() {
    use std::os::unix::fs::PermissionsExt;
    let vendor = Vendor::start();
    let home = Home::new(&config("", &vendor.url()));
    home.author_file("backend.wasm", http());
    let file = home.path("author/backend.wasm");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("it is the test's own");
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let flushed = home.run(&["telemetry", "flush"]);
    assert_eq!(flushed.code, Some(1), "{flushed:?}");
    assert!(flushed.stdout.contains("everybody may write"), "{flushed:?}");
    assert!(flushed.stdout.contains("add `sha256 = "), "{flushed:?}");
    assert!(vendor.requests().is_empty());
    let digest = telemetry_backends::get("http").expect("bundled").sha256;
    home.configure(&config(&format!("sha256 = \"{digest}\""), &vendor.url()));
    eventually("flush delivers what is pinned", || home.run(&["telemetry", "flush"]).code == Some(0));
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
}

#[test]
fn a_configuration_with_an_unknown_key_is_silent_in_the_tool_and_named_by_status() {
    let vendor = Vendor::start();
    let home = Home::new(&config("", &vendor.url()));
    home.author_file("backend.wasm", http());
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    home.configure(&config("colour = \"red\"\n", &vendor.url()));
    assert_eq!(home.run(&["hello", "Ada"]).stderr, "");
    let status = home.run(&["telemetry", "status"]);
    assert!(
        status.stdout.contains("unknown field `colour`") && status.stdout.contains("line "),
        "{status:?}"
    );
    assert!(vendor.requests().is_empty());
}

#[test]
fn a_corrupt_consent_file_is_never_a_yes() {
    let vendor = Vendor::start();
    let home = Home::new(&config("", &vendor.url()));
    home.author_file("backend.wasm", http());
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let consent = home.state().join("com.example.greet/consent");
    let mut bytes = fs::read(&consent).expect("the consent file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&consent, bytes).unwrap();
    assert_eq!(home.run(&["hello", "Ada"]).stdout, "Hello, Ada!\n");
    let status = home.run(&["telemetry", "status"]);
    assert!(status.stdout.contains("damaged"), "{status:?}");
    assert!(vendor.requests().is_empty());
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0), "a new yes mends it");
    assert_eq!(home.run(&["hello", "Ada"]).stdout, "Hello, Ada!\n");
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
}

#[test]
fn an_unwritable_home_cannot_store_a_yes_and_says_so() {
    let vendor = Vendor::start();
    let home = Home::new(&config("", &vendor.url()));
    home.author_file("backend.wasm", http());
    // A file where the directory should be: nobody, not even root, can create anything below it.
    fs::write(home.state(), b"").unwrap();
    let ran = home.run(&["telemetry", "enable"]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains(&home.state().display().to_string()), "{ran:?}");
    assert_eq!(home.run(&["hello", "Ada"]).stdout, "Hello, Ada!\n");
    assert!(vendor.requests().is_empty());
}

#[test]
fn a_configuration_that_breaks_stops_the_tools_telemetry_and_what_was_recorded_before_arrives_once_it_is_mended()
 {
    for broken in ["this is not TOML", "[tool]\nid = \"com.example.greet\"\nno_such_key = 1\n", "[tool]\n"] {
        let vendor = Vendor::start();
        let home = Home::new("");
        let bundled = |mode: &str| {
            config("", &vendor.url())
                .replace("path = \"backend.wasm\"", "use = \"http\"")
                .replace("interval = 0", &format!("interval = 0\nmode = \"{mode}\""))
        };
        home.configure(&bundled("never"));
        assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
        for _ in 0..3 {
            assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
        }

        home.configure(broken);
        // The tool works, says nothing, and cannot record: it does not know who it is.
        let ran = home.run(&["hello", "Ada"]);
        assert_eq!(ran, Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) });
        let status = home.run(&["telemetry", "status"]).stdout;
        assert!(status.contains("off: ") && status.contains("greet.toml"), "{broken}: {status}");
        assert!(vendor.requests().is_empty());

        home.configure(&bundled("auto"));
        assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
        let count =
            || -> usize { vendor.requests().iter().map(|it| it.json().as_array().map_or(0, Vec::len)).sum() };
        eventually("all that was recorded while it was whole arrives", || count() == 4);
    }
}
