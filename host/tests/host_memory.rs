//! What a component makes the host itself hold: its own memory is counted elsewhere. Alone in its file, because
//! it looks at the whole process.
#![cfg(target_os = "linux")]

mod support;

use support::{batch, context, grant, load};
use telemetry_guests::Guest;
use telemetry_host::types::Outcome;
use telemetry_host::{Backend, Door, Recorder, Setup};

/// The most memory that this process has had since [`forget`], in bytes.
fn most() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn forget() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// A guest whose query has this many bytes, in one value.
fn asking(bytes: u32) -> Vec<u8> {
    Guest::with(|guest| {
        guest.memory = "(memory (export \"memory\") 400)".into();
        guest.send = Some(format!(
            "(memory.fill (i32.const 262144) (i32.const 47) (i32.const {bytes}))
             (i32.store (i32.const 131072) (global.get $path))
             (i32.store (i32.const 131076) (i32.const 8))
             (i32.store (i32.const 131080) (i32.const 262144))
             (i32.store (i32.const 131084) (i32.const {bytes}))
             (call $http (i32.const 1024) (i32.const 6) (i32.const 1) (global.get $path) (i32.const 8)
               (i32.const 131072) (i32.const 1) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
             (call $answer)"
        ));
    })
}

#[test]
fn a_request_that_is_far_too_long_is_refused_before_it_is_built() {
    const LENGTH: u32 = 20_000_000;
    let component = load(&asking(LENGTH)).unwrap();
    let recorder = Recorder::default();
    let setup = Setup::new("{}", Door::Record(recorder.clone())).grant(grant(
        "intake",
        "https://vendor.example",
        &[],
    ));
    let mut backend = Backend::start(&component, setup).unwrap();
    forget();
    let before = most();
    let Ok(Outcome::Retry(advice)) = backend.send(&batch(1), &context()) else { panic!() };
    let held = most() - before;
    assert!(advice.reason.starts_with("the URL and headers of 20000"), "{}", advice.reason);
    assert!(advice.reason.ends_with(" bytes are bigger than 16384"), "{}", advice.reason);
    assert!(recorder.take().is_empty());
    // Once in the guest, and once as the host took it over.
    assert!(held < 3 * u64::from(LENGTH), "{held}");
}
