//! The same contract from different toolchains: each component is built here, and delivers through the same
//! grants as any other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use telemetry_tests::{Answer, Home, Ran, Vendor};

/// Builds a package of this workspace for a target, as the bundled components are built.
fn build(package: &str, target: &str) -> Vec<u8> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("toolchains");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace);
    cargo.args(["build", "--quiet", "--locked", "--lib", "--profile", "component"]);
    cargo.args(["--package", package, "--target", target]);
    cargo.args(["--config", "target.wasm32-unknown-unknown.linker=\"wasm-component-ld\""]);
    cargo.arg("--target-dir").arg(&directory);
    // What a user's own build, or this one, set for another target.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"]
    {
        cargo.env_remove(variable);
    }
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "{package}: {}", String::from_utf8_lossy(&output.stderr));
    let file = format!("{target}/component/{}.wasm", package.replace('-', "_"));
    std::fs::read(directory.join(file)).expect("the component")
}

fn home(wasm: &[u8], settings: &str, endpoint: &str, url: &str) -> Home {
    let home = Home::new(&format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\npath = \"backend.wasm\"\n\n[backend.settings]\n{settings}\n\n\
         [endpoints.{endpoint}]\nurl = \"{url}\"\nallow = [\"http\", \"loopback\"]\n\
         credential = {{ bearer = true, value = \"s3cret-of-the-author\" }}\n\n\
         [delivery]\nmode = \"never\"\n"
    ));
    home.author_file("backend.wasm", wasm);
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let greeting = Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) };
    assert_eq!(home.run(&["hello", "Ada"]), greeting);
    home
}

/// Makes, by the kit and npm, the JavaScript backend that an author begins with; none where npm cannot be had.
fn javascript(test: &str) -> Option<Vec<u8>> {
    let home = Home::new("");
    let made = home.kit(&["new", "acme", "--lang", "js"]).output().expect("the kit runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let npm = |arguments: &[&str]| {
        Command::new("npm").args(arguments).current_dir(home.path("acme")).stdin(Stdio::null()).output()
    };
    let installed = npm(&["install", "--no-audit", "--no-fund"]);
    if !installed.as_ref().is_ok_and(|it| it.status.success()) {
        let required = std::env::var_os("OFFICIAL").is_some_and(|it| it == "required");
        assert!(!required, "npm install: {installed:?}");
        eprintln!("SKIPPED {test}: npm install failed");
        return None;
    }
    let built = npm(&["run", "build"]).expect("npm runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stdout));
    Some(std::fs::read(home.path("acme/acme.wasm")).expect("the component"))
}

/// Wants the greeting's event to arrive, with the credential, at this path; its name stands there in the body.
fn delivers(wasm: &[u8], settings: &str, endpoint: &str, path: &str, name: &str) {
    let vendor = Vendor::start();
    let settings = settings.replace("VENDOR", &vendor.url());
    let home = home(wasm, &settings, endpoint, &format!("{}/base", vendor.url()));
    let flushed = home.run(&["telemetry", "flush"]);
    assert_eq!(flushed.code, Some(0), "{flushed:?}");
    let [request] = vendor.requests().try_into().expect("one request");
    assert_eq!(request.line, format!("POST {path} HTTP/1.1"));
    assert_eq!(request.header("authorization"), Some("Bearer s3cret-of-the-author"));
    assert_eq!(request.json().pointer(name), Some(&"hello".into()));
}

/// Whether a component imports anything of WASI.
fn imports_wasi(wasm: &[u8]) -> bool {
    wasm.windows(5).any(|bytes| bytes == b"wasi:")
}

#[test]
fn the_same_rust_backend_with_and_without_wasi() {
    let without = build("telemetry-backend-http", "wasm32-unknown-unknown");
    let with = build("telemetry-backend-http", "wasm32-wasip2");
    assert!(!imports_wasi(&without) && imports_wasi(&with));
    delivers(&without, "", "receiver", "/base", "/0/name");
    delivers(&with, "", "receiver", "/base", "/0/name");
}

#[test]
fn a_rust_backend_whose_http_library_speaks_wasi() {
    let wasm = build("telemetry-guest-wstd", "wasm32-wasip2");
    delivers(&wasm, "url = \"VENDOR/base/v1?a=b%20c&d\"", "intake", "/base/v1?a=b%20c&d=", "/0/name");

    // To nowhere else: another host, another port, beside the granted path, as somebody else, another scheme.
    let vendor = Vendor::start();
    let url = vendor.url();
    let port = vendor.address().port();
    for elsewhere in [
        "http://evil.example/base".to_owned(),
        format!("http://127.0.0.1:{}/base", port.wrapping_add(1)),
        format!("{url}/baseline"),
        format!("{url}/"),
        format!("http://me@127.0.0.1:{port}/base"),
        format!("https://127.0.0.1:{port}/base"),
    ] {
        let home = home(&wasm, &format!("url = \"{elsewhere}\""), "intake", &format!("{url}/base"));
        let flushed = home.run(&["telemetry", "flush"]);
        assert_eq!(flushed.code, Some(1), "{elsewhere}: {flushed:?}");
        assert!(flushed.stdout.contains("no endpoint is granted at http"), "{elsewhere}: {flushed:?}");
    }
    for climbing in [format!("{url}/base/../admin"), format!("{url}/base/%2e%2e/admin")] {
        let home = home(&wasm, &format!("url = \"{climbing}\""), "intake", &format!("{url}/base"));
        let flushed = home.run(&["telemetry", "flush"]);
        assert!(flushed.stdout.contains("`.` or `..` segments"), "{climbing}: {flushed:?}");
    }
    assert!(vendor.requests().is_empty());
}

#[test]
fn a_javascript_backend_of_the_kits_template() {
    let Some(wasm) = javascript("a_javascript_backend_of_the_kits_template") else { return };
    delivers(&wasm, "project = \"p1\"", "api", "/base/v1/events", "/events/0/name");
}

#[test]
fn what_a_vendor_echoes_is_masked_for_a_guest_of_wasi_too() {
    let wasm = build("telemetry-guest-wstd", "wasm32-wasip2");
    let vendor = Vendor::start();
    let echoed = "HTTP/1.1 500 -\r\ncontent-length: 36\r\n\r\nyou sent Bearer s3cret-of-the-author";
    vendor.otherwise(Answer::Raw(echoed.into()));
    let settings = format!("url = \"{}/base\"", vendor.url());
    let home = home(&wasm, &settings, "intake", &format!("{}/base", vendor.url()));
    let flushed = home.run(&["telemetry", "flush"]);
    assert!(flushed.stdout.contains("status 500: you sent Bearer ***"), "{flushed:?}");
}
