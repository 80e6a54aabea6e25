//! A backend tested natively: scripted answers, recorded requests, golden files.
//!
//! ```
//! # use telemetry_backend_sdk::prelude::*;
//! # use telemetry_backend_sdk::testing::{self, Script};
//! # struct Acme;
//! # impl Backend for Acme {
//! #     type Settings = NoSettings;
//! #     fn describe() -> Description { Description::new("acme", "1.0.0", "Sends.") }
//! #     fn configure(_: NoSettings) -> Result<Self, Vec<Problem>> { Ok(Self) }
//! #     fn send(&self, batch: &Batch, _: &SendContext, http: &mut dyn Http) -> Outcome {
//! #         Rules::COMMON.send(http, &Request::post("api", "/events").json(&json!({"n": batch.events.len()})))
//! #     }
//! # }
//! let acme = testing::configure::<Acme>("{}").expect("the settings are right");
//! let batch = testing::batch(vec![testing::command("build")]);
//!
//! let mut vendor = Script::new([Ok(testing::answer(503)), Ok(testing::answer(200))]);
//! assert!(matches!(acme.send(&batch, &testing::context(), &mut vendor), Outcome::Retry(_)));
//! assert_eq!(acme.send(&batch, &testing::context(), &mut vendor), Outcome::Delivered);
//! assert_eq!(vendor.requests[0], vendor.requests[1], "the same input makes the same request");
//! ```

mod golden;
mod sample;
mod script;
mod table;

pub use golden::{golden, render};
pub use sample::{LOADS, attribute, batch, biggest, command, context, everything, instant, load, origin};
pub use script::{Script, answer};
pub use table::{Delivered, Row, deliver, outline, outline_erasure, table};

use crate::{Backend, Problem};

/// Configures a backend from the JSON text of its settings, exactly as a component does.
///
/// # Errors
/// Every problem that was found.
pub fn configure<B: Backend>(settings: &str) -> Result<B, Vec<Problem>> {
    crate::settings::configure(settings)
}
