//! A component that knows nothing of `telemetry:backend/http` and sends through `wasi:http`.
#![cfg(feature = "wasi-http")]

mod support;

use support::guest::Guest;
use support::server::Server;
use support::{batch, context, load, spec};
use telemetry_host::types::Outcome;
use telemetry_host::{
    Backend, Credential, Door, Exchanges, Grant, ImportClass, Placement, Recorder, Secret, Setup, inspect,
};

/// POSTs nothing to a scheme, authority and path; never reads the answer, but waits for it.
fn guest(https: bool, authority: &str, path: &str) -> Vec<u8> {
    Guest::with(|guest| {
        guest.world = format!("package test:http; {}", world_text());
        guest.imports = r#"
  (import "wasi:http/types@0.2.3" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.3" "[constructor]outgoing-request" (func $new (param i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-request.set-method" (func $method (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-request.set-path-with-query" (func $set_path (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-request.set-scheme" (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-request.set-authority" (func $authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-request.body" (func $body (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]future-incoming-response.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:http/outgoing-handler@0.2.3" "handle" (func $handle (param i32 i32 i32 i32)))
  (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))"#
            .into();
        guest.items =
            format!("(data (i32.const 131072) \"{authority}\") (data (i32.const 132096) \"{path}\")");
        guest.send = Some(format!(
            "(local $request i32)
             (local.set $request (call $new (call $fields)))
             (drop (call $method (local.get $request) (i32.const 2) (i32.const 0) (i32.const 0)))
             (drop (call $scheme (local.get $request) (i32.const 1) (i32.const {}) (i32.const 0) (i32.const 0)))
             (drop (call $authority (local.get $request) (i32.const 1) (i32.const 131072) (i32.const {})))
             (drop (call $set_path (local.get $request) (i32.const 1) (i32.const 132096) (i32.const {})))
             (call $body (local.get $request) (i32.const 140000))
             (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 140064))
             (call $finish (i32.load (i32.const 140004)) (i32.const 0) (i32.const 0) (i32.const 140128))
             (call $block (call $subscribe (i32.load (i32.const 140072))))
             (i32.store8 (global.get $outcome) (i32.const 0)) (global.get $outcome)",
            u8::from(https),
            authority.len(),
            path.len(),
        ));
    })
}

/// As much of `wasi:http` as the guest uses, word for word.
fn world_text() -> &'static str {
    "package wasi:io@0.2.3 {
       interface error { resource error; }
       interface poll { resource pollable { block: func(); } }
     }
     package wasi:http@0.2.3 {
       interface types {
         use wasi:io/poll@0.2.3.{pollable};
         use wasi:io/error@0.2.3.{error as io-error};
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
           configuration-error, internal-error(option<string>)
         }
         resource fields { constructor(); }
         type headers = fields;
         type trailers = fields;
         resource request-options { constructor(); }
         resource outgoing-body {
           finish: static func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>;
         }
         resource outgoing-request {
           constructor(headers: headers);
           body: func() -> result<outgoing-body>;
           set-method: func(method: method) -> result;
           set-path-with-query: func(path-with-query: option<string>) -> result;
           set-scheme: func(scheme: option<scheme>) -> result;
           set-authority: func(authority: option<string>) -> result;
         }
         resource future-incoming-response { subscribe: func() -> pollable; }
       }
       interface outgoing-handler {
         use types.{outgoing-request, request-options, future-incoming-response, error-code};
         handle: func(request: outgoing-request, options: option<request-options>)
           -> result<future-incoming-response, error-code>;
       }
     }
     world test {
       include telemetry:backend/backend@0.1.0;
       import wasi:http/types@0.2.3;
       import wasi:http/outgoing-handler@0.2.3;
       import wasi:io/poll@0.2.3;
     }"
}

fn run(bytes: &[u8], url: &str, door: Door) -> Exchanges {
    let mut spec = spec("intake", url, &["http", "loopback"]);
    spec.credential = Some(Credential { placement: Placement::Bearer, secret: Secret::new("s3cret-value") });
    let setup = Setup::new("{}", door).grant(Grant::parse(spec).unwrap());
    let mut backend = Backend::start(&load(bytes).unwrap(), setup).unwrap();
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    backend.exchanges()
}

#[test]
fn a_request_through_wasi_http_leaves_through_the_same_gate() {
    let server = Server::ok();
    let authority = server.address.to_string();
    let bytes = guest(false, &authority, "/base/v1/logs?a=b%20c");
    let seen =
        inspect(telemetry_host::Source::Bytes(&bytes), &telemetry_host::LoadOptions::default()).unwrap();
    let class = |name: &str| &seen.imports.iter().find(|import| import.name.starts_with(name)).unwrap().class;
    assert_eq!(*class("wasi:http/outgoing-handler"), ImportClass::Granted);
    let exchanges = run(&bytes, &format!("{}/base", server.url()), Door::open());
    assert_eq!(exchanges.last_status, Some(200), "{exchanges:?}");
    let request = &server.seen()[0];
    assert_eq!(request.line, "POST /base/v1/logs?a=b%20c HTTP/1.1");
    assert_eq!(request.header("authorization"), Some("Bearer s3cret-value"));
    assert_eq!(request.header("host"), Some(authority.as_str()));
}

#[test]
fn a_url_that_no_grant_covers_does_not_leave() {
    for (https, authority, path) in [
        (true, "evil.example", "/base/x"),
        (false, "vendor.example", "/base/x"),
        (true, "vendor.example:8443", "/base/x"),
        (true, "vendor.example.evil.example", "/base/x"),
        (true, "vendor.example", "/"),
        (true, "vendor.example", "/basement"),
        (true, "vendor.example", "/base/../admin"),
        (true, "vendor.example", "/base/%2e%2e/admin"),
        (true, "user@vendor.example", "/base/x"),
    ] {
        let recorder = Recorder::default();
        let bytes = guest(https, authority, path);
        let exchanges = run(&bytes, "https://vendor.example/base", Door::Record(recorder.clone()));
        assert!(recorder.take().is_empty(), "{authority}{path}");
        assert_eq!(exchanges.sent, 0);
    }
}
