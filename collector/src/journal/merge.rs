//! Making few segments of many small ones, so that an outage does not fill a directory.

use super::drain::{Drain, remove};
use super::format::{Head, Header, Seed, Tally};
use super::lease;
use super::names::{self, Sealed};
use super::settings::{Label, LossCause, RecordKind};
use super::state::Merge;
use crate::platform::file;
use crate::platform::folder::How;
use std::io;

/// Fewer segments than this are left as they are.
const ENOUGH: usize = 3;

/// A segment that could be merged.
#[derive(Debug)]
struct Small {
    sealed: Sealed,
    label: Label,
    size: u64,
}

impl Drain {
    /// Merges small segments of one label; says how many are no more.
    pub(super) fn merge_small(&mut self) -> io::Result<usize> {
        let all = self.sealed()?;
        if all.len() < ENOUGH {
            return Ok(0);
        }
        let most = self.settings.segment_bytes();
        let mut groups: Vec<Vec<Small>> = Vec::new();
        for sealed in all {
            if self.state.offered.contains(&sealed.id) {
                continue;
            }
            let size = self.folder.look(&sealed.name()).map_or(0, |look| look.size);
            if size == 0 || size > most / 2 || !self.load(&sealed)? {
                continue;
            }
            let Some(label) = self.current.as_ref().map(|current| current.loaded.label.clone()) else {
                continue;
            };
            let small = Small { sealed, label, size };
            let fits = |group: &Vec<Small>| {
                group.iter().map(|it| it.size).sum::<u64>() + size <= most
                    && group.first().is_some_and(|first| first.label == small.label)
            };
            match groups.iter_mut().find(|group| fits(group)) {
                Some(group) => group.push(small),
                None => groups.push(vec![small]),
            }
        }
        let mut merged = 0;
        for group in groups.into_iter().filter(|group| group.len() > 1) {
            merged += self.merge(&group)?;
        }
        Ok(merged)
    }

    fn merge(&mut self, group: &[Small]) -> io::Result<usize> {
        let Some(first) = group.first() else {
            return Ok(0);
        };
        let id = lease::random()?;
        let created_ms = u64::from(self.settings.seconds()) * 1000;
        let mut bytes = Header { id, created_ms, label: first.label.clone() }.encode();
        let mut tally = Tally::default();
        let mut sources = Vec::new();
        for small in group {
            if !self.load(&small.sealed)? {
                continue;
            }
            tally = self.copy(Seed::of(id), tally, &mut bytes);
            sources.push(small.sealed);
        }
        self.current = None;
        if sources.len() < 2 {
            return Ok(0);
        }
        let file = self.folder.open_file(names::MERGING, How::Replace)?;
        file::write_at(&file, &bytes, 0)?;
        // What a recorder made durable must be so in its new place before the old one goes.
        file.sync_data()?;
        // The oldest one's place in the order.
        let into = Sealed { sequence: first.sealed.sequence, id, tally }.name();
        let from: Vec<String> = sources.iter().map(Sealed::name).collect();
        self.state.merge = Some(Merge { into: into.clone(), from: from.clone() });
        self.state.write(&self.folder, true)?;
        self.folder.rename(names::MERGING, &into)?;
        let gone = from.iter().any(
            |name| matches!(self.folder.look(name), Err(error) if error.kind() == io::ErrorKind::NotFound),
        );
        if gone {
            // Somebody purged while this copied: the copy goes too.
            remove(&self.folder, &into)?;
        }
        self.folder.sync()?;
        self.finish_merge()?;
        Ok(if gone { 0 } else { sources.len() })
    }

    /// Appends what is left of the current segment to `bytes`; says what they hold then.
    fn copy(&mut self, seed: Seed, mut tally: Tally, bytes: &mut Vec<u8>) -> Tally {
        let Some(current) = &self.current else {
            return tally;
        };
        let loaded = &current.loaded;
        let mut put = |head: Head, payload: &[u8]| {
            tally = tally.after(head.kind);
            let offset = bytes.len() as u64;
            Head { tally, ..head }.encode(seed, offset, payload, bytes);
        };
        for found in loaded.live().filter_map(|entry| loaded.found(entry)) {
            put(found.head, found.payload);
        }
        let damaged = (LossCause::Damaged, loaded.damaged);
        for (cause, by) in loaded.losses.iter().chain([&damaged]).filter(|(_, by)| *by > 0) {
            let payload = super::format::encode_loss(cause.code(), *by);
            let head = Head {
                kind: RecordKind::Loss.code(),
                id: [0; 16],
                seconds: self.settings.seconds(),
                tally: Tally::default(),
            };
            put(head, &payload);
        }
        tally
    }

    /// Finishes a merge that was noted: if the new segment is whole, the old ones go.
    pub(super) fn finish_merge(&mut self) -> io::Result<()> {
        let Some(merge) = self.state.merge.take() else {
            return Ok(());
        };
        let exists = |name: &str| self.folder.look(name).is_ok();
        if !exists(&merge.into) && exists(names::MERGING) && merge.from.iter().all(|name| exists(name)) {
            self.folder.rename(names::MERGING, &merge.into)?;
        }
        if exists(&merge.into) {
            for sealed in merge.from.iter().filter_map(|name| Sealed::parse(name)) {
                self.remove_sealed(&sealed)?;
            }
        }
        remove(&self.folder, names::MERGING)?;
        self.state.write(&self.folder, false)?;
        self.dirty = false;
        Ok(())
    }
}
