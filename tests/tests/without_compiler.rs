//! A tool that is built without the compiler, as its author builds it: outside this workspace, whose other
//! packages would switch the compiler on. It delivers through what was compiled when it was built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use telemetry_tests::{Home, Ran, Vendor};

const TOOL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tool");
const TMP: &str = env!("CARGO_TARGET_TMPDIR");

/// A cargo of its own for the package, with a target directory that stays from run to run.
fn cargo(arguments: &[&str]) -> Command {
    // The same versions as everywhere here. What the tool does not use, cargo takes out.
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    std::fs::copy(lock, Path::new(TOOL).join("Cargo.lock")).expect("the lock file is copied");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).args(["--features", "embedded"]).current_dir(TOOL);
    // What a user's own build, or this one, set for another target.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"]
    {
        cargo.env_remove(variable);
    }
    cargo
}

/// Where the tools are, once they are built. It takes minutes: the WebAssembly runtime is compiled twice more,
/// with the compiler for the build scripts and without it for the tools. So only CI asks for it by itself.
static BUILT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    if std::env::var_os("OFFICIAL").is_none_or(|it| it != "required") {
        return None;
    }
    let target = Path::new(TMP).join("tool");
    let acme = Path::new(TMP).join("acme.wasm");
    let http = telemetry_backends::get("http").expect("http is bundled").wasm;
    // Written once: cargo looks at its time.
    if std::fs::read(&acme).ok().as_deref() != Some(http) {
        std::fs::write(&acme, http).expect("the component is written");
    }
    let mut build = cargo(&["build", "--quiet", "--bins"]);
    build.arg("--target-dir").arg(&target).env("ACME_WASM", &acme);
    let built = build.output().expect("cargo starts");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(target.join("debug"))
});

fn built(test: &str) -> Option<&'static Path> {
    if BUILT.is_none() {
        eprintln!("SKIPPED {test}: it builds the WebAssembly runtime twice more. Run with OFFICIAL=required");
    }
    BUILT.as_deref()
}

fn home(backend: &str, vendor: &Vendor) -> Home {
    Home::new(&format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n[backend]\n{backend}\n\
         [endpoints.receiver]\nurl = \"{}/in\"\nallow = [\"http\", \"loopback\"]\n\
         credential = {{ bearer = true, value = \"s3cret-of-the-author\" }}\n\
         [delivery]\nmode = \"never\"\n",
        vendor.url()
    ))
}

/// Runs a tool to its end, as `change` has it.
fn ran(home: &Home, program: &Path, arguments: &[&str], change: fn(&mut Command)) -> Ran {
    let mut command = home.tool(program);
    change(command.args(arguments));
    command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display())).into()
}

/// Wants one event to be recorded, sent and answered.
fn delivers(program: &Path, backend: &str, command: &[&str], change: fn(&mut Command)) {
    let vendor = Vendor::start();
    let home = home(backend, &vendor);
    for arguments in [&["telemetry", "enable"], command, &["telemetry", "flush"]] {
        let ran = ran(&home, program, arguments, change);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
    }
    let [request] = vendor.requests().try_into().expect("one request");
    assert_eq!(request.line, "POST /in HTTP/1.1");
    assert_eq!(request.header("authorization"), Some("Bearer s3cret-of-the-author"));
    assert_eq!(request.json()[0]["name"], command[0]);
}

const BUNDLED: (&str, &str, &[&str]) = ("greet", "use = \"http\"", &["hello", "Ada"]);
const EMBEDDED: (&str, &str, &[&str]) = ("embedded", "use = \"acme\"", &["work"]);

#[test]
fn it_has_no_compiler_and_says_so_of_a_file_that_was_not_precompiled() {
    let Some(tools) = built("it_has_no_compiler_and_says_so_of_a_file_that_was_not_precompiled") else {
        return;
    };
    let listed =
        cargo(&["tree", "--offline", "--edges", "normal", "--prefix", "none"]).output().expect("cargo");
    let listed = String::from_utf8_lossy(&listed.stdout);
    assert!(listed.contains("\nwasmtime v") && !listed.contains("\ncranelift-codegen v"), "{listed}");

    let vendor = Vendor::start();
    let home = home("path = \"acme.wasm\"", &vendor);
    home.author_file("acme.wasm", telemetry_backends::get("http").expect("http is bundled").wasm);
    for arguments in [["telemetry", "enable"], ["hello", "Ada"]] {
        assert_eq!(ran(&home, &tools.join("greet"), &arguments, |_| {}).code, Some(0));
    }
    let flushed = ran(&home, &tools.join("greet"), &["telemetry", "flush"], |_| {});
    assert_eq!(flushed.code, Some(1), "{flushed:?}");
    assert!(flushed.stdout.contains("this program has no compiler"), "{flushed:?}");
    assert!(vendor.requests().is_empty());
}

#[test]
fn it_delivers_through_a_bundled_backend_and_through_a_file_that_its_build_script_compiled() {
    let name = "it_delivers_through_a_bundled_backend_and_through_a_file_that_its_build_script_compiled";
    let Some(tools) = built(name) else { return };
    for (program, backend, command) in [BUNDLED, EMBEDDED] {
        delivers(&tools.join(program), backend, command, |_| {});
    }
}

#[cfg(target_os = "linux")]
#[test]
fn it_delivers_where_executable_memory_is_refused() {
    let Some(tools) = built("it_delivers_where_executable_memory_is_refused") else { return };
    for (program, backend, command) in [BUNDLED, EMBEDDED] {
        delivers(&tools.join(program), backend, command, telemetry_tests::refuse_executable_memory);
    }
}
