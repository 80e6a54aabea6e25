//! A whole tool on a system that refuses executable memory, as hardened services and some containers are run:
//! its component is interpreted. `without_compiler.rs` has the same of a tool without the compiler.
#![cfg(target_os = "linux")]

use std::process::Command;

use telemetry_tests::{Home, Vendor, refuse_executable_memory};

/// The example, where no memory becomes executable; none where the kernel cannot refuse it.
fn refused(home: &Home, arguments: &[&str]) -> Option<Command> {
    let mut probe = Command::new("true");
    refuse_executable_memory(&mut probe);
    if let Err(error) = probe.status() {
        let required = std::env::var_os("OFFICIAL").is_some_and(|it| it == "required");
        assert!(!required, "this kernel cannot refuse executable memory (Linux 6.3 can): {error}");
        return None;
    }
    let mut greet = home.greet(arguments);
    refuse_executable_memory(&mut greet);
    Some(greet)
}

#[test]
fn a_tool_that_is_refused_executable_memory_delivers_and_compiles_once() {
    let vendor = Vendor::start();
    let home = Home::new(&format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n[backend]\nuse = \"http\"\n\
         [endpoints.receiver]\nurl = \"{}/in\"\nallow = [\"http\", \"loopback\"]\n\
         [delivery]\nmode = \"never\"\n",
        vendor.url()
    ));
    for arguments in [
        ["telemetry", "enable"],
        ["hello", "Ada"],
        ["telemetry", "flush"],
        ["hello", "Zoë"],
        ["telemetry", "flush"],
    ] {
        let Some(mut greet) = refused(&home, &arguments) else {
            eprintln!("SKIPPED: this kernel cannot refuse executable memory (Linux 6.3 can)");
            return;
        };
        let output = greet.output().expect("greet runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    let requests = vendor.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.json()[0]["name"] == "hello"));
    // For the processor, which was tried, and for the interpreter, which served: each once, both kept.
    let code = home.created().into_iter().filter(|it| it.extension().is_some_and(|it| it == "code"));
    assert_eq!(code.count(), 2, "{:?}", home.created());
}

/// What the tests are built with is more than what an author's tool is: that one has it by default.
#[test]
fn a_tool_with_the_default_features_has_the_interpreter_and_the_compiler_for_it() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--package", "cli-telemetry", "--edges", "normal", "--prefix", "none"]);
    tree.args(["--format", "{p} {f}"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let tree = tree.output().expect("cargo starts");
    let tree = String::from_utf8_lossy(&tree.stdout);
    let host = tree.lines().find(|line| line.starts_with("telemetry-host v")).expect("the host");
    let features: Vec<&str> = host.rsplit(' ').next().unwrap_or_default().split(',').collect();
    assert!(features.contains(&"pulley-compiler") && !features.contains(&"fuzzing"), "{host}");
}
