//! Generated from `wit/backend.wit`: the track `telemetry:backend@0.1`.

#![allow(missing_docs, clippy::all, unreachable_pub)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "backend",
    imports: { "telemetry:backend/http.send": async | trappable, default: trappable },
    exports: { default: async },
});
