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
    // The first two spaces begin the line of one offence.
    let asks = |import: &str, why: &str| {
        format!("held: the component asks for what a backend may not have:   {import}: {why}")
    };
    contained(
        [
            (
                "wasi:sockets/tcp@0.2.0",
                "a backend has no sockets; it asks the host for a request through `telemetry:backend/http`. Likely \
                 cause: an HTTP or networking library inside the component",
            ),
            (
                "wasi:clocks/monotonic-clock@0.3.0",
                "WASI 0.3: built with async; rebuild it for WASI 0.2 (for JavaScript with `--sync`)",
            ),
            ("wasi:keyvalue/store@0.2.0-draft2", "a service of other hosts that a backend does not have"),
            ("telemetry:backend/files@0.1.0", "not an interface of the contract that a host offers"),
            (
                "telemetry:backend/http@0.7.0",
                "built for version 0.7.0 of the contract; this host speaks 0.1.0",
            ),
            ("acme:shell/run", "unknown to this host"),
        ]
        .map(|(import, why)| case(importing(import), asks(import, why))),
    );
    let function = "(import \"wasi:cli/environment@0.2.99\" (instance (export \"read-mail\" (func))))";
    contained([case(
        wat(&format!("(component {function})")),
        asks(
            "wasi:cli/environment@0.2.99#read-mail",
            "newer than this host: it has the interface, but not this function",
        ),
    )]);
}

#[test]
fn a_file_that_is_damaged() {
    let whole = Guest::default().component();
    let compiled = "held: the component cannot be compiled: failed to parse WebAssembly module: ";
    contained([
        case(whole[..whole.len() / 2].to_vec(), format!("{compiled}unexpected end-of-file")),
        case(
            [&whole[..200], &[0xff; 64], &whole[264..]].concat(),
            format!("{compiled}malformed UTF-8 encoding"),
        ),
        case(
            b"\0asm\x99\0\x01\0".to_vec(),
            "held: not a WebAssembly component: it is of a version of WebAssembly components that this host does \
             not know",
        ),
    ]);
}
