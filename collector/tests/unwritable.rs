//! `status` where the journal cannot be written, and what was set aside: a user can see it.
#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};

use serde_json::Value;

#[path = "probe/home.rs"]
mod home;

use home::{Home, program};

/// What `status` shows on a sound disk, on the same one read-only, and on the same one full.
const SCRIPT: &str = r#"
mount -t tmpfs -o size=256k,mode=700 tmpfs "$PROBE" || exit 77
"$TOOL" five
"$TOOL" status
mount -o remount,ro "$PROBE"
"$TOOL" five
"$TOOL" status
mount -o remount,rw "$PROBE"
dd if=/dev/zero of="$PROBE/filler" bs=512 2>/dev/null
"$TOOL" status
"#;

fn warnings(status: &str) -> Vec<String> {
    let status: Value = serde_json::from_str(status).unwrap();
    status["warnings"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[test]
fn status_warns_where_events_would_be_kept_in_memory_only() {
    let test = "status_warns_where_events_would_be_kept_in_memory_only";
    // A mount of the process's own, which ends with it: as root, or as root of a name space of one's own.
    for space in [&["--mount"][..], &["--mount", "--map-root-user"]] {
        let home = Home::new();
        let mut command = Command::new("unshare");
        command.args(space).args(["sh", "-c", SCRIPT]).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("PROBE", home.0.path()).env("PROBE_VENDOR", home.path("vendor"));
        command.env("PROBE_DELIVERY", "mode = \"never\"").env("TOOL", program()).stdin(Stdio::null());
        let Ok(output) = command.output() else { break };
        if output.status.code() == Some(77) || output.stdout.is_empty() {
            continue;
        }
        let said = String::from_utf8(output.stdout).unwrap();
        let seen: Vec<_> = said.lines().map(warnings).collect();
        assert_eq!((seen.len(), seen[0].len()), (3, 0), "a sound disk is no warning: {said}");
        for (warnings, why) in seen[1..].iter().zip(["Read-only file system", "the disk is full"]) {
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(why) && warnings[0].contains("kept in memory"), "{warnings:?}");
        }
        return;
    }
    assert!(std::env::var_os("OFFICIAL").is_none_or(|it| it != "required"), "no mounts are allowed: {test}");
    eprintln!("skipped, this user may not mount a file system: {test}");
}
