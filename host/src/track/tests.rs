//! Two tracks in one host.

use telemetry_guests::{Guest, component_in};

use crate::types::{Batch, Event, Origin, Outcome, SendContext};
use crate::{
    Backend, Component, Door, Grant, GrantSpec, ImportClass, Inspection, LoadError, LoadOptions, Recorder,
    Setup, Source, inspect,
};

const NEXT: &str = include_str!("../../tests/next/backend.wit");

/// A component of the new track, which posts the first event's name and answers with this outcome: its case,
/// and the number in it.
fn new(case: u8, number: f64, version: &str) -> Vec<u8> {
    let at = |name: &str| format!("telemetry:backend/{name}@{version}");
    let core = format!(
        r#"(module
  (import "{http}" "post" (func $post (param i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 16) "next")
  (data (i32.const 32) "9.0.0")
  (data (i32.const 48) "intake")
  (data (i32.const 64) "/events")
  ;; The list of endpoints, and the description.
  (data (i32.const 80) "\30\00\00\00\06\00\00\00")
  (data (i32.const 96) "\10\00\00\00\04\00\00\00\20\00\00\00\05\00\00\00\50\00\00\00\01\00\00\00")
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (global.set $next (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (local.get 3)))
    (local.get $at))
  (func (export "{exporter}#describe") (result i32) (i32.const 96))
  (func (export "{exporter}#configure") (param i32 i32) (result i32) (i32.const 256))
  (func (export "{exporter}#send")
    (param $tool i32) (param $tool_length i32) (param $some i32) (param i32 i32)
    (param $events i32) (param $count i32) (param $try i32) (param i32 i32 i32 i32) (result i32)
    ;; The try's number, where the new name of the field has it.
    (if (i32.ne (local.get $try) (i32.const 7)) (then (unreachable)))
    (call $post (i32.const 48) (i32.const 6) (i32.const 64) (i32.const 7)
      (i32.load offset=16 (local.get $events)) (i32.load offset=20 (local.get $events)) (i32.const 300))
    (if (i32.load8_u (i32.const 300)) (then (unreachable)))
    (i32.store8 (i32.const 320) (i32.const {case}))
    (f64.store (i32.const 328) (f64.const {number}))
    (i32.const 320))
  (func (export "{exporter}#erase") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 256)))"#,
        http = at("http"),
        exporter = at("exporter"),
    );
    component_in(&core, &NEXT.replace("@0.2.0", &format!("@{version}")), "backend")
}

fn load(bytes: &[u8]) -> Result<Component, LoadError> {
    Component::load(Source::Bytes(bytes), &LoadOptions::default())
}

fn look(bytes: &[u8]) -> Inspection {
    inspect(Source::Bytes(bytes), &LoadOptions::default()).unwrap()
}

fn start(bytes: &[u8]) -> (Backend, Recorder) {
    let grant = Grant::parse(GrantSpec {
        endpoint: "intake".into(),
        url: "https://vendor.example".into(),
        ..GrantSpec::default()
    });
    let recorder = Recorder::default();
    let setup = Setup::new("{}", Door::Record(recorder.clone())).grant(grant.unwrap());
    (Backend::start(&load(bytes).unwrap(), setup).unwrap(), recorder)
}

fn send(backend: &mut Backend) -> Outcome {
    let event = Event { name: "build".into(), ..Event::default() };
    let batch = Batch { origin: Origin::default(), events: vec![event] };
    let context = SendContext { attempt: 7, ..SendContext::default() };
    backend.send(&batch, &context).unwrap()
}

#[test]
fn a_component_of_the_old_track_and_one_of_the_new_deliver_side_by_side() {
    let (mut old, to_old) = start(&Guest::default().component());
    let (mut new, to_new) = start(&new(0, 0.0, "0.2.0"));
    for _ in 0..2 {
        assert_eq!(send(&mut old), Outcome::Delivered);
        assert_eq!(send(&mut new), Outcome::Delivered);
    }
    let (to_old, to_new) = (to_old.take(), to_new.take());
    assert_eq!((to_old.len(), to_new.len()), (2, 2));
    assert_eq!(to_old[0].url, "https://vendor.example/v1/logs");
    assert_eq!(to_new[0].url, "https://vendor.example/events");
    assert_eq!(to_new[0].body, b"build", "the event's name, in the new track's words");
    assert_eq!(new.description().name, "next");
    assert_eq!(new.description().version, "9.0.0");
}

#[test]
fn a_case_that_only_the_new_track_has_is_the_hosts_own_word_in_the_end() {
    let (mut backend, _) = start(&new(1, 1_500.0, "0.2.0"));
    let Outcome::Retry(advice) = send(&mut backend) else { panic!() };
    assert_eq!((advice.reason.as_str(), advice.after_ms), ("asked to wait", Some(1_500.0)));
    // What is said in a new word is judged like what is said in an old one.
    let (mut backend, _) = start(&new(1, f64::NEG_INFINITY, "0.2.0"));
    let Outcome::Retry(advice) = send(&mut backend) else { panic!() };
    assert_eq!(advice.after_ms, None);
}

#[test]
fn inspection_names_the_track_of_each() {
    for (bytes, track) in [(Guest::default().component(), "0.1.0"), (new(0, 0.0, "0.2.0"), "0.2.0")] {
        let seen = look(&bytes);
        assert_eq!(seen.track.as_deref(), Some(track));
        assert_eq!(seen.refused, None);
        assert!(seen.imports.iter().all(|import| import.class == ImportClass::Granted), "{:?}", seen.imports);
    }
}

#[test]
fn a_later_patch_of_a_track_is_of_that_track() {
    let bytes = new(0, 0.0, "0.2.9");
    assert_eq!(look(&bytes).track.as_deref(), Some("0.2.9"));
    let (mut backend, _) = start(&bytes);
    assert_eq!(send(&mut backend), Outcome::Delivered);
}

#[test]
fn a_track_that_this_host_does_not_speak_is_refused_with_those_that_it_speaks() {
    for unknown in ["0.3.0", "1.0.0", "0.2.0-draft.1"] {
        let bytes = new(0, 0.0, unknown);
        match load(&bytes) {
            Err(LoadError::UnknownTrack { found, known }) => {
                assert_eq!((found.as_str(), known.as_str()), (unknown, "0.1.0, 0.2.0"));
            }
            other => panic!("{unknown}: {other:?}"),
        }
        let text = load(&bytes).unwrap_err().to_string();
        assert!(text.starts_with(&format!(
            "the component speaks version {unknown} of the contract and this host speaks 0.1.0, 0.2.0: "
        )));
        let seen = look(&bytes);
        assert_eq!(seen.track.as_deref(), Some(unknown));
        assert_eq!(seen.refused, Some(text));
        assert!(seen.description.is_none(), "it is looked at and not run");
    }
}

#[test]
fn beside_an_unknown_track_everything_else_that_is_refused_is_named_too() {
    let wat = r#"(component
        (import "wasi:sockets/tcp@0.2.0" (instance))
        (import "telemetry:backend/http@0.3.0" (instance))
        (instance $none)
        (export "telemetry:backend/exporter@0.3.0" (instance $none)))"#;
    match load(&wat::parse_str(wat).unwrap()) {
        Err(LoadError::Refused(offences)) => {
            let names: Vec<&str> = offences.iter().map(|offence| offence.import.as_str()).collect();
            assert_eq!(names, ["wasi:sockets/tcp@0.2.0", "telemetry:backend/http@0.3.0"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_exporter_without_a_version_or_of_another_package_is_no_track() {
    let exporting = |name: &str| {
        let wat = format!(r#"(component (instance $none) (export "{name}" (instance $none)))"#);
        load(&wat::parse_str(wat).unwrap()).unwrap_err()
    };
    let unversioned = exporting("telemetry:backend/exporter");
    assert!(
        matches!(&unversioned, LoadError::UnknownTrack { found, .. } if found == "none"),
        "{unversioned}"
    );
    for other in ["telemetry:backend/exporters@0.1.0", "acme:backend/exporter@0.1.0"] {
        assert!(matches!(exporting(other), LoadError::WrongWorld(_)), "{other}");
    }
    // An exporter in name only.
    let hollow = exporting("telemetry:backend/exporter@0.1.0");
    assert!(matches!(hollow, LoadError::WrongWorld(_)), "{hollow}");
}

#[test]
fn of_several_tracks_the_newest_that_this_host_speaks_is_taken() {
    let wat = r#"(component (instance $none)
        (export "telemetry:backend/exporter@0.9.0" (instance $none))
        (export "telemetry:backend/exporter@0.2.0" (instance $none))
        (export "telemetry:backend/exporter@0.1.0" (instance $none)))"#;
    assert_eq!(look(&wat::parse_str(wat).unwrap()).track.as_deref(), Some("0.2.0"));
}
