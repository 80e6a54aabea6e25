//! The way of a record when the segment is mapped: no lock that another recorder waits for.

use super::format::{Head, Tally};
use super::mapped::{Mapped, Stop};
use super::settings::{MOVED, RecordKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// A record to be appended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: u8,
    pub(super) id: [u8; 16],
    pub(super) seconds: u32,
    pub(super) payload: &'a [u8],
}

impl Record<'_> {
    pub(super) fn head(&self, tally: Tally) -> Head {
        Head { kind: self.kind, id: self.id, seconds: self.seconds, tally }
    }
}

/// A command that began and has not ended, and where its start record is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub(super) id: [u8; 16],
    pub(super) offset: u64,
}

/// What recorders of a process share without the writer's lock.
///
/// The writer maps and unmaps under its own lock and this one's exclusive side, so that whoever
/// appends holds the shared side and can rely on the segment.
#[derive(Debug, Default)]
pub(super) struct Fast {
    mapped: RwLock<Option<Mapped>>,
    running: Mutex<Vec<Running>>,
    /// How many there are: an event of a process without running commands asks only this.
    any_running: AtomicUsize,
}

impl Fast {
    /// Appends if the segment is mapped and nothing else is to be done.
    #[inline]
    pub(super) fn append(&self, record: &Record<'_>) -> bool {
        self.try_append(record, false) == Some(Ok(()))
    }

    /// Appends if the segment is mapped. `None` if it is not.
    pub(super) fn try_append(&self, record: &Record<'_>, looked: bool) -> Option<Result<(), Stop>> {
        let mapped = self.mapped.read().unwrap_or_else(PoisonError::into_inner);
        let appended = mapped.as_ref()?.append(&record.head(Tally::default()), record.payload, looked);
        Some(appended.map(|offset| self.note(record, offset)))
    }

    /// Notes that a command began or ended.
    pub(super) fn note(&self, record: &Record<'_>, offset: u64) {
        if record.kind == RecordKind::Start.code() {
            let mut running = self.running();
            running.push(Running { id: record.id, offset });
            self.any_running.store(running.len(), Ordering::Release);
        } else if matches!(RecordKind::from_code(record.kind), RecordKind::Event | RecordKind::Other(MOVED))
            && self.any_running.load(Ordering::Acquire) > 0
        {
            let mut running = self.running();
            if let Some(at) = running.iter().rposition(|running| running.id == record.id) {
                running.swap_remove(at);
            }
            self.any_running.store(running.len(), Ordering::Release);
        }
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_running(&self) -> bool {
        self.any_running.load(Ordering::Acquire) > 0
    }

    pub(super) fn take_running(&self) -> Vec<Running> {
        let taken = std::mem::take(&mut *self.running());
        self.any_running.store(0, Ordering::Release);
        taken
    }

    pub(super) fn set_running(&self, commands: Vec<Running>) {
        self.any_running.store(commands.len(), Ordering::Release);
        *self.running() = commands;
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.mapped.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What is mapped, for the writer; others may go on appending.
    pub(super) fn with_mapped<T>(&self, look: impl FnOnce(&Mapped) -> T) -> Option<T> {
        self.mapped.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    pub(super) fn map(&self, mapped: Mapped) {
        *self.mapped.write().unwrap_or_else(PoisonError::into_inner) = Some(mapped);
    }

    /// Takes the mapping away, once everybody who appends to it is done.
    pub(super) fn unmap(&self) -> Option<Mapped> {
        self.mapped.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}
