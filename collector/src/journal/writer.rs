//! Appending in one process: lease, write, move on, and memory where that fails.

use super::format::{self, Head};
use super::lease::{self, Lease};
use super::memory::{Held, Memory};
use super::recorder::{AppendError, Common, Fallback, Health};
use super::segment::count;
use super::settings::{LossCause, MOVED, RecordKind};
use crate::platform::file;
use crate::platform::folder::{Folder, How};
use crate::platform::host;
use std::io;

/// A command that began and has not ended, and where its start record is.
#[derive(Clone, Copy, Debug)]
struct Running {
    id: [u8; 16],
    offset: u64,
}

/// After a failure the disk is tried again at the 1st, 2nd, 4th ... record, then at every 256th.
const RARELY: u32 = 256;

#[derive(Debug, Default)]
pub(super) struct Writer {
    folder: Option<Folder>,
    lease: Option<Lease>,
    running: Vec<Running>,
    buffer: Vec<u8>,
    memory: Memory,
    fallback: Option<Fallback>,
    /// Records since the fallback began.
    since_failure: u32,
    /// Losses of this process.
    losses: Vec<(LossCause, u64)>,
    /// Those that no record on disk says yet.
    unsaid: Vec<(LossCause, u64)>,
    /// Sealed segments that a sync must still reach.
    unsynced: Vec<String>,
}

impl Writer {
    pub(super) fn append(
        &mut self,
        common: &Common,
        kind: RecordKind,
        id: &[u8; 16],
        payload: &[u8],
    ) -> Result<(), AppendError> {
        let seconds = common.settings.seconds();
        let record = Record { kind: kind.code(), id: *id, seconds, payload };
        if self.fallback.is_some() {
            self.since_failure += 1;
            if !self.since_failure.is_power_of_two() && !self.since_failure.is_multiple_of(RARELY) {
                return Err(self.hold(common, kind, record));
            }
        }
        match self.flush_memory(common).and_then(|()| self.write(common, &record)) {
            Ok(()) => {
                self.fallback = None;
                self.say_losses(common);
                Ok(())
            }
            Err(error) => {
                if self.fallback.is_none() {
                    self.since_failure = 0;
                }
                let (kind_of, text) = (error.kind(), error.to_string());
                self.fallback = Some(Fallback { directory: common.directory.clone(), kind: kind_of, text });
                Err(self.hold(common, kind, record))
            }
        }
    }

    fn hold(&mut self, common: &Common, kind: RecordKind, record: Record<'_>) -> AppendError {
        let held = Held { kind, id: record.id, seconds: record.seconds, payload: record.payload.to_vec() };
        let lost = self.memory.hold(held, common.settings.max_held);
        self.lose(LossCause::Memory, lost);
        let fallback = self.fallback.clone();
        AppendError::Held(fallback.unwrap_or_else(|| Fallback {
            directory: common.directory.clone(),
            kind: io::ErrorKind::Other,
            text: String::new(),
        }))
    }

    fn flush_memory(&mut self, common: &Common) -> io::Result<()> {
        while let Some(held) = self.memory.first().cloned() {
            let (kind, payload) = (held.kind.code(), held.payload.as_slice());
            self.write(common, &Record { kind, id: held.id, seconds: held.seconds, payload })?;
            self.memory.drop_first();
        }
        Ok(())
    }

    /// Counts a loss, to be said on disk with the next record.
    pub(super) fn lose(&mut self, cause: LossCause, by: u64) {
        count(&mut self.losses, cause, by);
        count(&mut self.unsaid, cause, by);
    }

    fn say_losses(&mut self, common: &Common) {
        while let Some((cause, by)) = self.unsaid.pop() {
            let payload = format::encode_loss(cause.code(), by);
            let kind = RecordKind::Loss.code();
            let record = Record { kind, id: [0; 16], seconds: common.settings.seconds(), payload: &payload };
            if self.write(common, &record).is_err() {
                self.unsaid.push((cause, by));
                return;
            }
        }
    }

    /// Writes a record into the leased segment, or the next one.
    fn write(&mut self, common: &Common, record: &Record<'_>) -> io::Result<()> {
        let size = format::record_size(record.payload.len());
        // Somebody may remove or cut what was leased, and a segment may be full: each of these
        // leads to another lease, and none can happen for ever.
        for _ in 0..4 {
            let Some(lease) = &self.lease else {
                self.lease(common)?;
                continue;
            };
            let look = file::look(&lease.file)?;
            if look.names == 0 {
                // Purged: what was in it must not come back, so nothing moves along.
                self.lease = None;
                self.running.clear();
                self.unsynced.clear();
            } else if look.size < lease.tail {
                // Cut under us. Whoever leases it next finds out what is left.
                self.release();
            } else if !lease.fits(size, &common.settings) {
                self.rotate(common)?;
            } else {
                return self.put(record, size);
            }
        }
        Err(io::Error::other("somebody keeps changing the journal's files"))
    }

    fn put(&mut self, record: &Record<'_>, size: usize) -> io::Result<()> {
        let Some(lease) = &mut self.lease else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let end = lease.tail + size as u64;
        if end > host::file_size_limit() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let event = record.kind == RecordKind::Event.code();
        let events = lease.events.saturating_add(u32::from(event));
        self.buffer.clear();
        record.head(events).encode(lease.seed, lease.tail, record.payload, &mut self.buffer);
        if let Err(error) = file::write_at(&lease.file, &self.buffer, lease.tail) {
            // What a full disk took of it would only be in the next writer's way.
            let _ = lease.file.set_len(lease.tail);
            return Err(error);
        }
        if record.kind == RecordKind::Start.code() {
            self.running.push(Running { id: record.id, offset: lease.tail });
        } else if event && !self.running.is_empty() {
            self.running.retain(|running| running.id != record.id);
        }
        lease.tail = end;
        lease.events = events;
        Ok(())
    }

    fn lease(&mut self, common: &Common) -> io::Result<()> {
        if common.label.destination.len() > super::Label::MAX_DESTINATION
            || common.label.origin.len() > super::Label::MAX_ORIGIN
        {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "destination or origin is too long"));
        }
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => Folder::create(&common.directory)?,
        };
        let leased = match Lease::take(&folder, &common.label, &common.settings) {
            // The directory itself was removed, by a purge or by hand: once more from the start.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = Folder::create(&common.directory)?;
                let leased = Lease::take(&folder, &common.label, &common.settings);
                self.folder = Some(folder);
                leased
            }
            other => {
                self.folder = Some(folder);
                other
            }
        };
        let mut lease = leased?;
        for (cause, by) in std::mem::take(&mut lease.lost) {
            self.lose(cause, by);
        }
        self.lease = Some(lease);
        Ok(())
    }

    /// Moves on to the next segment and takes the running commands along.
    fn rotate(&mut self, common: &Common) -> io::Result<()> {
        let Some(old) = self.lease.take() else {
            return Ok(());
        };
        if self.running.is_empty() {
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
        let before = self.lease.as_ref().map_or(0, |lease| lease.tail);
        let running = std::mem::take(&mut self.running);
        if let Err(error) = running.iter().try_for_each(|running| self.carry(&old, running)) {
            self.running = running;
            self.take_back(before);
            self.lease = Some(old);
            return Err(error);
        }
        if file::look(&old.file)?.names == 0 {
            self.take_back(before);
            self.running.clear();
            return Ok(());
        }
        let mut old = old;
        let tail = old.tail;
        if let Err(error) = self.say_moved(common, &mut old) {
            old.tail = tail;
            let _ = old.file.set_len(tail);
            self.running = running;
            self.take_back(before);
            self.lease = Some(old);
            return Err(error);
        }
        self.seal_old(old);
        Ok(())
    }

    /// Removes what was just put into the new segment, under its lease.
    fn take_back(&mut self, tail: u64) {
        if let Some(lease) = &mut self.lease {
            lease.tail = tail;
            let _ = lease.file.set_len(tail);
        }
    }

    fn carry(&mut self, old: &Lease, running: &Running) -> io::Result<()> {
        let mut bytes = vec![0; format::RECORD_HEAD];
        file::read_at(&old.file, &mut bytes, running.offset)?;
        let length = format::u32_at(&bytes, 8).unwrap_or(0) as usize & format::MAX_PAYLOAD;
        bytes.resize(format::record_size(length), 0);
        file::read_at(&old.file, &mut bytes, running.offset)?;
        // A start record that is damaged by now has nothing to carry.
        let Some((head, payload)) = format::decode_alone(old.seed, &bytes, running.offset) else {
            return Ok(());
        };
        let record = Record { kind: head.kind, id: head.id, seconds: head.seconds, payload };
        self.put(&record, bytes.len())
    }

    fn say_moved(&mut self, common: &Common, old: &mut Lease) -> io::Result<()> {
        let per_record = (common.settings.record_bytes() / 16).max(1);
        for part in self.running.chunks(per_record) {
            let ids: Vec<u8> = part.iter().flat_map(|running| running.id).collect();
            let record =
                Record { kind: MOVED, id: [0; 16], seconds: common.settings.seconds(), payload: &ids };
            let end = old.tail + format::record_size(ids.len()) as u64;
            if end > host::file_size_limit() {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            let mut bytes = Vec::new();
            record.head(old.events).encode(old.seed, old.tail, &ids, &mut bytes);
            file::write_at(&old.file, &bytes, old.tail)?;
            old.tail = end;
        }
        Ok(())
    }

    /// Seals what is full. If it cannot be renamed it stays a slot, and whoever leases it tries.
    fn seal_old(&mut self, old: Lease) {
        let Some(folder) = &self.folder else {
            return;
        };
        match lease::next_sequence(folder).and_then(|sequence| old.seal(folder, sequence)) {
            Ok(name) => self.unsynced.push(name),
            Err(_) => self.unsynced.push(old.name.clone()),
        }
        // A forked child may hold the same lock without knowing.
        let _ = old.file.unlock();
    }

    pub(super) fn sync(&mut self, common: &Common) -> io::Result<()> {
        self.flush_memory(common)?;
        self.say_losses(common);
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        if let Some(lease) = &self.lease {
            lease.file.sync_data()?;
        }
        while let Some(name) = self.unsynced.last() {
            match folder.open_file(name, How::Write) {
                Ok(file) => file.sync_data()?,
                // Delivered, merged (which syncs) or purged.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            self.unsynced.pop();
        }
        folder.sync()
    }

    pub(super) fn seal(&mut self, common: &Common) {
        if !self.unsaid.is_empty() {
            self.say_losses(common);
        }
        if self.running.is_empty() {
            if let Some(lease) = &self.lease {
                self.unsynced.push(lease.name.clone());
            }
            self.release();
        } else if self.rotate(common).is_err() {
            // The segment stays leased; its commands are still running.
        }
    }

    /// Gives up the lease. A forked child may hold the same lock, so it is given up by name.
    pub(super) fn release(&mut self) {
        if let Some(lease) = self.lease.take() {
            let _ = lease.file.unlock();
        }
        self.running.clear();
    }

    /// In a forked child: lets go of what is the parent's, and unlocks nothing.
    pub(super) fn abandon(&mut self) {
        *self = Self::default();
    }

    pub(super) fn health(&self) -> Health {
        Health {
            fallback: self.fallback.clone(),
            held: self.memory.len(),
            mapped: false,
            losses: self.losses.clone(),
        }
    }

    pub(super) fn take_memory(&mut self) -> Vec<Held> {
        self.memory.take()
    }
}

/// A record to be written.
struct Record<'a> {
    kind: u8,
    id: [u8; 16],
    seconds: u32,
    payload: &'a [u8],
}

impl Record<'_> {
    fn head(&self, events: u32) -> Head {
        Head { kind: self.kind, id: self.id, seconds: self.seconds, events }
    }
}
