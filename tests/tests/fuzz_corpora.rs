//! The fuzzers' functions over their kept corpora, and over each input cut short and changed in many places:
//! what a fuzzer once found stays mended, on a stable toolchain and within seconds. How to go on finding:
//! `fuzz/README.md`.

use std::path::{Path, PathBuf};

#[path = "../../fuzz/src/vendors.rs"]
mod vendors;

/// Every target: the host's, the collector's and the backends'.
fn targets() -> impl Iterator<Item = &'static vendors::Target> {
    telemetry_host::fuzzing::TARGETS.iter().chain(&telemetry::fuzzing::TARGETS).chain(&vendors::TARGETS)
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpora").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.clone(), std::fs::read(path).expect("an input")))
        .collect();
    inputs.sort();
    inputs
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// The input with a few bytes changed, put in or taken out.
fn changed(input: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    const TELLING: &[u8] = b"\0\x01\x7f\x80\xff%/\\?#@:;.&=+ \r\n\t0aA,\"";
    let mut input = input.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(input.len() + 1);
        let byte = TELLING[numbers.below(TELLING.len())];
        match numbers.below(4) {
            0 if at < input.len() => input[at] = byte,
            1 if at < input.len() => input[at] ^= 1 << numbers.below(8),
            2 if at < input.len() => drop(input.remove(at)),
            _ => input.insert(at, byte),
        }
    }
    input
}

fn holds(target: &str, changes: usize) {
    let (_, run) = targets().find(|(name, _)| *name == target).expect("a target");
    let inputs = corpus(target);
    assert!(!inputs.is_empty());
    for (path, input) in &inputs {
        println!("{}", path.display());
        run(input);
        let mut numbers = Numbers(input.len() as u64 + 1);
        for _ in 0..changes {
            run(&changed(input, &mut numbers));
        }
        for end in (0..input.len()).step_by(input.len() / changes.min(64) + 1) {
            run(&input[..end]);
        }
    }
}

#[test]
fn component() {
    // Each input is compiled.
    holds("component", 20);
}

#[test]
fn artefact() {
    holds("artefact", 2_000);
}

#[test]
fn grant() {
    holds("grant", 2_000);
}

#[test]
fn request() {
    holds("request", 500);
}

#[test]
fn answer() {
    holds("answer", 2_000);
}

#[test]
fn proxy() {
    holds("proxy", 500);
}

#[test]
fn url() {
    holds("url", 1_000);
}

#[test]
fn segment() {
    holds("segment", 500);
}

#[test]
fn event() {
    holds("event", 2_000);
}

#[test]
fn schedule() {
    holds("schedule", 500);
}

#[test]
fn consent() {
    holds("consent", 1_000);
}

#[test]
fn configuration() {
    holds("configuration", 500);
}

#[test]
fn vendor() {
    holds("vendor", 200);
}

#[test]
fn pause() {
    holds("pause", 2_000);
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let mut names: Vec<_> = targets().map(|(name, _)| (*name).to_owned()).collect();
    names.sort();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpora");
    let mut corpora: Vec<_> = std::fs::read_dir(directory)
        .expect("the corpora")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    corpora.sort();
    assert_eq!(names, corpora);
}
