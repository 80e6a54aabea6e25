//! Vendors' own Python packages as judges of what a backend sends.
//!
//! `OFFICIAL_PYTHON` names the interpreter; the default is the one that `.ci/tools` makes (`target/official`), or
//! `python3` where it made none. Where a package is not installed the
//! test says that it skips; `OFFICIAL=required` makes that a failure, for a machine that should have
//! them all:
//!
//! ```sh
//! python3 -m venv target/official && target/official/bin/pip install -r backends-wasm/official.txt
//! OFFICIAL=required cargo test -p telemetry-backend-datadog
//! ```

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a script of the package's `tests` directory with `input` on stdin and gives its stdout; none if
/// `module` is not installed.
pub(crate) fn run(script: &str, module: &str, input: &[u8]) -> Option<String> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/official/bin/python");
    let default = || if made.exists() { made.into_os_string() } else { "python3".into() };
    let python = std::env::var_os("OFFICIAL_PYTHON").unwrap_or_else(default);
    let installed = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|it| it.success());
    if !installed {
        let required = std::env::var_os("OFFICIAL").is_some_and(|it| it == "required");
        assert!(!required, "{python:?} has no module {module}");
        eprintln!("SKIPPED {script}: {python:?} has no module {module}");
        return None;
    }
    let mut child = Command::new(&python)
        .arg(format!("tests/{script}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    child.stdin.take().expect("is piped").write_all(input).expect("the script reads its input");
    let output = child.wait_with_output().expect("the script ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {}\n{errors}", output.status);
    Some(String::from_utf8(output.stdout).expect("the script writes text"))
}
