//! A figure beside its target: `met`, or `MISSED` and an exit code that says so.

#![allow(dead_code, reason = "each benchmark takes what it needs")]

use std::process::ExitCode;

/// What was judged so far.
#[derive(Debug, Default)]
pub struct Judge {
    missed: usize,
}

impl Judge {
    /// Prints a figure that must not be larger than this; one that is no number is a failure too.
    pub fn at_most(&mut self, what: &str, figure: f64, most: f64, unit: &str) {
        let met = figure <= most;
        self.missed += usize::from(!met);
        let verdict = if met { "met" } else { "MISSED" };
        println!("  {what:60} {figure:9.3} {unit:2} (at most {most} {unit}) {verdict}");
    }

    /// Something that had to be so for the figures to mean anything.
    pub fn must(&mut self, what: &str, is: bool) {
        if !is {
            self.missed += 1;
            println!("  {what}: NO, so the figures above say nothing");
        }
    }

    /// The benchmark's exit code.
    pub fn end(self) -> ExitCode {
        if self.missed == 0 {
            return ExitCode::SUCCESS;
        }
        println!("{} MISSED", self.missed);
        ExitCode::FAILURE
    }
}
