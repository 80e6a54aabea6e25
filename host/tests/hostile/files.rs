//! Files that are no component, another's component, or ask for what is not to be had.

use super::*;

fn refused(bytes: &[u8]) -> String {
    load(bytes).unwrap_err().to_string()
}

#[test]
fn what_is_no_component_is_refused_with_a_reason() {
    let honest = Guest::default().component();
    let module = wat::parse_str("(module)").unwrap();
    for (bytes, why) in [
        (b"".as_slice(), "it does not begin as WebAssembly does"),
        (b"\x7fELF", "it does not begin as WebAssembly does"),
        (&[0xff; 100], "it is neither binary WebAssembly nor text"),
        (
            &module,
            "it is a core module; build with the target wasm32-wasip2, or with `linker = \"wasm-component-ld\"` \
             for wasm32-unknown-unknown",
        ),
        (b"\0asm\x99\0\x01\0", "it is of a version of WebAssembly components that this host does not know"),
    ] {
        assert_eq!(refused(bytes), format!("not a WebAssembly component: {why}"));
    }
    let text = refused(&honest[..honest.len() / 2]);
    let why =
        "the component cannot be compiled: failed to parse WebAssembly module: unexpected end-of-file (at ";
    assert!(text.starts_with(why), "{text}");
}

#[test]
fn a_damaged_component_is_refused_or_is_contained_as_any_other() {
    let honest = Guest::default().component();
    let mut compiled = 0;
    for at in (8..honest.len()).step_by(honest.len() / 50) {
        let mut damaged = honest.clone();
        damaged[at] ^= 0xff;
        let component = match load(&damaged) {
            Ok(component) => component,
            Err(LoadError::Compile(_) | LoadError::Refused(_) | LoadError::WrongWorld(_)) => continue,
            Err(other) => panic!("byte {at}: {other}"),
        };
        compiled += 1;
        let setup = Setup::new("{}", Door::Record(Recorder::default())).grant(grant(
            "intake",
            "https://vendor.example",
            &[],
        ));
        // The damage was in a name, a number or a text: whatever it says now, the host goes on.
        let sent = Backend::start(&component, setup).map(|mut backend| backend.send(&batch(1), &context()));
        let host_failed = matches!(
            sent,
            Err(StartError::Call(CallError::Host(_)))
                | Ok(Err(CallError::Host(_) | CallError::Broken { .. }))
        );
        assert!(!host_failed, "byte {at}: {sent:?}");
    }
    assert!(compiled > 0, "some damage is not seen before the component is called");
}

#[test]
fn an_empty_component_and_one_of_another_world_are_not_backends() {
    let empty = load(&wat::parse_str("(component)").unwrap()).map(|_| ());
    assert!(matches!(empty, Err(LoadError::WrongWorld(_))), "{empty:?}");
    let other = telemetry_guests::component_in(
        "(module (func (export \"run\")))",
        "package test:other; world test { export run: func(); }",
        "test",
    );
    let other = load(&other).map(|_| ());
    assert!(matches!(other, Err(LoadError::WrongWorld(_))), "{other:?}");
}

#[test]
fn every_import_that_is_not_to_be_had_is_named() {
    let wat = r#"(component
        (import "wasi:sockets/instance-network@0.2.0" (instance))
        (import "wasi:http/incoming-handler@0.2.0" (instance))
        (import "wasi:clocks/monotonic-clock@0.3.0" (instance))
        (import "wasi:cli/environment@0.2.99" (instance (export "read-mail" (func))))
        (import "telemetry:backend/http@0.2.0" (instance))
        (import "telemetry:backend/files@0.1.0" (instance))
        (import "run-command" (func (param "line" string))))"#;
    let text = refused(&wat::parse_str(wat).unwrap());
    for (import, cause) in [
        ("wasi:sockets/instance-network@0.2.0", "a backend has no sockets"),
        ("wasi:http/incoming-handler@0.2.0", "takes none"),
        ("wasi:clocks/monotonic-clock@0.3.0", "built with async"),
        ("wasi:cli/environment@0.2.99#read-mail", "newer than this host"),
        ("telemetry:backend/http@0.2.0", "this host speaks 0.1.0"),
        ("telemetry:backend/files@0.1.0", "not an interface of the contract"),
        ("run-command", "unknown to this host"),
    ] {
        assert!(text.lines().any(|line| line.contains(import) && line.contains(cause)), "{import}: {text}");
    }
}

#[test]
fn a_file_that_is_too_big_is_not_compiled() {
    let mut options = LoadOptions::default();
    options.limits.file_bytes = 1_000;
    let bytes = Guest::default().component();
    assert!(matches!(
        Component::load(Source::Bytes(&bytes), &options),
        Err(LoadError::TooBig { most: 1_000 })
    ));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big.wasm");
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(Component::load(Source::Path(&path), &options), Err(LoadError::TooBig { most: 1_000 })));
}

#[test]
fn a_path_that_is_no_file_is_an_error_with_the_path_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let regular = "it is not a regular file";
    for (path, kind, why) in [
        (dir.path().to_owned(), std::io::ErrorKind::Other, regular),
        (dir.path().join("missing.wasm"), std::io::ErrorKind::NotFound, ""),
        ("/dev/zero".into(), std::io::ErrorKind::Other, regular),
    ] {
        let error = Component::load(Source::Path(&path), &LoadOptions::default()).unwrap_err();
        let text = error.to_string();
        let LoadError::Read { path: named, error } = error else { panic!("{error:?}") };
        assert_eq!((&named, error.kind()), (&path, kind));
        assert!(text.starts_with(&format!("{} cannot be read: {why}", path.display())), "{text}");
    }
}

#[test]
fn a_file_that_is_not_the_pinned_one_is_refused() {
    let bytes = Guest::default().component();
    let mut options = LoadOptions::default();
    let honest = load(&bytes).unwrap().sha256().to_owned();
    options.pin = Some(honest.to_uppercase());
    assert!(Component::load(Source::Bytes(&bytes), &options).is_ok());
    options.pin = Some("0".repeat(64));
    match Component::load(Source::Bytes(&bytes), &options) {
        Err(LoadError::Pin { expected, found }) => assert_eq!((expected, found), ("0".repeat(64), honest)),
        other => panic!("{:?}", other.map(|_| "it was loaded")),
    }
}
