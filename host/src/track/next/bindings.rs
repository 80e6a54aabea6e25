//! Generated from `tests/next/backend.wit`.

#![allow(missing_docs, clippy::all, unreachable_pub, dead_code)]

wasmtime::component::bindgen!({
    path: "tests/next",
    world: "backend",
    imports: { "telemetry:backend/http.post": async | trappable, default: trappable },
    exports: { default: async },
});
