//! Where records wait while nothing can be written: bounded, and gone with the process.

use super::settings::RecordKind;
use std::collections::VecDeque;

/// A record that is in memory only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// What it is.
    pub kind: RecordKind,
    /// Its id.
    pub id: [u8; 16],
    /// Seconds since 1970.
    pub seconds: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// The newest records that could not be written.
#[derive(Debug, Default)]
pub(super) struct Memory {
    held: VecDeque<Held>,
}

impl Memory {
    /// Keeps a record; says how many events went for it.
    pub(super) fn hold(&mut self, record: Held, most: usize) -> u64 {
        self.held.push_back(record);
        let mut lost = 0;
        while self.held.len() > most {
            lost += u64::from(self.held.pop_front().is_some_and(|old| old.kind == RecordKind::Event));
        }
        lost
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// The oldest, which stays.
    pub(super) fn first(&self) -> Option<&Held> {
        self.held.front()
    }

    /// Removes the oldest: it is written.
    pub(super) fn drop_first(&mut self) {
        self.held.pop_front();
    }

    /// Removes a command's start record; says whether it was here.
    pub(super) fn take_back(&mut self, id: &[u8; 16]) -> bool {
        let before = self.held.len();
        self.held.retain(|held| held.kind != RecordKind::Start || held.id != *id);
        self.held.len() < before
    }

    pub(super) fn take(&mut self) -> Vec<Held> {
        std::mem::take(&mut self.held).into()
    }
}
