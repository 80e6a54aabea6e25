//! From one segment to the next where none is waiting (see `ahead`), and the end of a lease.

use super::draft::Draft;
use super::fast::{Fast, Running};
use super::format;
use super::lease::{self, Lease};
use super::recorder::Common;
use super::settings::MOVED;
use super::writer::Writer;
use crate::platform::file;
use std::io;

impl Writer {
    /// Moves on to the next segment and takes the running commands along.
    pub(super) fn rotate(&mut self, common: &Common, fast: &Fast) -> io::Result<()> {
        // From here on every recorder of this process waits for this one.
        self.unmap(fast);
        let Some(old) = self.lease.take() else {
            return Ok(());
        };
        if !fast.is_running() {
            self.seal_old(old);
            return Ok(());
        }
        // The old lock is held until the new segment has the start records and the old one says so:
        // nobody can see one without the other, except after a kill between the two writes, and the
        // drain knows the ids that it reported.
        if let Err(error) = self.lease(common) {
            self.lease = Some(old);
            return Err(error);
        }
        if let Err(denied) = self.ask(common, fast) {
            let _ = old.file.unlock();
            return Err(denied);
        }
        let before = self.lease.as_ref().map_or((0, true), |lease| (lease.tail, lease.is_said));
        let running = fast.take_running();
        let tail = old.tail;
        let mut old = old;
        let moved = running
            .iter()
            .try_for_each(|running| self.carry(fast, &old, running))
            .and_then(|()| file::look(&old.file))
            .and_then(|look| {
                let purged = look.names == 0;
                if !purged {
                    say_moved(common, &mut old, &running)?;
                }
                Ok(purged)
            });
        match moved {
            Ok(false) => self.seal_old(old),
            Ok(true) => {
                self.take_back(before);
                fast.take_running();
            }
            Err(error) => {
                old.tail = tail;
                let _ = file::look(&old.file).and_then(|look| old.cut(look.size));
                old.ready = 0;
                self.take_back(before);
                fast.set_running(running);
                self.lease = Some(old);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Removes what was just put into the new segment, under its lease.
    fn take_back(&mut self, before: (u64, bool)) {
        if let Some(lease) = &mut self.lease {
            (lease.tail, lease.is_said) = before;
            let _ = file::look(&lease.file).and_then(|look| lease.cut(look.size));
            lease.ready = 0;
        }
    }

    fn carry(&mut self, fast: &Fast, old: &Lease, running: &Running) -> io::Result<()> {
        // A start record that is damaged by now has nothing to carry.
        let Some((head, payload)) = start_record(old, running)? else { return Ok(()) };
        let mut record = Draft::new();
        record.set(head.kind, head.id, head.seconds, &payload);
        // Where others left little room in the new one it grows beyond its limit: a command must not
        // end because of that.
        self.put_over(fast, &mut record)
    }

    /// Each command that is running: its id, and the payload of its start record.
    pub(super) fn running(&self, fast: &Fast) -> Vec<([u8; 16], Vec<u8>)> {
        let Some(lease) = &self.lease else { return Vec::new() };
        let read = |running: &Running| Some((running.id, start_record(lease, running).ok()??.1));
        fast.running().iter().filter_map(read).collect()
    }

    /// Seals what is full. If it cannot be renamed it stays a slot, and whoever leases it tries.
    pub(super) fn seal_old(&mut self, old: Lease) {
        if let Some(folder) = &self.folder {
            let sealed = lease::next_sequence(folder).and_then(|sequence| old.seal(folder, sequence));
            self.unsynced.push((old.id, sealed.unwrap_or_else(|_| old.name.clone())));
        }
        // A forked child may hold the same lock without knowing.
        let _ = old.file.unlock();
    }

    /// Whether a segment's name is still its own: somebody may have purged it, and another one may have the name by now.
    pub(super) fn still_has(&self, lease: &Lease) -> bool {
        match (&self.folder, file::look(&lease.file)) {
            (Some(folder), Ok(look)) => look.names > 0 && folder.still_names(&lease.name, &look),
            _ => false,
        }
    }

    /// Gives the segment up, so that a drain can take it.
    pub(super) fn seal(&mut self, common: &Common, fast: &Fast) {
        let look = self.lease.as_ref().and_then(|lease| file::look(&lease.file).ok());
        if look.is_some_and(|look| look.names > 0 && self.is_cut(fast, look.size)) {
            self.leave_cut(fast);
        }
        self.tidy(common);
        // It may be the process's end: what the disk did not take is tried once more.
        let _ = self.flush_memory(common, fast);
        if self.has_losses_to_say() {
            self.say_losses(common, fast);
        }
        // Before the question: while it is mapped, another thread may begin a command in it at any moment, whose
        // start would stay behind without its end.
        self.unmap(fast);
        if fast.is_running() {
            // If that fails the segment stays leased: its commands are running.
            let _ = self.rotate(common, fast);
            return;
        }
        if let Some(lease) = &self.lease {
            self.unsynced.push((lease.id, lease.name.clone()));
        }
        self.release(fast);
    }

    /// Gives up the lease, for whoever goes on in the slot.
    pub(super) fn release(&mut self, fast: &Fast) {
        self.unmap(fast);
        if let Some(lease) = &mut self.lease
            && !lease.is_said
            // Behind what somebody cut nothing is said.
            && file::look(&lease.file).is_ok_and(|look| look.names > 0 && look.size >= lease.tail)
        {
            let _ = lease.say_count();
        }
        self.let_go(fast);
    }

    /// Gives up the lease and writes nothing more. Closing would not do: a forked child may hold the same lock.
    pub(super) fn let_go(&mut self, fast: &Fast) {
        self.unmap(fast);
        if let Some(lease) = self.lease.take() {
            // What was preallocated and not used is cut off, unless somebody cut more.
            let _ = file::look(&lease.file).and_then(|look| lease.cut(look.size));
            let _ = lease.file.unlock();
        }
        fast.take_running();
    }
}

/// A start record, read back; none where it is damaged by now.
pub(super) fn start_record(lease: &Lease, running: &Running) -> io::Result<Option<(format::Head, Vec<u8>)>> {
    let mut bytes = vec![0; format::RECORD_HEAD];
    file::read_at(&lease.file, &mut bytes, running.offset)?;
    let length = format::length_at(&bytes).unwrap_or(0).min(format::MAX_PAYLOAD);
    bytes.resize(format::record_size(length), 0);
    file::read_at(&lease.file, &mut bytes, running.offset)?;
    Ok(format::decode_alone(lease.seed, &bytes, running.offset)
        .map(|(head, payload)| (head, payload.to_vec())))
}

/// Says in the old segment that its running commands moved on.
pub(super) fn say_moved(common: &Common, old: &mut Lease, running: &[Running]) -> io::Result<()> {
    let per_record = (common.settings.record_bytes() / 16).max(1);
    for part in running.chunks(per_record) {
        let ids: Vec<u8> = part.iter().flat_map(|running| running.id).collect();
        let mut record = Draft::new();
        record.set(MOVED, [0; 16], common.settings.seconds(), &ids);
        file::write_at(&old.file, record.place(old.seed, old.tail, old.tally), old.tail)?;
        old.tail += record.size() as u64;
    }
    Ok(())
}
