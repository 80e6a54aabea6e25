//! Generated from `wit/backend.wit`.

#![allow(missing_docs, clippy::all, unreachable_pub)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "backend",
    imports: { "telemetry:backend/http.send": async | trappable, default: trappable },
    exports: { default: async },
});
