//! What the drain remembers between runs: losses by cause, and which files are on their way out.
//!
//! One line with a checksum, one line of JSON, replaced as a whole. If it is damaged, counting
//! starts again from zero, and that is counted.

use super::names;
use super::segment::count;
use super::settings::LossCause;
use crate::platform::file;
use crate::platform::folder::{Folder, How};
use crate::sum::sum;
use serde::{Deserialize, Serialize};
use std::io;

const MOST_BYTES: u64 = 4 << 20;
/// Ids of interrupted commands that were reported: a copy can only be a moment younger.
const MOST_REPORTED: usize = 256;

/// Segments that one segment replaces.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Merge {
    /// The name that the merged segment gets.
    pub(super) into: String,
    /// The names that it replaces.
    pub(super) from: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    losses: Vec<(u8, u64)>,
    /// Records ever set aside.
    pub(super) quarantined: u64,
    /// Segments whose losses are counted here, and which are being removed.
    pub(super) leaving: Vec<u64>,
    /// A merge that may not be finished.
    pub(super) merge: Option<Merge>,
    /// Segments of which records were offered: a stored span may name them.
    pub(super) offered: Vec<u64>,
    /// The first record that is too old, and when it was first seen to be, in seconds since 1970.
    pub(super) old_since: Option<([u8; 16], u32)>,
    reported: Vec<[u8; 16]>,
}

impl State {
    /// What is stored; empty if there is nothing, and counted if it is damaged.
    pub(super) fn read(folder: &Folder) -> io::Result<Self> {
        let file = match folder.open_file(names::STATE, How::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let bytes = file::read_all(&file, MOST_BYTES)?;
        Ok(Self::parse(&bytes).unwrap_or_else(|| {
            let mut state = Self::default();
            state.lose(LossCause::Damaged, 1);
            state
        }))
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (said, body) = bytes.split_at_checked(9)?;
        if said != format!("{:08x}\n", sum(0, body)).as_bytes() {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // A structure of numbers and texts always has a JSON form.
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = format!("{:08x}\n", sum(0, &body)).into_bytes();
        bytes.extend_from_slice(&body);
        bytes
    }

    pub(super) fn write(&self, folder: &Folder, durable: bool) -> io::Result<()> {
        let file = folder.open_file(names::STATE_NEW, How::Replace)?;
        file::write_at(&file, &self.encode(), 0)?;
        if durable {
            file.sync_data()?;
        }
        folder.rename(names::STATE_NEW, names::STATE)?;
        if durable {
            folder.sync()?;
        }
        Ok(())
    }

    pub(super) fn lose(&mut self, cause: LossCause, by: u64) {
        let mut losses = self.losses();
        count(&mut losses, cause, by);
        self.losses = losses.into_iter().map(|(cause, by)| (cause.code(), by)).collect();
    }

    /// Takes a count back: what it was made for did not happen, or somebody else counts it.
    pub(super) fn take_back(&mut self, cause: LossCause, by: u64) {
        for (code, count) in &mut self.losses {
            if *code == cause.code() {
                *count = count.saturating_sub(by);
            }
        }
        self.losses.retain(|(_, count)| *count > 0);
    }

    pub(super) fn losses(&self) -> Vec<(LossCause, u64)> {
        self.losses.iter().map(|(code, by)| (LossCause::from_code(*code), *by)).collect()
    }

    pub(super) fn reported(&self) -> &[[u8; 16]] {
        &self.reported
    }

    pub(super) fn report(&mut self, id: [u8; 16]) {
        if !self.reported.contains(&id) {
            let excess = (self.reported.len() + 1).saturating_sub(MOST_REPORTED);
            self.reported.drain(..excess);
            self.reported.push(id);
        }
    }

    /// What was reported was not done with.
    pub(super) fn take_report_back(&mut self, id: [u8; 16]) {
        self.reported.retain(|reported| *reported != id);
    }
}
