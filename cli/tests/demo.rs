//! The demo passes, and shows no credential.

use std::process::Command;

#[test]
fn the_demo_delivers_through_each_bundled_backend_and_shows_no_credential() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_telemetry-kit")).arg("demo").output().expect("the kit runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    for request in ["POST /events", "POST /v1/logs", "POST /api/v2/logs", "POST /batch/"] {
        assert!(stdout.contains(request), "{request} is missing:\n{stdout}");
    }
    assert!(!stdout.contains("demo-credential"), "a credential is shown:\n{stdout}");
}
