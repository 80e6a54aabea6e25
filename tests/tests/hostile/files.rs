//! Files that are no component, or one that asks for what is not to be had. (More of them, with a sender of
//! its own: `bad_input`.)

use super::{Guest, case, contained};

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's own WAT")
}

fn importing(import: &str) -> Vec<u8> {
    wat(&format!("(component (import \"{import}\" (instance)))"))
}

#[test]
fn a_component_that_asks_for_what_no_backend_has() {
    contained([
        case(importing("wasi:sockets/tcp@0.2.0"), "a backend has no sockets"),
        case(importing("wasi:clocks/monotonic-clock@0.3.0"), "built with async"),
        case(importing("wasi:keyvalue/store@0.2.0-draft2"), "a service of other hosts"),
        case(importing("telemetry:backend/files@0.1.0"), "not an interface of the contract"),
        case(importing("telemetry:backend/http@0.7.0"), "built for version 0.7.0 of the contract"),
        case(importing("acme:shell/run"), "unknown to this host"),
        case(
            wat(
                "(component (import \"wasi:cli/environment@0.2.99\" (instance (export \"read-mail\" (func)))))",
            ),
            "newer than this host",
        ),
    ]);
}

#[test]
fn a_file_that_is_damaged() {
    let whole = Guest::default().component();
    contained([
        case(whole[..whole.len() / 2].to_vec(), "cannot be compiled"),
        case([&whole[..200], &[0xff; 64], &whole[264..]].concat(), "the component cannot be compiled: "),
        case(b"\0asm\x99\0\x01\0".to_vec(), "that this host does not know"),
    ]);
}
