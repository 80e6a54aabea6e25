//! A program put where a test runs it from.

use std::path::Path;

/// Copies a program, by a process of its own: while a file is open for writing it cannot be run, and a process that
/// another test starts in that moment would have it open until it is replaced by its program.
pub fn install(program: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").args([program, to]).status().unwrap().success());
}
