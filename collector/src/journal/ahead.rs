//! The next segment of a process that records many, leased and mapped before the one in use is full, and the
//! last one, given its name after.
//!
//! To end a segment and to begin one are some forty system calls, and every thread that records would wait for
//! them. So the next one is made while there is room in this one, going from one to the other is a change of
//! pointers, and what is full is sealed by whoever is told to allocate more, while the others append.
//!
//! - The next one is empty, and was leased with leave asked afterwards: a purge that comes later finds its name.
//!   Whether it still has it is looked at before it is used.
//! - It may hold as much as the one in use, because one of the two is written to at any time. From the second one of
//!   a process on it may hold twice as much, in one piece, where there is room for both (see `extent`).
//! - It is removed where it is not used: another process would only find a slot without a record.
//! - What is full keeps its slot's name and its lock until it is sealed. After a kill it is an orphan like any
//!   other.

use super::caps;
use super::draft::Draft;
use super::fast::{Fast, Running};
use super::format::Tally;
use super::lease::Lease;
use super::mapped::Mapped;
use super::moving::{say_moved, start_record};
use super::recorder::Common;
use super::writer::{LAST_STEP, Room, Writer, allocate};
use crate::platform::file;

/// A segment and its mapping, in which nobody appends now: the next one, or the last one.
#[derive(Debug)]
pub(super) struct Aside {
    lease: Lease,
    mapped: Mapped,
}

impl Writer {
    /// Allocates the next step before it is needed, so that other threads need not wait for it, and does what
    /// else can be done while they append.
    pub(super) fn work_ahead(&mut self, common: &Common, fast: &Fast) {
        self.grow(fast, 0);
        let more_to_come = fast.with_mapped(Mapped::is_low_ahead) == Some(true);
        if self.tidy(common) {
            // The next record that takes the lock may come much later, or never.
            self.say_losses(common, fast);
            if more_to_come {
                return self.catch_up(fast);
            }
        }
        // Where segments are small, so is what all of them may take.
        let at = fast.with_mapped(Mapped::position);
        let worth = self.step >= LAST_STEP
            && self.lease.as_ref().zip(at).is_some_and(|(lease, (tail, tally))| {
                lease.extent.most().bytes >= LAST_STEP
                    && !lease.extent.may_be_whole_later(lease.filled(tail, tally), lease.free)
            });
        if worth && self.next.is_none() && !self.cannot_prepare {
            self.next = self.prepare(common, fast);
            self.cannot_prepare = self.next.is_none();
        }
        self.catch_up(fast);
    }

    /// Seals what is full and makes room for what is in use, where that was put off. Says whether it was.
    pub(super) fn tidy(&mut self, common: &Common) -> bool {
        let put_off = self.full.is_some() || self.needs_room;
        if put_off {
            self.settle();
            self.make_room(common);
        }
        put_off
    }

    /// Whoever was to allocate more while this thread had the writer has gone on without.
    pub(super) fn catch_up(&mut self, fast: &Fast) {
        if fast.with_mapped(Mapped::is_low) == Some(true) {
            self.grow(fast, 0);
        }
    }

    fn prepare(&self, common: &Common, fast: &Fast) -> Option<Aside> {
        let (folder, lease) = (self.folder.as_ref()?, self.lease.as_ref()?);
        let (tail, tally) = fast.with_mapped(Mapped::position)?;
        let (filled, free) = (lease.filled(tail, tally), lease.free);
        let extent = lease.extent.after(filled, free);
        // As many bytes as the same events take in this one.
        let room = filled.bytes_of(extent.most().events)?;
        let mut lease = Lease::ahead(folder, &common.owner, &common.settings, extent).ok()??;
        lease.free = free.less(extent.most());
        let most = lease.most_events();
        let mapped = common.allowed.ask().then(|| {
            let memory = lease.map().ok()?;
            let mapped = Mapped::new(memory, lease.seed, lease.tail, Tally::default(), most);
            allocate(&lease, &mapped, 0, LAST_STEP, Room { bytes: room, reserve: false }).then_some(mapped)
        });
        match mapped.flatten() {
            Some(mapped) => Some(Aside { lease, mapped }),
            None => {
                lease.remove_unused(folder);
                None
            }
        }
    }

    /// Goes on in the next segment, if there is one; whoever appends meanwhile waits for some stores into memory
    /// only, and where commands are running for the few system calls that take them along.
    pub(super) fn switch(&mut self, common: &Common, fast: &Fast) -> bool {
        let Some(next) = self.next.take() else { return false };
        // It may have filled before anybody came to do that. What is lost by it is said by whoever is appending, once
        // its record has a place.
        self.tidy(common);
        let Some(mut old) = self.lease.take() else { return false };
        let look = file::look(&next.lease.file);
        let whole =
            look.is_ok_and(|look| look.names > 0 && look.size >= next.mapped.memory.words() as u64 * 8);
        let Aside { lease, mapped } = next;
        let switched = if whole {
            fast.switch(mapped, |from, to| {
                old.go_on_behind(from);
                self.filled = old.filled(old.tail, old.tally);
                carry_all(common, &mut old, fast, to)
            })
        } else {
            drop(mapped);
            None
        };
        let Some(full) = switched else {
            if let Some(folder) = &self.folder {
                lease.remove_unused(folder);
            }
            self.lease = Some(old);
            return false;
        };
        self.full = Some(Aside { lease: old, mapped: full });
        self.begin(lease);
        self.needs_room = true;
        true
    }

    /// Seals the segment that was left full.
    pub(super) fn settle(&mut self) {
        let Some(Aside { lease, mapped }) = self.full.take() else { return };
        drop(mapped);
        if self.still_has(&lease) {
            self.seal_old(lease);
        } else {
            let _ = lease.file.unlock();
        }
    }

    /// Room for what is already in use: it was made without.
    fn make_room(&mut self, common: &Common) {
        let (Some(folder), Some(lease)) = (&self.folder, &mut self.lease) else { return };
        let most = lease.extent.most();
        if let Ok(room) = caps::make_room(folder, &common.settings, most, Some(&lease.name)) {
            lease.free = room.free.less(most);
            self.take_losses(room.lost);
        }
        self.needs_room = false;
    }

    /// Gives the next segment back, where it is not to be used.
    pub(super) fn drop_next(&mut self) {
        if let (Some(Aside { lease, mapped }), Some(folder)) = (self.next.take(), &self.folder) {
            drop(mapped);
            lease.remove_unused(folder);
        }
    }
}

/// Takes the running commands along to the mapping `to`, and says so in the segment that they leave. Says where
/// they are then; `None` if that is not possible.
fn carry_all(common: &Common, old: &mut Lease, fast: &Fast, to: &Mapped) -> Option<Vec<Running>> {
    if !fast.is_running() {
        return Some(Vec::new());
    }
    let running = fast.running().clone();
    let mut carried = Vec::with_capacity(running.len());
    for each in &running {
        // A start record that is damaged by now has nothing to carry.
        let Some((head, payload)) = start_record(old, each).ok()? else { continue };
        let mut record = Draft::new();
        record.set(head.kind, head.id, head.seconds, &payload);
        let offset = to.append(&mut record, true).ok()?.offset;
        carried.push(Running { id: each.id, offset });
    }
    // Purged, and the copies go too.
    if file::look(&old.file).ok()?.names == 0 {
        return None;
    }
    say_moved(common, old, &running).ok()?;
    Some(carried)
}
