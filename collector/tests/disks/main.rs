//! Disks that fail under a whole tool: while it records, gives its segment up, and sends. Its exit code and
//! what it says stay the same, what was stored is delivered, and what was not is counted.
#![cfg(target_os = "linux")]

mod acknowledging;
#[path = "../probe/home.rs"]
mod home;
mod mounted;
#[path = "../probe/needs.rs"]
mod needs;
mod recording;
mod scene;
mod sending;
mod strange;
mod vendor;
