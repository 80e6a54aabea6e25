//! The way of a record when the segment is mapped: no lock that another recorder waits for.

use super::draft::Draft;
use super::mapped::{Mapped, Stop};
use super::settings::{MOVED, RecordKind};
use super::stretch::Stretch;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A command that began and has not ended, and where its start record is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub(super) id: [u8; 16],
    pub(super) offset: u64,
}

/// Threads that append at the same time read the mapping through different ones of these.
const SHARDS: usize = 8;

/// One thread's way to the mapping. Alone on its stretch of memory: a lock that two processors write to in
/// turns costs as much as a record.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    mapped: RwLock<Option<Arc<Mapped>>>,
    /// What the thread has of a [`Stretch`].
    stretch: AtomicU64,
}

impl Shard {
    fn read(&self) -> RwLockReadGuard<'_, Option<Arc<Mapped>>> {
        self.mapped.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Arc<Mapped>>> {
        self.mapped.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left of its stretch, for whoever has its exclusive side. One that had met another thread takes a stretch
    /// of the next segment, too.
    fn end_stretch(&self) -> u64 {
        let word = self.stretch.load(Ordering::Relaxed);
        if word != Stretch::NONE {
            self.stretch.store(Stretch::WANTED, Ordering::Relaxed);
        }
        word
    }
}

/// What recorders of a process share without the writer's lock.
///
/// The writer maps and unmaps under its own lock and the exclusive side of every shard's, so that whoever
/// appends holds the shared side of one and can rely on the segment.
#[derive(Debug, Default)]
pub(super) struct Fast {
    mapped: [Shard; SHARDS],
    running: Mutex<Vec<Running>>,
    /// How many there are: an event of a process without running commands asks only this.
    any_running: AtomicUsize,
    /// A command's start is in memory only: its end must not overtake it.
    start_held: AtomicBool,
}

impl Fast {
    /// Appends if the segment is mapped, and says whether this thread is to allocate more. `None` if it is not
    /// mapped.
    pub(super) fn append(&self, draft: &mut Draft, looked: bool) -> Option<Result<bool, Stop>> {
        let shard = self.shard();
        let mapped = shard.read();
        let mapped = mapped.as_ref()?;
        let appended = if draft.stands_alone() {
            mapped.append_apart(draft, looked, &shard.stretch)
        } else {
            mapped.append(draft, looked)
        };
        Some(appended.map(|appended| {
            if draft.is_noted() {
                self.note(draft, appended.offset);
            }
            appended.low
        }))
    }

    fn shard(&self) -> &Shard {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        // A thread that is ending has none of its own any more.
        let [first, ..] = &self.mapped;
        MINE.try_with(|mine| self.mapped.get(*mine)).ok().flatten().unwrap_or(first)
    }

    /// Notes that a command began or ended.
    #[inline]
    pub(super) fn note(&self, record: &Draft, offset: u64) {
        if record.kind() == RecordKind::Start.code() {
            let mut running = self.running();
            running.push(Running { id: record.id(), offset });
            self.any_running.store(running.len(), Ordering::Release);
        } else if matches!(RecordKind::from_code(record.kind()), RecordKind::Event | RecordKind::Other(MOVED))
            && self.any_running.load(Ordering::Acquire) > 0
        {
            let mut running = self.running();
            if let Some(at) = running.iter().rposition(|running| running.id == record.id()) {
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

    pub(super) fn set_start_held(&self, held: bool) {
        self.start_held.store(held, Ordering::Release);
    }

    pub(super) fn is_start_held(&self) -> bool {
        self.start_held.load(Ordering::Acquire)
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

    /// Every thread has met another one.
    #[cfg(test)]
    pub(super) fn crowd(&self) {
        self.mapped.iter().for_each(|shard| {
            let _ = shard.stretch.compare_exchange(
                Stretch::NONE,
                Stretch::WANTED,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        });
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.shard().read().is_some()
    }

    /// What is mapped, for the writer; others may go on appending.
    pub(super) fn with_mapped<T>(&self, look: impl FnOnce(&Mapped) -> T) -> Option<T> {
        self.shard().read().as_deref().map(look)
    }

    pub(super) fn map(&self, mapped: Mapped) {
        let mapped = Arc::new(mapped);
        for shard in &self.mapped {
            *shard.write() = Some(Arc::clone(&mapped));
        }
    }

    /// Puts `next` in the place of what is mapped, while nobody appends. `carry` is given both and says where the
    /// running commands are then; where it says none, everything stays as it was.
    pub(super) fn switch(
        &self,
        next: Mapped,
        carry: impl FnOnce(&Mapped, &Mapped) -> Option<Vec<Running>>,
    ) -> Option<Mapped> {
        let mut shards = self.mapped.each_ref().map(Shard::write);
        let mapped = shards.first()?.as_deref()?;
        mapped.close(self.mapped.each_ref().map(Shard::end_stretch));
        let running = carry(mapped, &next)?;
        self.set_running(running);
        let next = Arc::new(next);
        shards
            .iter_mut()
            .filter_map(|shard| shard.replace(Arc::clone(&next)))
            .filter_map(Arc::into_inner)
            .last()
    }

    /// Takes the mapping away, once everybody who appends to it is done.
    pub(super) fn unmap(&self) -> Option<Mapped> {
        let taken = self.mapped.each_ref().map(|shard| {
            let mut mapped = shard.write();
            (mapped.take(), shard.end_stretch())
        });
        let stretches = taken.each_ref().map(|(_, stretch)| *stretch);
        // The last one is the only one: nobody keeps one beyond the lock of its shard.
        let mapped = taken.into_iter().filter_map(|(mapped, _)| mapped).filter_map(Arc::into_inner).last()?;
        mapped.close(stretches);
        Some(mapped)
    }
}
