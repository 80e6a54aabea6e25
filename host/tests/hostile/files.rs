//! Files that are no component, another's component, or ask for what is not to be had.

use super::*;

fn refused(bytes: &[u8]) -> String {
    load(bytes).unwrap_err().to_string()
}

#[test]
fn what_is_no_component_is_refused_with_a_reason() {
    let honest = Guest::default().component();
    assert!(refused(b"").contains("not a WebAssembly component"));
    assert!(refused(b"\x7fELF").contains("not a WebAssembly component"));
    assert!(refused(&[0xff; 100]).contains("not a WebAssembly component"));
    assert!(refused(&wat::parse_str("(module)").unwrap()).contains("wasm32-wasip2"));
    assert!(refused(b"\0asm\x99\0\x01\0").contains("does not know"));
    assert!(refused(&honest[..honest.len() / 2]).contains("cannot be compiled"));
    for at in (8..honest.len()).step_by(honest.len() / 50) {
        let mut damaged = honest.clone();
        damaged[at] ^= 0xff;
        // Either it is refused, or the damage was in a name.
        let _ = load(&damaged);
    }
}

#[test]
fn an_empty_component_and_one_of_another_world_are_not_backends() {
    assert!(refused(&wat::parse_str("(component)").unwrap()).contains("is not a telemetry backend"));
    let other = telemetry_guests::component_in(
        "(module (func (export \"run\")))",
        "package test:other; world test { export run: func(); }",
        "test",
    );
    assert!(refused(&other).contains("is not a telemetry backend"));
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
    for path in [dir.path().to_owned(), dir.path().join("missing.wasm"), "/dev/zero".into()] {
        let error = Component::load(Source::Path(&path), &LoadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
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
    let text = Component::load(Source::Bytes(&bytes), &options).unwrap_err().to_string();
    assert!(text.contains(&honest) && text.contains(&"0".repeat(64)), "{text}");
}
