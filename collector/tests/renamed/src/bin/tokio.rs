//! A whole tool whose `main` runs on tokio.
#![forbid(unsafe_code)]

use telemetry_renamed::{by_hand, later};

#[usage::main(crate = usage)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    tokio::task::yield_now().await;
    by_hand();
    if later(7).await == 7 { Ok(()) } else { Err("not seven".to_owned()) }
}
