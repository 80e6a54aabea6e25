//! No means no, now: the real `telemetry disable` against the real sender of a real tool.
//!
//! The vendor on loopback counts requests as they arrive. In each case a sender (or the tool's own thread)
//! is alive when the user says no, at a point that the case fixes by a condition and never by a time: a
//! request that the vendor holds, or a system call at which the sender is stopped. After `disable` has
//! returned, whatever lives is let go on to its end, and only then the requests are counted again.
#![cfg(target_os = "linux")]

mod asking;
mod disks;
mod scene;
mod stopped;
mod tools;
