//! Lines in the tool's debug log, for the backend's author. The host bounds their number and length;
//! the tool's user sees none of them unasked. Outside WebAssembly they go nowhere.

#[cfg(target_arch = "wasm32")]
use crate::bindings::telemetry::backend::log::{Level, write};

macro_rules! levels {
    ($($(#[$doc:meta])* $name:ident => $level:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(message: &str) {
            #[cfg(target_arch = "wasm32")]
            write(Level::$level, message);
            #[cfg(not(target_arch = "wasm32"))]
            let _ = message;
        }
    )*};
}

levels! {
    /// What helps to follow the code.
    debug => Debug;
    /// What is worth knowing.
    info => Info;
    /// What the tool's author should change.
    warn => Warn;
    /// What went wrong.
    error => Error;
}
