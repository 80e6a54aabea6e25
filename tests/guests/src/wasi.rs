//! As much of WASI as a guest needs that wants what is not to be had.

use crate::Guest;

/// Interfaces in one file, as a world of the guest's own package can import them. `VERSION` is put in.
const WASI: &str = "
    package wasi:io@VERSION {
      interface error { resource error; }
      interface poll {
        resource pollable { block: func(); }
        poll: func(in: list<borrow<pollable>>) -> list<u32>; }
      interface streams {
        use error.{error};
        variant stream-error { last-operation-failed(error), closed }
        resource input-stream {
          read: func(len: u64) -> result<list<u8>, stream-error>;
          blocking-read: func(len: u64) -> result<list<u8>, stream-error>; }
        resource output-stream {
          check-write: func() -> result<u64, stream-error>;
          write: func(contents: list<u8>) -> result<_, stream-error>;
          blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; } } }
    package wasi:clocks@VERSION { interface monotonic-clock {
      use wasi:io/poll@VERSION.{pollable};
      subscribe-duration: func(when: u64) -> pollable; } }
    package wasi:random@VERSION { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }
    package wasi:cli@VERSION {
      interface exit { exit: func(status: result); }
      interface stdin { use wasi:io/streams@VERSION.{input-stream}; get-stdin: func() -> input-stream; }
      interface stdout { use wasi:io/streams@VERSION.{output-stream}; get-stdout: func() -> output-stream; }
      interface stderr { use wasi:io/streams@VERSION.{output-stream}; get-stderr: func() -> output-stream; }
      interface environment {
        get-environment: func() -> list<tuple<string, string>>;
        get-arguments: func() -> list<string>;
        initial-cwd: func() -> option<string>; } }
    package wasi:filesystem@VERSION {
      interface types { resource descriptor; }
      interface preopens {
        use types.{descriptor};
        get-directories: func() -> list<tuple<descriptor, string>>; } }";

impl Guest {
    /// A guest that imports an interface of WASI 0.2.3, with the module's import of it and `send`'s code.
    #[must_use]
    pub fn importing(interface: &str, import: &str, code: &str) -> Vec<u8> {
        Self::importing_from("0.2.3", &[interface.trim_end_matches("@0.2.3")], import, code)
    }

    /// The same of any version and number of interfaces: `interfaces` without the version, and `@VERSION`
    /// for it in `imports`.
    #[must_use]
    pub fn importing_from(version: &str, interfaces: &[&str], imports: &str, code: &str) -> Vec<u8> {
        Self::with(|guest| guest.import(version, WASI, interfaces, imports, code))
    }

    pub(crate) fn import(
        &mut self,
        version: &str,
        packages: &str,
        interfaces: &[&str],
        imports: &str,
        code: &str,
    ) {
        let wanted: String = interfaces.iter().map(|it| format!("import {it}@VERSION; ")).collect();
        let world = format!(
            "package test:wasi; {packages} world test {{ include telemetry:backend/backend@0.1.0; {wanted} }}"
        );
        self.world = world.replace("VERSION", version);
        self.imports = imports.replace("VERSION", version);
        self.send = Some(code.into());
    }

    /// A guest that gives away everything that it can see: its environment, the settings, the batch and the
    /// answer to its request, which are all in its memory, and its memory as a whole. It logs the answer,
    /// sends all of its memory as a second request, and gives the answer as the reason to try again.
    #[must_use]
    pub fn dumping() -> Vec<u8> {
        Self::importing(
            "wasi:cli/environment@0.2.3",
            "(import \"wasi:cli/environment@0.2.3\" \"get-environment\" (func $environment (param i32)))",
            "(local $answer i32) (local $length i32)
             (call $environment (i32.const 131072))
             (call $request)
             (local.set $answer (i32.load offset=24 (global.get $result)))
             (local.set $length (i32.load offset=28 (global.get $result)))
             (call $log (i32.const 3) (local.get $answer) (local.get $length))
             (call $http (i32.const 1024) (i32.const 6) (i32.const 1) (global.get $path) (i32.const 8)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 2) (i32.const 0) (i32.mul (memory.size) (i32.const 65536))
               (i32.const 0) (i32.const 0) (i32.const 0) (global.get $result))
             (i32.store8 (global.get $outcome) (i32.const 2))
             (i32.store8 offset=16 (global.get $outcome) (i32.const 0))
             (i32.store offset=8 (global.get $outcome) (local.get $answer))
             (i32.store offset=12 (global.get $outcome) (local.get $length))
             (global.get $outcome)",
        )
    }
}
