//! Appending in one process: lease, write, map, and memory where that fails. How it moves from one
//! segment to the next is in `moving`.

use super::ahead::Aside;
use super::caps::Lost;
use super::draft::Draft;
use super::extent::Amount;
use super::fast::Fast;
use super::format;
use super::lease::Lease;
use super::mapped::{Mapped, Stop};
use super::memory::{Held, Memory};
use super::recorder::{AppendError, Common, Fallback, Health};
use super::segment::{Loaded, count};
use super::settings::{LossCause, Map, RecordKind};
use super::{names, notes};
use crate::platform::folder::Folder;
use crate::platform::host::{self, FileSystem};
use crate::platform::{file, fork};
use std::io;

/// After a failure the disk is tried again at the 1st, 2nd, 4th ... record, then at every 256th.
const RARELY: u32 = 256;
/// A mapped segment is allocated in steps; each one is twice the one before. Small ones, so that a thread which
/// makes one does not keep the others waiting, and what it has made is still near when it is used.
const FIRST_STEP: u64 = 64 << 10;
pub(super) const LAST_STEP: u64 = 256 << 10;
const PAGE: u64 = 4 << 10;

#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) folder: Option<Folder>,
    pub(super) lease: Option<Lease>,
    /// The segment after that, where it is mapped.
    pub(super) next: Option<Aside>,
    /// The segment before it, which is full and not sealed yet.
    pub(super) full: Option<Aside>,
    /// No room was made for the segment in use, which was leased ahead.
    pub(super) needs_room: bool,
    /// There can be no next one before this one is full.
    pub(super) cannot_prepare: bool,
    draft: Draft,
    memory: Memory,
    fallback: Option<Fallback>,
    /// Records since the fallback began.
    since_failure: u32,
    /// Records written one by one, until it is worth to map.
    written: u32,
    /// The next step of a mapped segment's allocation.
    pub(super) step: u64,
    /// Recording was not allowed any more when that was asked last.
    denied: bool,
    /// What this process put into the last segment that it gave up, where that was mapped.
    pub(super) filled: Amount,
    /// Mapping failed once; this process does not try again.
    cannot_map: bool,
    /// Losses of this process.
    losses: Vec<(LossCause, u64)>,
    /// Those that no record on disk says yet.
    unsaid: Vec<(LossCause, u64)>,
    /// Those that a record of the leased segment says, and where it ends.
    said: Vec<(u64, LossCause, u64)>,
    /// Segments given up that a sync must still reach: each one's id, and its name then.
    pub(super) unsynced: Vec<(u64, String)>,
}

impl Writer {
    pub(super) fn append(
        &mut self,
        common: &Common,
        fast: &Fast,
        record: &mut Draft,
    ) -> Result<(), AppendError> {
        if self.fallback.is_some() {
            self.since_failure = self.since_failure.saturating_add(1);
            if !self.since_failure.is_power_of_two() && !self.since_failure.is_multiple_of(RARELY) {
                return Err(self.hold(common, fast, record));
            }
        }
        match self.flush_memory(common, fast).and_then(|()| self.write(common, fast, record)) {
            Ok(()) => {
                self.fallback = None;
                self.say_losses(common, fast);
                self.catch_up(fast);
                Ok(())
            }
            Err(error) => {
                if self.fallback.is_none() {
                    self.since_failure = 0;
                }
                let (kind, text) = (error.kind(), error.to_string());
                self.fallback = Some(Fallback { directory: common.directory.clone(), kind, text });
                Err(self.hold(common, fast, record))
            }
        }
    }

    fn hold(&mut self, common: &Common, fast: &Fast, record: &Draft) -> AppendError {
        if record.kind() == RecordKind::Start.code() {
            fast.set_start_held(true);
        }
        let (kind, payload) = (RecordKind::from_code(record.kind()), record.payload().to_vec());
        let held = Held { kind, id: record.id(), seconds: record.seconds(), payload };
        if !self.denied {
            let lost = self.memory.hold(held, common.settings.max_held);
            self.lose(LossCause::Memory, lost);
        }
        AppendError::Held(self.fallback.clone().unwrap_or_else(|| Fallback {
            directory: common.directory.clone(),
            kind: io::ErrorKind::Other,
            text: String::new(),
        }))
    }

    pub(super) fn flush_memory(&mut self, common: &Common, fast: &Fast) -> io::Result<()> {
        while let Some(held) = self.memory.first().cloned() {
            self.write_new(common, fast, held.kind.code(), held.id, held.seconds, &held.payload)?;
            self.memory.drop_first();
        }
        fast.set_start_held(false);
        Ok(())
    }

    /// Removes a command's start record that is in memory only; says whether it was.
    pub(super) fn take_back_held(&mut self, id: &[u8; 16]) -> bool {
        self.memory.take_back(id)
    }

    /// Counts a loss, to be said on disk with the next record.
    pub(super) fn lose(&mut self, cause: LossCause, by: u64) {
        count(&mut self.losses, cause, by);
        count(&mut self.unsaid, cause, by);
    }

    pub(super) fn say_losses(&mut self, common: &Common, fast: &Fast) {
        while let Some((cause, by)) = self.unsaid.pop() {
            let payload = format::encode_loss(cause.code(), by);
            let (kind, seconds) = (RecordKind::Loss.code(), common.settings.seconds());
            match self.write_new(common, fast, kind, [0; 16], seconds, &payload) {
                Ok(end) => self.said.push((end, cause, by)),
                Err(_) => {
                    self.unsaid.push((cause, by));
                    return;
                }
            }
        }
    }

    /// Writes a record that nobody has made yet; says where it ends.
    fn write_new(
        &mut self,
        common: &Common,
        fast: &Fast,
        kind: u8,
        id: [u8; 16],
        seconds: u32,
        payload: &[u8],
    ) -> io::Result<u64> {
        let mut draft = std::mem::take(&mut self.draft);
        draft.set(kind, id, seconds, payload);
        let written = self.write(common, fast, &mut draft);
        let end = draft.end();
        self.draft = draft;
        written.map(|()| end)
    }

    /// Writes a record into the leased segment, or the next one.
    fn write(&mut self, common: &Common, fast: &Fast, record: &mut Draft) -> io::Result<()> {
        // Somebody may remove or cut what was leased, and a segment may be full: each of these
        // leads to another lease, and none can happen for ever.
        let mut fresh = false;
        for _ in 0..4 {
            let Some(lease) = &self.lease else {
                self.lease(common)?;
                fresh = true;
                self.ask(common, fast)?;
                continue;
            };
            // What was leased a moment ago has been looked at for that.
            let look = if std::mem::take(&mut fresh) { None } else { Some(file::look(&lease.file)?) };
            if look.is_some_and(|look| look.names == 0) {
                self.leave_purged(fast);
            } else if look.is_some_and(|look| self.is_cut(fast, look.size)) {
                self.leave_cut(fast);
            } else if self.put(common, fast, record)? {
                return Ok(());
            } else {
                self.rotate(common, fast)?;
            }
        }
        Err(io::Error::other("somebody keeps changing the journal's files"))
    }

    /// Asks whether what was just leased may be written to, and leaves nothing of it where it may not.
    pub(super) fn ask(&mut self, common: &Common, fast: &Fast) -> io::Result<()> {
        if common.allowed.ask() {
            return Ok(());
        }
        self.leave_nothing(fast);
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "recording is not allowed any more"))
    }

    /// Gives up a segment that was purged: what was in it must not come back, so nothing moves along.
    fn leave_purged(&mut self, fast: &Fast) {
        self.unmap(fast);
        self.lease = None;
        fast.take_running();
        self.unsynced.clear();
    }

    /// Notices a purge, for who appends to a mapping and would not notice for long, and says what no record
    /// has come to say.
    pub(super) fn look(&mut self, common: &Common, fast: &Fast) {
        let look = self.lease.as_ref().and_then(|lease| file::look(&lease.file).ok());
        if look.is_some_and(|look| look.names == 0) {
            self.leave_purged(fast);
        }
        // It may be the last that is recorded for long, and a drain could have it.
        self.tidy(common);
        // Where nothing is leased, nothing is made for this: it may have been purged.
        if self.lease.is_some() {
            self.say_losses(common, fast);
        }
    }

    /// Recording is not allowed any more: what was made for it goes, and nothing waits in memory.
    fn leave_nothing(&mut self, fast: &Fast) {
        self.denied = true;
        self.memory = Memory::default();
        if let (Some(lease), Some(folder)) = (&self.lease, &self.folder)
            && lease.tail == lease.start
        {
            // It holds nothing but whose it is. Its lock is held, so nobody else has begun to use it.
            let _ = folder.remove(&lease.name);
        }
        self.let_go(fast);
        self.leave_directory();
    }

    /// The directory goes too where nothing is in it: this process may have made it again after the purge.
    fn leave_directory(&mut self) {
        if let Some(folder) = self.folder.take() {
            folder.remove_if_empty();
        }
    }

    /// Whether somebody cut the leased segment, which is of this size now, or its disk lost it.
    pub(super) fn is_cut(&self, fast: &Fast, size: u64) -> bool {
        let short = fast.with_mapped(|mapped| {
            size < mapped.memory.words() as u64 * 8 || !mapped.memory.keeps(mapped.position().0)
        });
        short.unwrap_or_else(|| self.lease.as_ref().is_some_and(|lease| size < lease.tail))
    }

    /// Counts what is gone from a segment that was cut under us, and gives it up. Whoever leases it next
    /// finds out where to go on.
    pub(super) fn leave_cut(&mut self, fast: &Fast) {
        self.unmap(fast);
        if let Some(lease) = &self.lease {
            let (end, left) =
                Loaded::read(&lease.file).map_or((0, 0), |it| (it.end as u64, it.tally.events()));
            let gone = lease.tally.events().saturating_sub(left);
            self.lose(LossCause::Damaged, u64::from(gone));
            for (_, cause, by) in std::mem::take(&mut self.said).into_iter().filter(|it| it.0 > end) {
                count(&mut self.unsaid, cause, by);
            }
        }
        self.let_go(fast);
    }

    /// Appends to the leased segment; `false` if it is full.
    fn put(&mut self, common: &Common, fast: &Fast, record: &mut Draft) -> io::Result<bool> {
        loop {
            match fast.append(record, true) {
                Some(Ok(_)) => return Ok(true),
                Some(Err(Stop::Short)) if self.grow(fast, record.size()) => {}
                Some(Err(Stop::Gone)) => {
                    self.leave_cut(fast);
                    return Ok(false);
                }
                Some(Err(stop)) if self.is_full(fast, stop, record) && self.switch(common, fast) => {}
                Some(Err(_)) => {
                    self.unmap(fast);
                    return self.put_plain(fast, record);
                }
                None => {
                    let appended = self.put_plain(fast, record)?;
                    if appended {
                        self.map_if_worth_it(common, fast);
                    }
                    return Ok(appended);
                }
            }
        }
    }

    /// Whether it is because the mapped segment has no room that an append stopped.
    fn is_full(&self, fast: &Fast, stop: Stop, record: &Draft) -> bool {
        let limit = self.lease.as_ref().map_or(u64::MAX, |lease| lease.extent.most().bytes);
        let tail = fast.with_mapped(|mapped| mapped.position().0).unwrap_or(0);
        stop == Stop::Full || tail + record.size() as u64 > limit
    }

    /// Appends with one `write`; `false` if the segment is full.
    fn put_plain(&mut self, fast: &Fast, record: &mut Draft) -> io::Result<bool> {
        if self.lease.as_ref().is_some_and(|lease| !lease.fits(record.size())) {
            return Ok(false);
        }
        self.put_over(fast, record)?;
        Ok(true)
    }

    /// Appends with one `write`, be the segment full or not.
    pub(super) fn put_over(&mut self, fast: &Fast, record: &mut Draft) -> io::Result<()> {
        let Some(lease) = &mut self.lease else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let end = lease.tail + record.size() as u64;
        let tally = lease.tally.after(record.kind());
        let limit = lease.limit.take().unwrap_or_else(host::file_size_limit);
        let placed = record.place(lease.seed, lease.tail, tally);
        if let Err(error) = file::write_within(&lease.file, placed, lease.tail, limit) {
            // What a full disk took of it would only be in the next writer's way.
            let _ = file::look(&lease.file).and_then(|look| lease.cut(look.size));
            lease.ready = 0;
            return Err(error);
        }
        fast.note(record, lease.tail);
        lease.is_said = true;
        lease.tail = end;
        lease.tally = tally;
        self.written = self.written.saturating_add(1);
        Ok(())
    }

    fn map_if_worth_it(&mut self, common: &Common, fast: &Fast) {
        let worth = matches!(common.settings.map, Map::After(records) if self.written >= records);
        if !worth || self.cannot_map || cfg!(not(target_pointer_width = "64")) {
            return;
        }
        let trusted = self.folder.as_ref().is_some_and(|it| it.file_system() == FileSystem::Preallocating);
        let Some(lease) = self.lease.as_ref().filter(|_| trusted) else {
            self.cannot_map = true;
            return;
        };
        if lease.tail >= lease.extent.most().bytes {
            return;
        }
        fork::make_cheap();
        let Ok(memory) = lease.map() else {
            self.cannot_map = true;
            return;
        };
        fast.map(Mapped::new(memory, lease.seed, lease.tail, lease.tally, lease.most_events()));
        self.step = self.step.max(FIRST_STEP);
        if !self.grow(fast, 0) {
            self.unmap(fast);
            self.cannot_map = true;
        }
    }

    /// Allocates the next step of a mapped segment; `false` if a record of so many bytes does not
    /// fit then.
    pub(super) fn grow(&mut self, fast: &Fast, size: usize) -> bool {
        let Some(lease) = &self.lease else {
            return false;
        };
        let (step, expected) = (self.step, self.filled.bytes_of(lease.extent.most().events));
        let grown = fast.with_mapped(|mapped| {
            let room = mapped.room(lease.start).map(|bytes| Room { bytes, reserve: step >= LAST_STEP });
            let mut room = room.unwrap_or(Room { bytes: u64::MAX, reserve: false });
            if lease.ready > 0 {
                // The first event of a segment says little about the rest.
                room.bytes = room.bytes.min(expected.unwrap_or(u64::MAX));
            }
            allocate(lease, mapped, size, step, room)
        });
        self.step = (step * 2).min(LAST_STEP);
        grown == Some(true)
    }

    /// Whether the leased segment or memory holds events.
    pub(super) fn holds_events(&self, fast: &Fast) -> bool {
        let mapped = fast.with_mapped(|mapped| mapped.position().1);
        let leased = mapped.or(self.lease.as_ref().map(|lease| lease.tally));
        self.full.is_some() || self.memory.len() > 0 || leased.is_some_and(|tally| tally.events() > 0)
    }

    /// Back to plain appends, from where the mapping left off, in the one segment.
    pub(super) fn unmap(&mut self, fast: &Fast) {
        self.drop_next();
        self.settle();
        if let (Some(mapped), Some(lease)) = (fast.unmap(), &mut self.lease) {
            lease.go_on_behind(&mapped);
            self.filled = lease.filled(lease.tail, lease.tally);
        }
    }

    pub(super) fn lease(&mut self, common: &Common) -> io::Result<()> {
        if self.denied && !common.allowed.ask() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.denied = false;
        let owner = &common.owner;
        owner.check()?;
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => Folder::create(&common.directory)?,
        };
        if let Some(key) = owner.guess() {
            // As a rule the last run's slot is there.
            if let Some(lease) = Lease::again(&folder, key, owner, &common.settings)? {
                self.folder = Some(folder);
                self.begin(lease);
                return Ok(());
            }
        }
        owner.settled();
        owner.check()?;
        let leased = match Lease::take(&folder, owner, &common.settings, self.filled) {
            // The directory itself was removed, by a purge or by hand: once more from the start.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = Folder::create(&common.directory)?;
                let leased = Lease::take(&folder, owner, &common.settings, self.filled);
                self.folder = Some(folder);
                leased
            }
            other => {
                self.folder = Some(folder);
                other
            }
        };
        let mut lease = leased?;
        let lost = std::mem::take(&mut lease.lost);
        self.take_losses(lost);
        self.begin(lease);
        Ok(())
    }

    /// Leaves a slot for whoever records next, where there is none. What that takes is nobody's time then.
    pub(super) fn make_ready(&mut self, common: &Common, fast: &Fast) -> io::Result<()> {
        let owner = &common.owner;
        owner.check()?;
        if self.lease.is_some() || !common.allowed.ask() {
            return Ok(());
        }
        let folder = Folder::create(&common.directory)?;
        let is_there = |key| folder.look(&names::open(key, 0)).is_ok();
        let made = if owner.guess().is_some_and(is_there) {
            Ok(None)
        } else {
            owner.settled();
            owner.check().and_then(|()| Lease::first(&folder, owner, &common.settings))
        };
        self.folder = Some(folder);
        match made {
            Ok(Some(lease)) => {
                self.begin(lease);
                self.ask(common, fast)?;
                self.release(fast);
            }
            Ok(None) => {}
            Err(error) => {
                if !common.allowed.ask() {
                    self.leave_directory();
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Goes on in this segment.
    pub(super) fn begin(&mut self, lease: Lease) {
        self.lease = Some(lease);
        self.said.clear();
        (self.cannot_prepare, self.needs_room) = (false, false);
    }

    pub(super) fn take_losses(&mut self, lost: Lost) {
        for (cause, by) in lost.now {
            self.lose(cause, by);
        }
        // Other processes', or counted before: only where it stands is new.
        for (cause, by) in lost.before {
            count(&mut self.unsaid, cause, by);
        }
    }

    /// In a forked child: lets go of what is the parent's, and unlocks nothing.
    pub(super) fn abandon(&mut self) {
        *self = Self::default();
    }

    /// Notes what no record says, where that is possible; it is a process's end.
    pub(super) fn note_losses(&mut self, common: &Common) {
        // After a no nothing is made any more.
        if self.unsaid.is_empty() || !common.allowed.ask() {
            return;
        }
        if self.folder.is_none() {
            self.folder = Folder::create(&common.directory).ok();
        }
        if let Some(folder) = &self.folder
            && notes::add(folder, &self.unsaid).is_ok()
        {
            self.unsaid.clear();
            // A no that came meanwhile: either its purge finds the note, or this finds the no.
            if !common.allowed.ask() {
                notes::take_back(folder);
                self.leave_directory();
            }
        }
    }

    pub(super) fn has_losses_to_say(&self) -> bool {
        !self.unsaid.is_empty()
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

/// What the events take for which a segment has room.
pub(super) struct Room {
    pub(super) bytes: u64,
    /// Whether all of it is to be had on disk at once: worth it for who has recorded many already.
    pub(super) reserve: bool,
}

/// Allocates the next step of a mapped segment; `false` if a record of so many bytes does not fit then.
pub(super) fn allocate(lease: &Lease, mapped: &Mapped, size: usize, step: u64, room: Room) -> bool {
    let (tail, _) = mapped.position();
    let before = mapped.memory.words() as u64 * 8;
    let need = before.max(tail + size as u64);
    // No more than there is room for: what is too much costs as much again when it is cut off.
    let few = tail.saturating_add(room.bytes);
    let want = (need + step)
        .min(few.max(need))
        .next_multiple_of(PAGE)
        .max(lease.ready)
        .min(lease.extent.most().bytes);
    let ahead = if room.reserve { few.next_multiple_of(PAGE) } else { want };
    let (want, ahead) = (usize::try_from(want).unwrap_or(0), usize::try_from(ahead).unwrap_or(0));
    let allocated = want as u64 > before && mapped.memory.allocate(&lease.file, want, ahead).is_ok();
    let (end, new) = (few.min(want as u64), (want as u64).saturating_sub(before));
    mapped.is_low_at(end.saturating_sub((new / 2).min(LAST_STEP)).max(before));
    allocated && tail + size as u64 <= want as u64
}
