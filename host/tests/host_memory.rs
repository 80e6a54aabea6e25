//! What a component makes the host itself hold: its own memory is counted elsewhere. Alone in its file, because
//! it looks at the whole process.
#![cfg(target_os = "linux")]

mod support;

use std::sync::{Mutex, PoisonError};

use support::{batch, context, grant, load};
use telemetry_guests::Guest;
use telemetry_host::types::Outcome;
use telemetry_host::{Backend, Component, Door, Limits, LoadError, Recorder, Setup};

/// All tests look at the whole process.
static ALONE: Mutex<()> = Mutex::new(());

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
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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

fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], leb(content.len() as u32).as_slice(), content].concat()
}

/// An honest guest, with so many more instances of a module of so many globals behind it.
fn crowded(instances: u32, globals: u32) -> Vec<u8> {
    let honest = Guest::default().component();
    // `(global (mut i64) (i64.const 0))`
    let each = [0x7e, 0x01, 0x42, 0x00, 0x0b].repeat(globals as usize);
    let module = [b"\0asm\x01\0\0\0".to_vec(), section(6, &[leb(globals), each].concat())].concat();
    // Modules are counted from zero, and each has a section of its own.
    let (mut at, mut modules) = (8, 0);
    while at < honest.len() {
        modules += u32::from(honest[at] == 1);
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            at += 1;
            length |= usize::from(honest[at] & 0x7f) << shift;
            shift += 7;
            if honest[at] < 0x80 {
                break;
            }
        }
        at += 1 + length;
    }
    let instance = [[0x00].to_vec(), leb(modules), vec![0x00]].concat();
    let all = [leb(instances), instance.repeat(instances as usize)].concat();
    [honest, section(1, &module), section(2, &all)].concat()
}

fn start(component: &Component) -> Backend {
    let setup = Setup::new("{}", Door::Record(Recorder::default())).grant(grant(
        "intake",
        "https://vendor.example",
        &[],
    ));
    Backend::start(component, setup).unwrap()
}

#[test]
fn a_module_that_is_small_in_a_file_and_big_in_each_of_many_instances_is_not_loaded() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let refused = load(&crowded(1, 140_000)).unwrap_err();
    let LoadError::Compile(why) = refused else { panic!("{refused}") };
    assert_eq!(
        why,
        "one instance of a module in it takes 2240000 bytes beside its memories, more than 2097152: it has too many \
         globals, or too many functions that are imported, exported or called by reference"
    );
    // The most that is let through, as often as it is.
    let crowd = load(&crowded(150, 131_072)).unwrap();
    forget();
    let before = most();
    drop(start(&crowd));
    assert!(most() - before < 400 << 20, "{}", most() - before);
}

#[test]
fn a_component_of_more_instances_than_the_author_allows_is_not_started() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let most = Limits::default().instances as u32;
    drop(start(&load(&crowded(most - 20, 1)).unwrap()));
    let crowd = load(&crowded(most + 1, 1)).unwrap();
    let setup = Setup::new("{}", Door::Record(Recorder::default()));
    let refused = Backend::start(&crowd, setup).unwrap_err();
    assert!(refused.to_string().contains("instance"), "{refused}");
}
