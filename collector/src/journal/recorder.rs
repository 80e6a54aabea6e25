//! The recorder's side: [`Journal`], which any thread of a process may append to.
//!
//! A forked child has its parent's memory, descriptors and locks. So everything that belongs to one
//! process is in a [`Process`], and each append first finds the one of the process it runs in. The
//! child's is new and empty; its parent's is left as it is, except that inherited descriptors are
//! closed (which unlocks nothing, the parent still holds them) if no thread of the parent was in the
//! middle of something.

use super::draft::Draft;
use super::fast::Fast;
use super::mapped::Stop;
use super::memory::Held;
use super::owner::Owner;
use super::settings::{Label, LossCause, MOVED, RecordKind, Settings};
use super::writer::Writer;
use crate::platform::fork;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Why a record is not on disk.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// It is larger than a record may be. It is dropped and counted.
    #[error(
        "a record of {size} bytes is larger than the journal's limit of {most}; record less, or raise the limit"
    )]
    TooLarge {
        /// Its bytes.
        size: usize,
        /// The limit.
        most: usize,
    },
    /// Nothing can be written now. It is in memory, and is written when that is possible again.
    #[error("kept in memory only: {0}")]
    Held(Fallback),
}

/// What the maker of a record knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Seconds since 1970.
    pub(crate) seconds: u32,
    /// The process.
    pub(crate) pid: u32,
    /// Its id was made for it: no command began under it.
    pub(crate) new_id: bool,
}

/// What became of a record. As small as this it is given from function to function in registers.
#[derive(Debug)]
pub(crate) enum Appended {
    /// It took no more than a store into memory.
    Stored,
    /// It took the system's help.
    Written,
    Failed(Box<AppendError>),
}

impl From<Result<(), AppendError>> for Appended {
    fn from(written: Result<(), AppendError>) -> Self {
        written.map_or_else(|error| Self::Failed(Box::new(error)), |()| Self::Written)
    }
}

/// Why records are in memory only.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the journal in {} cannot be written: {text}", directory.display())]
pub struct Fallback {
    /// The journal's directory.
    pub directory: PathBuf,
    /// What sort of error.
    pub kind: io::ErrorKind,
    /// What the system said.
    pub text: String,
}

/// How recording goes in this process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Health {
    /// Why records go to memory only; `None` if they go to disk, or none came yet.
    pub fallback: Option<Fallback>,
    /// Records in memory only.
    pub held: usize,
    /// Whether the current segment is mapped.
    pub mapped: bool,
    /// Events lost in this process, by cause.
    pub losses: Vec<(LossCause, u64)>,
}

/// What every process of a family shares.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) directory: PathBuf,
    pub(super) owner: Owner,
    pub(super) settings: Settings,
    pub(super) allowed: Allowed,
}

/// Asked after a segment was leased and before its first record: what a purge has removed must not come
/// back in a new segment.
#[derive(Default)]
pub(super) struct Allowed(Option<Box<dyn Fn() -> bool + Send + Sync>>);

impl Allowed {
    pub(super) fn ask(&self) -> bool {
        self.0.as_ref().is_none_or(|allowed| allowed())
    }
}

impl std::fmt::Debug for Allowed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Allowed")
    }
}

/// What belongs to one process.
#[derive(Debug)]
struct Process {
    pid: u32,
    fast: Fast,
    writer: Mutex<Writer>,
    child: OnceLock<Box<Process>>,
}

impl Process {
    fn new() -> Self {
        Self { pid: fork::pid(), fast: Fast::default(), writer: Mutex::default(), child: OnceLock::new() }
    }

    /// A thread that panicked in here would be a bug of ours; the tool goes on.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A journal that events are recorded into.
///
/// Nothing is made or opened before the first append. It is safe to use from all threads, and on
/// both sides of a `fork`.
#[derive(Debug)]
pub struct Journal {
    common: Common,
    first: Process,
}

impl Journal {
    /// A journal in this directory, which need not exist.
    #[must_use]
    pub fn new(directory: PathBuf, label: Label, settings: Settings) -> Self {
        Self::of(directory, Owner::of(label), settings)
    }

    /// A journal for who finds the origin out where it is needed: see [`Owner`].
    pub(crate) fn found(
        directory: PathBuf,
        destination: String,
        key: Option<u64>,
        find: impl Fn() -> (Option<u64>, Vec<u8>) + Send + Sync + 'static,
        settings: Settings,
    ) -> Self {
        Self::of(directory, Owner::found(key, destination, Box::new(find)), settings)
    }

    fn of(directory: PathBuf, owner: Owner, settings: Settings) -> Self {
        let common = Common { directory, owner, settings, allowed: Allowed::default() };
        Self { common, first: Process::new() }
    }

    /// Asks this whenever a segment was leased, before its first record: `false` and nothing is written.
    ///
    /// A no is stored before the journal is purged, so a recorder that finds its segment purged finds the
    /// no here, however long ago it last looked.
    #[must_use]
    pub fn while_allowed(mut self, allowed: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.common.allowed = Allowed(Some(Box::new(allowed)));
        self
    }

    /// Stores a record. It survives SIGKILL when this returned `Ok`.
    ///
    /// A [`RecordKind::Start`] opens a command, and the [`RecordKind::Event`] with the same id closes
    /// it; one that is never closed is given to the drain after this process ended.
    ///
    /// # Errors
    /// [`AppendError::TooLarge`] if it was dropped, [`AppendError::Held`] if it is in memory only.
    pub fn append(&self, kind: RecordKind, id: &[u8; 16], payload: &[u8]) -> Result<(), AppendError> {
        let mut draft = Draft::new();
        draft.begin().put_slice(payload);
        let seconds = self.common.settings.seconds();
        match self.append_draft(kind, *id, Known { seconds, pid: fork::pid(), new_id: false }, &mut draft) {
            Appended::Failed(error) => Err(*error),
            Appended::Stored | Appended::Written => Ok(()),
        }
    }

    /// The same, of a payload that was made where a record needs it.
    pub(crate) fn append_draft(
        &self,
        kind: RecordKind,
        id: [u8; 16],
        known: Known,
        draft: &mut Draft,
    ) -> Appended {
        let process = self.process_of(known.pid);
        let (size, most) = (draft.payload_len(), self.common.settings.record_bytes());
        if size > most {
            process.writer().lose(LossCause::TooLarge, 1);
            return Appended::Failed(Box::new(AppendError::TooLarge { size, most }));
        }
        draft.finish(kind.code(), id, known.seconds);
        if known.new_id || !process.fast.is_running() {
            draft.set_alone(known.new_id);
        }
        if draft.is_noted() && process.fast.is_start_held() {
            return process.writer().append(&self.common, &process.fast, draft).into();
        }
        let mut appended = process.fast.append(draft, false);
        if let Some(Err(Stop::Look)) = appended {
            // Whoever has the writer now is at the file anyway, or looks 256 records from here: waiting for them
            // would cost more than many looks.
            if let Ok(mut writer) = process.writer.try_lock() {
                writer.tidy(&self.common);
                return writer.append(&self.common, &process.fast, draft).into();
            }
            appended = process.fast.append(draft, true);
        }
        match appended {
            Some(Ok(false)) => return Appended::Stored,
            Some(Ok(true)) => {
                // Whoever has the writer now catches up.
                if let Ok(mut writer) = process.writer.try_lock() {
                    writer.work_ahead(&self.common, &process.fast);
                }
                return Appended::Written;
            }
            _ => {}
        }
        process.writer().append(&self.common, &process.fast, draft).into()
    }

    /// Notices that somebody purged the journal, which a process that records many would otherwise notice only
    /// after some more records.
    pub(crate) fn look(&self) {
        let process = self.process();
        process.writer().look(&self.common, &process.fast);
    }

    /// Whether this process has events that no drain can take: its segment has to be given up for that.
    pub(crate) fn holds_events(&self) -> bool {
        let process = self.process();
        process.writer().holds_events(&process.fast)
    }

    /// Takes the start record of a command that has not ended back, as if it had never begun: it is not
    /// given to the drain, whatever becomes of this process.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn withdraw(&self, id: &[u8; 16]) -> Result<(), AppendError> {
        let process = self.process();
        if process.writer().take_back_held(id) || !process.fast.running().iter().any(|it| it.id == *id) {
            return Ok(());
        }
        self.append(RecordKind::Other(MOVED), id, id)
    }

    /// Makes what was appended survive a loss of power.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::Other`] if records are in memory only.
    pub fn sync(&self) -> io::Result<()> {
        let process = self.process();
        process.writer().sync(&self.common, &process.fast)
    }

    /// The commands that began in this process and have not ended: each one's id, and the payload of its start
    /// record.
    #[must_use]
    pub fn running(&self) -> Vec<([u8; 16], Vec<u8>)> {
        let process = self.process();
        process.writer().running(&process.fast)
    }

    /// Gives the segment up, so that a drain can take it. The next append leases again.
    pub fn seal(&self) {
        let process = self.process();
        process.writer().seal(&self.common, &process.fast);
    }

    /// The end of this process's recording: gives the segment up. Events that are in memory only are gone
    /// then; they are counted, on disk where anything at all can be written there. Says how many they are.
    pub fn end(&self) -> u64 {
        self.seal();
        let held = self.take_memory();
        let gone = held.iter().filter(|held| held.kind == RecordKind::Event).count() as u64;
        if gone > 0 {
            self.count_loss(LossCause::Exit, gone);
            self.seal();
        }
        self.process().writer().note_losses(&self.common);
        gone
    }

    /// Leaves a slot for the next process that records, where there is none: to make one takes several times what
    /// all else of a first record does. What cannot be made now is made then.
    pub(crate) fn make_ready(&self) {
        let process = self.process();
        let _ = process.writer().make_ready(&self.common, &process.fast);
    }

    /// Counts events that were lost before they got here. The count reaches the disk with the next
    /// record.
    pub fn count_loss(&self, cause: LossCause, count: u64) {
        self.process().writer().lose(cause, count);
    }

    /// How recording goes.
    #[must_use]
    pub fn health(&self) -> Health {
        let process = self.process();
        Health { mapped: process.fast.is_mapped(), ..process.writer().health() }
    }

    /// Takes what is in memory only, oldest first: nothing of it is written or counted by this journal any
    /// more.
    #[must_use]
    pub fn take_memory(&self) -> Vec<Held> {
        self.process().writer().take_memory()
    }

    /// Every thread of this process has met another one in the mapping.
    #[cfg(test)]
    pub(super) fn crowd(&self) {
        self.process().fast.crowd();
    }

    /// Leaves the files as a kill would: nothing is said, cut off or unlocked by name.
    #[cfg(test)]
    pub(super) fn crash(self) {
        let process = self.process();
        drop(process.fast.unmap());
        process.writer().abandon();
    }

    /// What belongs to the process that this runs in: the last of the family that led here.
    fn process(&self) -> &Process {
        self.process_of(fork::pid())
    }

    fn process_of(&self, pid: u32) -> &Process {
        let mut process = &self.first;
        while let Some(child) = process.child.get() {
            process = child;
        }
        if process.pid == pid {
            return process;
        }
        if let Ok(mut inherited) = process.writer.try_lock() {
            inherited.abandon();
        }
        // Of two threads of the child that come first at once, one wins, and both use what it set.
        let _ = process.child.set(Box::new(Process::new()));
        process.child.get().map_or(process, |child| child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if self.pid == std::process::id() { writer.release(&self.fast) } else { writer.abandon() }
    }
}
