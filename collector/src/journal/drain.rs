//! The drain: the one reader that delivers. Here is its life and what it does with files; what it
//! hands out is in `deliver`, how it keeps the limits in `limits`, how it merges in `merge`.

use super::batch::Position;
use super::format::Tally;
use super::names::{self, Name, Sealed};
use super::segment::{self, Loaded, Unreadable};
use super::settings::{LossCause, Settings};
use super::state::State;
use super::{acks, lease, notes};
use crate::platform::folder::{Folder, How};
use crate::platform::{clock, file, process};
use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How sure an acknowledgement is when it returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// It survives SIGKILL. After a loss of power records may be delivered twice.
    Cached,
    /// It survives a loss of power: for a claim that comes before the request.
    Durable,
}

/// What [`Drain::adopt`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Adopted {
    /// Slots that are sealed now.
    pub sealed: usize,
    /// Slots that a running process holds.
    pub leased: usize,
    /// Segments that were merged into others.
    pub merged: usize,
    /// Events that went because of a limit.
    pub dropped: u64,
}

/// Takes events out of a journal. At most one exists for a journal, in all processes together.
#[derive(Debug)]
pub struct Drain {
    pub(super) folder: Folder,
    pub(super) settings: Settings,
    pub(super) state: State,
    /// The segment looked at last: a batch is often in the same one as the batch before.
    pub(super) current: Option<Current>,
    /// Something was claimed durably: names are removed in an order that survives a loss of power.
    pub(super) claims: bool,
    /// What was claimed last and not set aside since: the journal itself holds nothing of it any more.
    pub(super) claimed: HashSet<Position>,
    pub(super) dirty: bool,
    lock: File,
    pid: u32,
}

/// A sealed segment in memory.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) sealed: Sealed,
    pub(super) loaded: Loaded,
    pub(super) file: File,
}

impl Current {
    /// Whether somebody removed it: a purge.
    pub(super) fn is_gone(&self) -> bool {
        file::look(&self.file).map_or(true, |look| look.names == 0)
    }

    /// What goes with the whole segment: so many events under this cause, what damage had cost, and what its
    /// writers had counted in it.
    pub(super) fn losses_with(&self, cause: LossCause, events: u64) -> Vec<(LossCause, u64)> {
        let mut lost = vec![(cause, events), (LossCause::Damaged, self.loaded.damaged)];
        lost.extend_from_slice(&self.loaded.losses);
        lost
    }
}

impl Drain {
    /// Opens a journal for delivery. `None` if another drain is at work.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is no journal; what the system says otherwise.
    pub fn try_open(directory: &Path, settings: Settings) -> io::Result<Option<Self>> {
        let folder = Folder::open(directory)?;
        let Some(lock) = Self::lock(&folder)? else {
            return Ok(None);
        };
        let note = format!("{} {}\n", std::process::id(), settings.seconds());
        lock.set_len(0).and_then(|()| file::write_at(&lock, note.as_bytes(), 0)).ok();
        let state = State::read(&folder)?;
        let pid = std::process::id();
        Ok(Some(Self {
            folder,
            settings,
            state,
            current: None,
            claims: false,
            claimed: HashSet::new(),
            dirty: false,
            lock,
            pid,
        }))
    }

    fn lock(folder: &Folder) -> io::Result<Option<File>> {
        // A survey looks at the lock for a moment, and a purge removes the file: neither is a drain.
        for _ in 0..5 {
            let file = folder.open_file(names::LOCK, How::Create)?;
            match file.try_lock() {
                Ok(()) => {
                    let look = file::look(&file)?;
                    if !look.is_ours() {
                        return Err(io::Error::new(
                            io::ErrorKind::PermissionDenied,
                            format!(
                                "{} in {} is somebody else's; remove it",
                                names::LOCK,
                                folder.path().display()
                            ),
                        ));
                    }
                    if folder.still_names(names::LOCK, &look) {
                        return Ok(Some(file));
                    }
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_micros(200)),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Says in the lock that this process does nothing but drain, so that whoever finds it stuck may end
    /// it. A note that cannot be written is none: then nobody may.
    pub fn may_be_ended(&self) {
        let pid = std::process::id();
        if let Some(began) = process::started(pid) {
            let steady = clock::steady().map(|seconds| format!(" {seconds}")).unwrap_or_default();
            let note = format!("{pid} {} {began}{steady}\n", self.settings.seconds());
            file::write_at(&self.lock, note.as_bytes(), 0).ok();
        }
    }

    /// What is acknowledged here may be claims, of this drain or of one before it: they are removed only once the segment
    /// that they are of is gone from the disk for good.
    pub fn keeps_claims(&mut self) {
        self.claims = true;
    }

    /// Takes over what dead processes left and what is free, finishes what a killed drain began,
    /// merges small segments, and keeps the limits. Never touches what a running process holds.
    ///
    /// # Errors
    /// What the system says; what was done until then stays done.
    pub fn adopt(&mut self) -> io::Result<Adopted> {
        let mut adopted = Adopted::default();
        self.finish_merge()?;
        self.finish_leaving()?;
        self.take_notes()?;
        let mut sequence = lease::next_sequence(&self.folder)?;
        let mut slots = Vec::new();
        for name in self.folder.names()? {
            if names::parse(&name) == Name::Open {
                slots.extend(self.slot(name, &mut adopted)?);
            }
        }
        slots.sort_unstable_by(|a, b| (a.created_ms, &a.name).cmp(&(b.created_ms, &b.name)));
        for slot in slots {
            let sealed = Sealed { sequence, id: slot.id, tally: slot.tally };
            self.folder.rename(&slot.name, &sealed.name())?;
            sequence = sequence.saturating_add(1);
            adopted.sealed += 1;
        }
        self.remove_orphaned_acks()?;
        adopted.dropped = self.keep_limits()? + self.forget_others()?;
        adopted.merged = self.merge_small()?;
        self.save(false)?;
        Ok(adopted)
    }

    /// Counts what others could only note.
    fn take_notes(&mut self) -> io::Result<()> {
        let noted = notes::take(&self.folder);
        if noted.is_empty() {
            return Ok(());
        }
        for (cause, by) in noted {
            self.lose(cause, by);
        }
        self.save(false)?;
        notes::forget(&self.folder);
        Ok(())
    }

    /// Locks a slot and looks what is in it.
    fn slot(&mut self, name: String, adopted: &mut Adopted) -> io::Result<Option<Slot>> {
        let file = match self.folder.open_file(&name, How::Write) {
            Ok(file) => file,
            // Gone, or not a file of ours.
            Err(_) => return Ok(None),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                adopted.leased += 1;
                return Ok(None);
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let look = file::look(&file)?;
        if !look.is_ours() || !self.folder.still_names(&name, &look) {
            return Ok(None);
        }
        match Loaded::read(&file) {
            Ok(loaded) => {
                if loaded.entries.is_empty() {
                    self.count_and_remove(&name, None, &[(LossCause::Damaged, loaded.damaged)], |_| ())?;
                    return Ok(None);
                }
                // A damaged end stays: while it is there, its events are counted. So does a zero word behind a record
                // that says more than there is: it has no other name yet.
                let zero = if loaded.claimed == loaded.tally { 0 } else { 8 };
                let end = (loaded.used + zero) as u64;
                if look.size > end {
                    file.set_len(end)?;
                }
                // A last record with nothing behind it says what is stored, even where it cannot be read.
                let is_said = look.size == loaded.end as u64;
                let tally = if is_said { loaded.claimed } else { loaded.tally };
                let (id, created_ms) = (loaded.id, loaded.created_ms);
                Ok(Some(Slot { name, id, tally, created_ms, _lock: file }))
            }
            Err(Unreadable::Newer) => Ok(None),
            Err(Unreadable::Damaged) => {
                // Nobody knows where its records may go. One that is shorter than a header may be, and does not end
                // like a record, holds none: its writer was killed before the first.
                let held = look.size > super::format::MAX_HEADER as u64;
                let events = segment::events_by_end(&file).unwrap_or(u64::from(held));
                self.count_and_remove(&name, None, &[(LossCause::Damaged, events)], |_| ())?;
                Ok(None)
            }
            Err(Unreadable::Io(error)) => Err(error),
        }
    }

    /// Sealed segments, oldest first.
    pub(super) fn sealed(&self) -> io::Result<Vec<Sealed>> {
        let names = self.folder.names()?;
        let mut sealed: Vec<Sealed> = names.iter().filter_map(|name| Sealed::parse(name)).collect();
        sealed.sort_unstable();
        Ok(sealed)
    }

    /// Makes this segment the current one. `false` if it cannot be read now, or ever.
    pub(super) fn load(&mut self, sealed: &Sealed) -> io::Result<bool> {
        if self.current.as_ref().is_some_and(|current| current.sealed == *sealed && !current.is_gone()) {
            return Ok(true);
        }
        self.current = None;
        let name = sealed.name();
        let file = match self.folder.open_file(&name, How::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if !file::look(&file)?.is_ours() {
            return Ok(false);
        }
        match Loaded::read(&file) {
            Ok(mut loaded) => {
                loaded.sealed_as(sealed);
                loaded.acknowledge(&acks::read(&self.folder, loaded.id)?);
                loaded.forget_starts(self.state.reported());
                self.current = Some(Current { sealed: *sealed, loaded, file });
                Ok(true)
            }
            Err(Unreadable::Newer) => Ok(false),
            Err(Unreadable::Damaged) => {
                let events = u64::from(sealed.tally.events()).max(1);
                self.count_and_remove(&name, Some(sealed.id), &[(LossCause::Damaged, events)], |_| ())?;
                Ok(false)
            }
            Err(Unreadable::Io(error)) => Err(error),
        }
    }

    /// Removes the current segment if nothing in it is left to deliver.
    pub(super) fn retire_if_done(&mut self) -> io::Result<bool> {
        let Some(current) = self.current.take() else {
            return Ok(false);
        };
        if current.loaded.live().next().is_some() {
            self.current = Some(current);
            return Ok(false);
        }
        self.retire(&current)?;
        Ok(true)
    }

    fn retire(&mut self, current: &Current) -> io::Result<()> {
        let id = current.loaded.id;
        if current.loaded.damaged > 0 || !current.loaded.losses.is_empty() {
            self.state.lose(LossCause::Damaged, current.loaded.damaged);
            for (cause, by) in &current.loaded.losses {
                self.state.lose(*cause, *by);
            }
            self.state.leaving.push(id);
            self.state.write(&self.folder, false)?;
        }
        self.remove_sealed(&current.sealed)?;
        self.state.leaving.retain(|leaving| *leaving != id);
        let offered = self.state.offered.len();
        self.state.offered.retain(|offered| *offered != id);
        self.dirty |= offered != self.state.offered.len();
        Ok(())
    }

    /// Removes a sealed segment and then its acknowledgements, never the other way round.
    pub(super) fn remove_sealed(&mut self, sealed: &Sealed) -> io::Result<()> {
        remove(&self.folder, &sealed.name())?;
        self.remove_acks(sealed.id)
    }

    fn remove_acks(&self, id: u64) -> io::Result<()> {
        if self.claims {
            self.folder.sync()?;
        }
        remove(&self.folder, &names::ack(id))
    }

    /// Counts what goes with a file and then removes it, so that whoever is killed in between has counted it. A
    /// sealed segment's `id` is noted with the count: the next drain removes it and counts nothing again. A slot has
    /// none where its header is gone, and is then counted twice: too much rather than nothing.
    ///
    /// `false`, and nothing is counted, where the file is gone: whoever removed it counts it. Whatever else the state
    /// took in with the count, `undo` takes back then, and where it cannot be removed.
    pub(super) fn count_and_remove(
        &mut self,
        name: &str,
        id: Option<u64>,
        lost: &[(LossCause, u64)],
        undo: impl FnOnce(&mut State),
    ) -> io::Result<bool> {
        for (cause, by) in lost {
            self.lose(*cause, *by);
        }
        self.state.leaving.extend(id);
        self.dirty |= id.is_some();
        // On a full disk this file may be what takes the room: then it goes first, and the count follows.
        let stored = self.save(false).is_ok();
        let removed = self.folder.remove(name);
        self.state.leaving.retain(|leaving| Some(*leaving) != id);
        self.dirty |= id.is_some();
        if let Err(error) = removed {
            lost.iter().for_each(|(cause, by)| self.state.take_back(*cause, *by));
            undo(&mut self.state);
            self.dirty = true;
            self.save(false)?;
            return if error.kind() == io::ErrorKind::NotFound { Ok(false) } else { Err(error) };
        }
        if !stored {
            self.save(false)?;
        }
        if let Some(id) = id {
            self.state.offered.retain(|offered| *offered != id);
            self.remove_acks(id)?;
        }
        Ok(true)
    }

    fn finish_leaving(&mut self) -> io::Result<()> {
        if self.state.leaving.is_empty() {
            return Ok(());
        }
        for sealed in self.sealed()? {
            if self.state.leaving.contains(&sealed.id) {
                self.remove_sealed(&sealed)?;
            }
        }
        self.state.leaving.clear();
        self.dirty = true;
        Ok(())
    }

    fn remove_orphaned_acks(&mut self) -> io::Result<()> {
        let names = self.folder.names()?;
        let sealed: Vec<u64> = names.iter().filter_map(|name| Sealed::parse(name)).map(|it| it.id).collect();
        let is_orphan = |name: &&String| matches!(names::parse(name), Name::Ack(id) if !sealed.contains(&id));
        let orphans: Vec<&String> = names.iter().filter(is_orphan).collect();
        if self.claims && !orphans.is_empty() {
            self.folder.sync()?;
        }
        for name in orphans {
            remove(&self.folder, name)?;
        }
        let offered = self.state.offered.len();
        self.state.offered.retain(|id| sealed.contains(id));
        self.dirty |= offered != self.state.offered.len();
        Ok(())
    }

    /// Leaves the files as a kill would: nothing is stored any more, and the lock is gone.
    #[cfg(test)]
    pub(super) fn crash(mut self) {
        self.dirty = false;
    }

    pub(super) fn lose(&mut self, cause: LossCause, by: u64) {
        self.state.lose(cause, by);
        self.dirty |= by > 0;
    }

    /// Counts events lost by a decision of the sender's.
    pub fn count_loss(&mut self, cause: LossCause, count: u64) {
        self.lose(cause, count);
        // If it cannot be stored now it is tried with the next change, and when this is dropped.
        let _ = self.save(false);
    }

    pub(super) fn save(&mut self, durable: bool) -> io::Result<()> {
        if self.dirty || durable {
            self.state.write(&self.folder, durable)?;
            self.dirty = false;
        }
        Ok(())
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        // A forked child shares the lock; only its owner gives it up.
        if self.pid == std::process::id() {
            let _ = self.save(false);
            let _ = self.lock.unlock();
        }
    }
}

/// A slot that is about to be sealed.
struct Slot {
    name: String,
    id: u64,
    tally: Tally,
    created_ms: u64,
    _lock: File,
}

/// Removes a file, which may be gone.
pub(super) fn remove(folder: &Folder, name: &str) -> io::Result<()> {
    match folder.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
