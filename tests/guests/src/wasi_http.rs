//! A guest that sends through `wasi:http`, as far down as a guest can be: each handle is in its hands.

use crate::Guest;

/// As much of it as is used, with the packages that it stands on. `VERSION` is put in.
const WASI: &str = "
    package wasi:io@VERSION {
      interface error { resource error; }
      interface poll { resource pollable { block: func(); } }
      interface streams {
        use error.{error};
        variant stream-error { last-operation-failed(error), closed }
        resource input-stream { blocking-read: func(len: u64) -> result<list<u8>, stream-error>; }
        resource output-stream {
          check-write: func() -> result<u64, stream-error>;
          write: func(contents: list<u8>) -> result<_, stream-error>;
          blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; } } }
    package wasi:http@VERSION {
      interface types {
        use wasi:io/poll@VERSION.{pollable};
        use wasi:io/streams@VERSION.{input-stream, output-stream};
        variant method { get, head, post, put, delete, connect, options, trace, patch, other(string) }
        variant scheme { HTTP, HTTPS, other(string) }
        record DNS-error-payload { rcode: option<string>, info-code: option<u16> }
        record TLS-alert-received-payload { alert-id: option<u8>, alert-message: option<string> }
        record field-size-payload { field-name: option<string>, field-size: option<u32> }
        variant error-code {
          DNS-timeout, DNS-error(DNS-error-payload), destination-not-found, destination-unavailable,
          destination-IP-prohibited, destination-IP-unroutable, connection-refused, connection-terminated,
          connection-timeout, connection-read-timeout, connection-write-timeout, connection-limit-reached,
          TLS-protocol-error, TLS-certificate-error, TLS-alert-received(TLS-alert-received-payload),
          HTTP-request-denied, HTTP-request-length-required, HTTP-request-body-size(option<u64>),
          HTTP-request-method-invalid, HTTP-request-URI-invalid, HTTP-request-URI-too-long,
          HTTP-request-header-section-size(option<u32>), HTTP-request-header-size(option<field-size-payload>),
          HTTP-request-trailer-section-size(option<u32>), HTTP-request-trailer-size(field-size-payload),
          HTTP-response-incomplete, HTTP-response-header-section-size(option<u32>),
          HTTP-response-header-size(field-size-payload), HTTP-response-body-size(option<u64>),
          HTTP-response-trailer-section-size(option<u32>), HTTP-response-trailer-size(field-size-payload),
          HTTP-response-transfer-coding(option<string>), HTTP-response-content-coding(option<string>),
          HTTP-response-timeout, HTTP-upgrade-failed, HTTP-protocol-error, loop-detected,
          configuration-error, internal-error(option<string>) }
        resource fields { constructor(); }
        resource request-options { constructor(); }
        resource outgoing-request {
          constructor(headers: fields);
          body: func() -> result<outgoing-body>;
          set-method: func(method: method) -> result;
          set-scheme: func(scheme: option<scheme>) -> result;
          set-authority: func(authority: option<string>) -> result;
          set-path-with-query: func(path-with-query: option<string>) -> result; }
        resource outgoing-body {
          write: func() -> result<output-stream>;
          finish: static func(this: outgoing-body, trailers: option<fields>) -> result<_, error-code>; }
        resource future-incoming-response {
          subscribe: func() -> pollable;
          get: func() -> option<result<result<incoming-response, error-code>>>; }
        resource incoming-response { consume: func() -> result<incoming-body>; }
        resource incoming-body { %stream: func() -> result<input-stream>; } }
      interface outgoing-handler {
        use types.{outgoing-request, request-options, future-incoming-response, error-code};
        handle: func(request: outgoing-request, options: option<request-options>)
          -> result<future-incoming-response, error-code>; } }";

/// A line for each function: what it is called here, the interface, its name there, and its core type.
const FUNCTIONS: [(&str, &str, &str, &str); 22] = [
    ("block", "wasi:io/poll", "[method]pollable.block", "(param i32)"),
    ("drop_pollable", "wasi:io/poll", "[resource-drop]pollable", "(param i32)"),
    ("check", "wasi:io/streams", "[method]output-stream.check-write", "(param i32 i32)"),
    ("write", "wasi:io/streams", "[method]output-stream.write", "(param i32 i32 i32 i32)"),
    ("push", "wasi:io/streams", "[method]output-stream.blocking-write-and-flush", "(param i32 i32 i32 i32)"),
    ("drop_output", "wasi:io/streams", "[resource-drop]output-stream", "(param i32)"),
    ("pull", "wasi:io/streams", "[method]input-stream.blocking-read", "(param i32 i64 i32)"),
    ("fields", "wasi:http/types", "[constructor]fields", "(result i32)"),
    ("request_of", "wasi:http/types", "[constructor]outgoing-request", "(param i32) (result i32)"),
    ("drop_request", "wasi:http/types", "[resource-drop]outgoing-request", "(param i32)"),
    ("body_of", "wasi:http/types", "[method]outgoing-request.body", "(param i32 i32)"),
    (
        "set_method",
        "wasi:http/types",
        "[method]outgoing-request.set-method",
        "(param i32 i32 i32 i32) (result i32)",
    ),
    (
        "set_scheme",
        "wasi:http/types",
        "[method]outgoing-request.set-scheme",
        "(param i32 i32 i32 i32 i32) (result i32)",
    ),
    (
        "set_authority",
        "wasi:http/types",
        "[method]outgoing-request.set-authority",
        "(param i32 i32 i32 i32) (result i32)",
    ),
    (
        "set_path",
        "wasi:http/types",
        "[method]outgoing-request.set-path-with-query",
        "(param i32 i32 i32 i32) (result i32)",
    ),
    ("drop_body", "wasi:http/types", "[resource-drop]outgoing-body", "(param i32)"),
    ("stream_of", "wasi:http/types", "[method]outgoing-body.write", "(param i32 i32)"),
    ("finish", "wasi:http/types", "[static]outgoing-body.finish", "(param i32 i32 i32 i32)"),
    (
        "subscribe",
        "wasi:http/types",
        "[method]future-incoming-response.subscribe",
        "(param i32) (result i32)",
    ),
    ("get", "wasi:http/types", "[method]future-incoming-response.get", "(param i32 i32)"),
    ("drop_future", "wasi:http/types", "[resource-drop]future-incoming-response", "(param i32)"),
    ("drop_response", "wasi:http/types", "[resource-drop]incoming-response", "(param i32)"),
];

/// What is said in four more lines.
const MORE: [(&str, &str, &str, &str); 4] = [
    ("consume", "wasi:http/types", "[method]incoming-response.consume", "(param i32 i32)"),
    ("input_of", "wasi:http/types", "[method]incoming-body.stream", "(param i32 i32)"),
    ("handle_with", "wasi:http/outgoing-handler", "handle", "(param i32 i32 i32 i32)"),
    ("drop_incoming", "wasi:http/types", "[resource-drop]incoming-body", "(param i32)"),
];

impl Guest {
    /// A guest whose `send` is this code and speaks to `http://<authority>/v1/logs` through `wasi:http`.
    ///
    /// Beside the functions of `wasi:http`, by short names, the code may use:
    /// - `$made` gives a request, `$body` its body, `$stream` that one's stream: a trap where there is none;
    /// - `$put` writes so many bytes and answers whether they were taken;
    /// - `$sent` hands a request over and gives the future answer, `$answered` waits for one and gives its
    ///   handle, or minus the number of the error, less one;
    /// - `$whole` reads an answer's body to its end into memory and drops all of it;
    /// - `$delivered` and `$again` give the address of such an outcome.
    #[must_use]
    pub fn over_wasi_http(authority: &str, items: &str, code: &str) -> Vec<u8> {
        let imports: String = FUNCTIONS
            .iter()
            .chain(&MORE)
            .map(|(name, interface, there, takes)| {
                format!("(import \"{interface}@VERSION\" \"{there}\" (func ${name} {takes}))\n")
            })
            .collect();
        let length = authority.len();
        let helpers = format!(
            r#"
  (data (i32.const 32768) "{authority}")
  (data (i32.const 32700) "/v1/logs")
  (func $made (result i32) (local $r i32)
    (local.set $r (call $request_of (call $fields)))
    (if (call $set_method (local.get $r) (i32.const 2) (i32.const 0) (i32.const 0)) (then (unreachable)))
    (if (call $set_scheme (local.get $r) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)) (then (unreachable)))
    (if (call $set_authority (local.get $r) (i32.const 1) (i32.const 32768) (i32.const {length})) (then (unreachable)))
    (if (call $set_path (local.get $r) (i32.const 1) (i32.const 32700) (i32.const 8)) (then (unreachable)))
    (local.get $r))
  (func $body (param $request i32) (result i32)
    (call $body_of (local.get $request) (i32.const 32600))
    (if (i32.load8_u (i32.const 32600)) (then (unreachable)))
    (i32.load (i32.const 32604)))
  (func $stream (param $body i32) (result i32)
    (call $stream_of (local.get $body) (i32.const 32600))
    (if (i32.load8_u (i32.const 32600)) (then (unreachable)))
    (i32.load (i32.const 32604)))
  (func $put (param $stream i32) (param $bytes i32) (result i32)
    (call $push (local.get $stream) (i32.const 131072) (local.get $bytes) (i32.const 32600))
    (i32.eqz (i32.load8_u (i32.const 32600))))
  (func $sent (param $request i32) (result i32)
    (call $handle_with (local.get $request) (i32.const 0) (i32.const 0) (i32.const 32600))
    (if (i32.load8_u (i32.const 32600)) (then (unreachable)))
    (i32.load (i32.const 32608)))
  (func $answered (param $future i32) (result i32) (local $pollable i32)
    (local.set $pollable (call $subscribe (local.get $future)))
    (call $block (local.get $pollable))
    (call $drop_pollable (local.get $pollable))
    (call $get (local.get $future) (i32.const 32600))
    (if (i32.eqz (i32.load8_u (i32.const 32600))) (then (unreachable)))
    (if (i32.load8_u (i32.const 32608)) (then (unreachable)))
    (call $drop_future (local.get $future))
    (if (i32.load8_u (i32.const 32616))
      (then (return (i32.sub (i32.const -1) (i32.load8_u (i32.const 32624))))))
    (i32.load (i32.const 32624)))
  (func $whole (param $response i32) (local $incoming i32) (local $input i32)
    (call $consume (local.get $response) (i32.const 32600))
    (if (i32.load8_u (i32.const 32600)) (then (unreachable)))
    (local.set $incoming (i32.load (i32.const 32604)))
    (call $input_of (local.get $incoming) (i32.const 32600))
    (if (i32.load8_u (i32.const 32600)) (then (unreachable)))
    (local.set $input (i32.load (i32.const 32604)))
    (loop $more
      (call $pull (local.get $input) (i64.const 4096) (i32.const 32600))
      (br_if $more (i32.eqz (i32.load8_u (i32.const 32600))))))
  (func $delivered (result i32)
    (i32.store8 (global.get $outcome) (i32.const 0))
    (global.get $outcome))
  (func $again (result i32)
    (i32.store8 (global.get $outcome) (i32.const 2))
    (i32.store8 offset=16 (global.get $outcome) (i32.const 0))
    (i32.store offset=8 (global.get $outcome) (i32.const 0))
    (i32.store offset=12 (global.get $outcome) (i32.const 0))
    (global.get $outcome))
  {items}"#
        );
        Self::with(|guest| {
            let interfaces =
                ["wasi:io/poll", "wasi:io/streams", "wasi:http/types", "wasi:http/outgoing-handler"];
            guest.import("0.2.3", WASI, &interfaces, &imports, code);
            guest.items = helpers;
        })
    }
}
