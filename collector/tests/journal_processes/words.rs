//! What the program and the tests both know: ids, labels, settings, and what was told.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use telemetry::journal::*;

pub(crate) fn id(number: u64) -> [u8; 16] {
    let mut id = [3; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

pub(crate) fn number(id: &[u8; 16]) -> u64 {
    u64::from_be_bytes(id[8..].try_into().unwrap())
}

pub(crate) fn label() -> Label {
    Label { destination: "https://a.example".into(), origin: b"process".to_vec() }
}

/// Never mapped for 0, after so many records otherwise.
pub(crate) fn settings(map: u64) -> Settings {
    let map = if map == 0 { Map::Never } else { Map::After(map as u32) };
    Settings { max_bytes: 1 << 30, max_events: 1 << 30, map, ..Settings::default() }
}

/// What a program says it was told, a line for each number: it survives a kill.
pub(crate) struct Told(pub(crate) Box<dyn Write>);

impl Told {
    pub(crate) fn file(directory: &Path, name: &str) -> Self {
        let path = directory.join(format!("{name}-{}", std::process::id()));
        Self(Box::new(std::fs::File::options().create(true).append(true).open(path).unwrap()))
    }

    pub(crate) fn tell(&mut self, number: u64) {
        // One plain write, so that no fault meant for the journal's positioned ones hits it.
        self.0.write_all(format!("told {number}\n").as_bytes()).unwrap();
    }
}

pub(crate) fn told(directory: &Path, name: &str) -> BTreeSet<u64> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let files = files.filter(|entry| entry.file_name().to_str().unwrap().starts_with(name));
    files.flat_map(|entry| told_in(&std::fs::read_to_string(entry.path()).unwrap())).collect()
}

pub(crate) fn told_in(text: &str) -> BTreeSet<u64> {
    text.lines().filter_map(|line| line.strip_prefix("told ")?.parse().ok()).collect()
}
