//! What an author grants and an operator sets, seen through a whole tool: proxies, private authorities, client
//! certificates, addresses, names that change, redirects, and one request for each claim.

mod certificates;
mod claims;
mod places;
mod proxies;
#[cfg(target_os = "linux")]
mod rebinding;
mod secure;

use std::path::PathBuf;

use telemetry_tests::{Home, Ran};

/// A home with this component, a yes, and one event that waits to be sent.
fn waiting(wasm: &[u8], config: &str, files: &[(&str, &[u8])]) -> Home {
    let home = Home::new(config);
    home.author_file("backend.wasm", wasm);
    for (name, bytes) in files {
        home.author_file(name, bytes);
    }
    assert_eq!(run(&home, &["telemetry", "enable"], &[]).code, Some(0));
    let greeting = Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) };
    assert_eq!(run(&home, &["hello", "Ada"], &[]), greeting);
    home
}

fn honest() -> &'static [u8] {
    telemetry_backends::get("http").expect("bundled").wasm
}

/// `greet.toml` that grants this URL to an endpoint, with further lines; only `flush` sends.
fn config(endpoint: &str, url: &str, grant: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\npath = \"backend.wasm\"\n\n\
         [endpoints.{endpoint}]\nurl = \"{url}\"\n{grant}\n\n\
         [delivery]\nmode = \"never\"\n"
    )
}

/// The tool with these variables, and one cache of compiled code for all of these tests.
fn run(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut greet = home.greet(arguments);
    greet.env("XDG_CACHE_HOME", PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("egress-cache"));
    greet.envs(environment.iter().copied()).output().expect("greet runs").into()
}

/// Sends what waits and wants it to arrive.
fn delivers(home: &Home, environment: &[(&str, &str)]) {
    let flushed = run(home, &["telemetry", "flush"], environment);
    assert_eq!(flushed.code, Some(0), "{flushed:?}");
}

/// Sends what waits and wants it to stay, for this reason.
fn stays(home: &Home, environment: &[(&str, &str)], why: &str) {
    let flushed = run(home, &["telemetry", "flush"], environment);
    assert_eq!(flushed.code, Some(1), "{why}: {flushed:?}");
    let status = run(home, &["telemetry", "status"], environment);
    assert!(status.stdout.contains(why), "{why}: {status:?}");
    assert!(status.stdout.contains("1 event, "), "it is still there: {why}: {status:?}");
}
