//! What stands between the generated exports and a [`Backend`]. Used by [`export!`](crate::export)
//! only; not for authors.

use crate::{Backend, Batch, Erasure, Outcome, Problem, RetryAdvice, SendContext};
use std::cell::OnceCell;
use std::thread::LocalKey;

/// Where a component keeps its configured backend. A component has one thread.
pub type Slot<B> = LocalKey<OnceCell<B>>;

/// `exporter.configure`.
pub fn configure<B: Backend>(slot: &'static Slot<B>, settings: &str) -> Result<(), Vec<Problem>> {
    let backend = crate::settings::configure::<B>(settings)?;
    let taken = slot.try_with(|slot| slot.set(backend).is_ok());
    if taken != Ok(true) {
        return Err(vec![Problem::new("", "the component is configured already")]);
    }
    Ok(())
}

/// `exporter.send`.
pub fn send<B: Backend>(slot: &'static Slot<B>, batch: &Batch, context: &SendContext) -> Outcome {
    let sent = slot.try_with(|slot| Some(slot.get()?.send(batch, context, &mut crate::http::Door)));
    sent.ok().flatten().unwrap_or_else(|| Outcome::Retry(unconfigured()))
}

/// `exporter.erase`.
pub fn erase<B: Backend>(slot: &'static Slot<B>, machine_ids: &[String], context: &SendContext) -> Erasure {
    let erased = slot.try_with(|slot| Some(slot.get()?.erase(machine_ids, context, &mut crate::http::Door)));
    erased.ok().flatten().unwrap_or_else(|| Erasure::Retry(unconfigured()))
}

fn unconfigured() -> RetryAdvice {
    RetryAdvice { reason: "the host called the component before it configured it".into(), after_ms: None }
}

/// Makes a [`Backend`] the component's export.
///
/// Once in a crate whose `crate-type` has `cdylib`. Outside WebAssembly it expands to nothing that is
/// visible, so the crate also builds and tests natively.
///
/// ```text
/// telemetry_backend_sdk::export!(MyBackend);
/// ```
#[macro_export]
macro_rules! export {
    ($backend:ty) => {
        const _: () = {
            // Checked everywhere, so that a type that is no backend is an error natively too.
            #[allow(dead_code)]
            const fn is_a_backend<B: $crate::Backend>() {}
            is_a_backend::<$backend>();

            #[cfg(target_arch = "wasm32")]
            ::std::thread_local! {
                static CONFIGURED: ::std::cell::OnceCell<$backend> = const { ::std::cell::OnceCell::new() };
            }

            #[cfg(target_arch = "wasm32")]
            struct Component;

            #[cfg(target_arch = "wasm32")]
            impl $crate::bindings::exports::telemetry::backend::exporter::Guest for Component {
                fn describe() -> $crate::Description {
                    <$backend as $crate::Backend>::describe()
                }

                fn configure(
                    settings: ::std::string::String,
                ) -> ::std::result::Result<(), ::std::vec::Vec<$crate::Problem>> {
                    $crate::guest::configure(&CONFIGURED, &settings)
                }

                fn send(batch: $crate::Batch, context: $crate::SendContext) -> $crate::Outcome {
                    $crate::guest::send(&CONFIGURED, &batch, &context)
                }

                fn erase(
                    machine_ids: ::std::vec::Vec<::std::string::String>,
                    context: $crate::SendContext,
                ) -> $crate::Erasure {
                    $crate::guest::erase(&CONFIGURED, &machine_ids, &context)
                }
            }

            #[cfg(target_arch = "wasm32")]
    $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        };
    };
}
