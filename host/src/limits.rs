//! What a component may cost, as numbers with reasons.
//!
//! Every limit holds for one component. An author may tighten or widen each field of [`Limits`] under
//! `[backend.limits]`, where it has the same name; nothing that a component says changes any. One number is
//! the engine's and not an author's: [`WASM_STACK_BYTES`]; and another is a file's: [`INSTANCE_BYTES`].

use std::time::Duration;

/// 32 MiB: a JavaScript engine with a backend in it is one to twelve; nothing honest is bigger.
pub const FILE_BYTES: u64 = 32 << 20;
/// Two seconds is a big component on a slow machine; thirty is one made to stall the compiler.
pub const COMPILE_TIME: Duration = Duration::from_secs(30);
/// Over all memories of all instances. A JavaScript engine starts at about ten MiB; a batch of
/// five MiB is held several times over while it is mapped.
pub const MEMORY_BYTES: usize = 128 << 20;
/// Over all tables. A table of functions has one element for each function taken by address.
pub const TABLE_ELEMENTS: usize = 200_000;
/// Core instances, memories and tables in one store. Adapters and shims make about twenty.
pub const INSTANCES: usize = 200;
/// What one core instance takes of the host's memory beside its memories and tables, times [`INSTANCES`] in all.
/// The bundled backends need five KB. Sixty-five thousand functions that are called by reference have room.
///
/// A constant: it is checked when a component is compiled, and what was compiled once is not looked at again.
pub const INSTANCE_BYTES: u64 = 2 << 20;
/// Live resource handles. Components hold a handful: standard streams and pollables.
pub const HANDLES: usize = 4_096;
/// What one call into the host may carry: the largest request, and room for its headers.
pub const HOST_CALL_BYTES: usize = 24 << 20;
/// Guest stack. JavaScript engines want more than the usual 64 KiB; recursion without end gets no further.
///
/// A constant: it is a part of the stack that each call runs on, which has to leave the host its own share
/// whatever a component does with its part; and an honest component that wants more than a JavaScript engine
/// is not known.
pub const WASM_STACK_BYTES: usize = 512 << 10;
/// Processor time of one call. A thousand events take milliseconds.
pub const CPU_TIME: Duration = Duration::from_secs(5);
/// Wall time of one call, requests included. A sender must end.
pub const CALL_TIME: Duration = Duration::from_secs(30);
/// One request, from the question for consent to the last byte of the answer, name resolution included.
pub const REQUEST_TIME: Duration = Duration::from_secs(10);
/// A request's body before coding. Vendors take 5 MB (Datadog) to 20 MB (PostHog).
pub const REQUEST_BYTES: usize = 16 << 20;
/// All of a request's headers, path and query. Servers refuse more than 8 to 16 KiB.
pub const HEAD_BYTES: usize = 16 << 10;
/// A response's body, on the wire and again after decompression: OTLP says to read 4 MiB at most.
pub const RESPONSE_BYTES: usize = 4 << 20;
/// Requests in one call. A backend needs one, or one for each event kind.
pub const REQUESTS_PER_CALL: u32 = 16;
/// Log text, captured output included, in one call.
pub const LOG_BYTES: usize = 64 << 10;
/// One line of log.
pub const LOG_LINE_BYTES: usize = 2 << 10;
/// Failed calls (traps, timeouts) in a row after which a component is not called any more by one sender; 0 for
/// however many there are.
pub const FAILURES: u32 = 3;

/// What a component may cost. [`Limits::default`] has the named constants of [`crate::limits`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// See [`FILE_BYTES`].
    pub file_bytes: u64,
    /// See [`COMPILE_TIME`].
    pub compile_time: Duration,
    /// See [`MEMORY_BYTES`].
    pub memory_bytes: usize,
    /// See [`TABLE_ELEMENTS`].
    pub table_elements: usize,
    /// See [`INSTANCES`].
    pub instances: usize,
    /// See [`HANDLES`].
    pub handles: usize,
    /// See [`HOST_CALL_BYTES`].
    pub host_call_bytes: usize,
    /// See [`CPU_TIME`].
    pub cpu_time: Duration,
    /// See [`CALL_TIME`].
    pub call_time: Duration,
    /// See [`REQUEST_TIME`].
    pub request_time: Duration,
    /// See [`REQUEST_BYTES`].
    pub request_bytes: usize,
    /// See [`HEAD_BYTES`].
    pub head_bytes: usize,
    /// See [`RESPONSE_BYTES`].
    pub response_bytes: usize,
    /// See [`REQUESTS_PER_CALL`].
    pub requests_per_call: u32,
    /// See [`LOG_BYTES`].
    pub log_bytes: usize,
    /// See [`LOG_LINE_BYTES`].
    pub log_line_bytes: usize,
    /// See [`FAILURES`].
    pub failures: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: FILE_BYTES,
            compile_time: COMPILE_TIME,
            memory_bytes: MEMORY_BYTES,
            table_elements: TABLE_ELEMENTS,
            instances: INSTANCES,
            handles: HANDLES,
            host_call_bytes: HOST_CALL_BYTES,
            cpu_time: CPU_TIME,
            call_time: CALL_TIME,
            request_time: REQUEST_TIME,
            request_bytes: REQUEST_BYTES,
            head_bytes: HEAD_BYTES,
            response_bytes: RESPONSE_BYTES,
            requests_per_call: REQUESTS_PER_CALL,
            log_bytes: LOG_BYTES,
            log_line_bytes: LOG_LINE_BYTES,
            failures: FAILURES,
        }
    }
}
