//! Leasing a slot: the one lock that a recorder takes, and never waits for.

use super::caps::{self, Lost, Room};
use super::draft::Draft;
use super::extent::{Amount, Extent};
use super::format::{self, Head, Header, MAX_HEADER, Seed, Tally};
use super::mapped::Mapped;
use super::names::{self, Sealed};
use super::owner::Owner;
use super::segment::Loaded;
use super::settings::{Label, MOVED, Settings};
use crate::platform::file::{self, Look};
use crate::platform::folder::{Folder, How};
use crate::platform::mapping::Mapping;
use crate::platform::{self, host, whole};
use std::fs::{File, TryLockError};
use std::io;

/// So many slots are tried in order, so that few processes at a time make few files; beyond, a slot
/// gets a random number.
const SLOTS: u64 = 64;
/// So few of them are tried for a segment that is only to be used later: where many processes record at a time,
/// each has enough in one.
const SLOTS_AHEAD: u64 = 4;
/// A slot of so many bytes, which is some twenty ordinary events, is read at once: one read at leasing instead of two.
const WHOLE_READ: usize = 4096;
/// Of a longer one the beginning. A header with an ordinary label fits.
const FIRST_READ: usize = 1024;
/// The last record as a rule fits: one read instead of two.
const LAST_READ: usize = 1024;

/// The right to append to a segment.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) file: File,
    pub(super) name: String,
    pub(super) id: u64,
    pub(super) seed: Seed,
    /// Where the next record goes.
    pub(super) tail: u64,
    /// Where the first record goes.
    pub(super) start: u64,
    /// What it holds so far.
    pub(super) tally: Tally,
    /// Whether its last record says that. Where threads met it may say more.
    pub(super) is_said: bool,
    /// The segment is full when it holds so much.
    pub(super) extent: Extent,
    /// Bytes of it that were preallocated and written already; none as a rule.
    pub(super) ready: u64,
    /// What it held when it was leased.
    pub(super) found: Amount,
    /// What was left then beside all that it may hold, for the segment after it; nothing where nobody looked.
    pub(super) free: Amount,
    /// What making room for it cost.
    pub(super) lost: Lost,
    /// How large a file may be, as it was when this was leased; none once that was used.
    pub(super) limit: Option<u64>,
}

impl Lease {
    /// Leases a slot of this owner.
    ///
    /// # Errors
    /// What the system says. Locks that are held are no error.
    pub(super) fn take(
        folder: &Folder,
        owner: &Owner,
        settings: &Settings,
        before: Amount,
    ) -> io::Result<Self> {
        let key = owner.settled().key;
        for slot in 0..SLOTS {
            let name = names::open(key, slot);
            // A full segment is sealed on the way, and a slot that somebody renamed meanwhile is
            // tried again; three times is more than that can happen by chance.
            for _ in 0..3 {
                match Self::slot(folder, &name, slot, owner, settings, before)? {
                    Slot::Leased(lease) => return Ok(lease),
                    Slot::Again => {}
                    Slot::Next => break,
                }
            }
        }
        let name = names::open(key, SLOTS + (random()? >> 16));
        match Self::slot(folder, &name, SLOTS, owner, settings, before)? {
            Slot::Leased(lease) => Ok(lease),
            _ => Err(io::Error::new(io::ErrorKind::WouldBlock, "no slot of the journal could be leased")),
        }
    }

    /// A slot that is there, free, and has room, of an owner of whom only the slots' name is known.
    pub(super) fn again(
        folder: &Folder,
        key: u64,
        owner: &Owner,
        settings: &Settings,
    ) -> io::Result<Option<Self>> {
        for slot in 0..SLOTS {
            let name = names::open(key, slot);
            let Ok(file) = folder.open_file(&name, How::Write) else { break };
            let own = |label: &Label| owner.may_have(label);
            match Self::opened(folder, file, &name, Extent::usual_for(settings, slot), &own)? {
                Opened::Filled(Slot::Leased(lease)) => return Ok(Some(lease)),
                Opened::Filled(_) => {}
                Opened::Empty(file) => {
                    // Closing would not do: see `Writer::release`.
                    let _ = file.unlock();
                    break;
                }
            }
        }
        Ok(None)
    }

    fn slot(
        folder: &Folder,
        name: &str,
        slot: u64,
        owner: &Owner,
        settings: &Settings,
        before: Amount,
    ) -> io::Result<Slot> {
        let file = match folder.open_file(name, How::Create) {
            Ok(file) => file,
            // A link, a directory, a socket, another user's file: not ours to touch.
            Err(error) if is_obstacle(&error) => return Ok(Slot::Next),
            Err(error) => return Err(error),
        };
        let (extent, own) = (Extent::usual_for(settings, slot), &owner.settled().label);
        match Self::opened(folder, file, name, extent, &|label| label == own)? {
            Opened::Filled(slot) => Ok(slot),
            Opened::Empty(file) => {
                Self::create(folder, file, name, (extent.0, before), owner, settings).map(Slot::Leased)
            }
        }
    }

    fn opened(
        folder: &Folder,
        file: File,
        name: &str,
        (extent, limit): (Extent, u64),
        own: &dyn Fn(&Label) -> bool,
    ) -> io::Result<Opened> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Opened::Filled(Slot::Next)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let look = file::look(&file)?;
        if !folder.owns(&look) {
            return Ok(Opened::Filled(Slot::Next));
        }
        if !folder.still_names(name, &look) {
            return Ok(Opened::Filled(Slot::Again));
        }
        if look.size == 0 {
            return Ok(Opened::Empty(file));
        }
        let mut reopened = Self::reopen(folder, file, name, extent, &look, own)?;
        if let Slot::Leased(lease) = &mut reopened {
            lease.limit = Some(limit);
        }
        Ok(Opened::Filled(reopened))
    }

    fn create(
        folder: &Folder,
        file: File,
        name: &str,
        (usual, before): (Extent, Amount),
        owner: &Owner,
        settings: &Settings,
    ) -> io::Result<Self> {
        // A directory that was made a moment ago is as good as empty: it need not be listed.
        let Room { lost, free, .. } = if folder.is_new() {
            Room { free: Amount::of_all(settings), ..Room::default() }
        } else {
            caps::make_room(folder, settings, usual.most(), None)?
        };
        let extent = usual.after(before, free);
        Ok(Self { lost, free: free.less(extent.most()), ..Self::begin(file, name, extent, owner, settings)? })
    }

    /// Makes the first slot where there is none, for whoever records next. No room is made for it: it holds nothing.
    pub(super) fn first(folder: &Folder, owner: &Owner, settings: &Settings) -> io::Result<Option<Self>> {
        Self::empty(folder, owner, settings, 0, Extent::usual(settings, 0))
    }

    /// Leases an empty slot to be used later, for which no room is made yet; none where each of the first ones is
    /// somebody's.
    pub(super) fn ahead(
        folder: &Folder,
        owner: &Owner,
        settings: &Settings,
        extent: Extent,
    ) -> io::Result<Option<Self>> {
        for slot in 0..SLOTS_AHEAD {
            if let Some(lease) = Self::empty(folder, owner, settings, slot, extent)? {
                return Ok(Some(lease));
            }
        }
        Ok(None)
    }

    /// Leases this slot if it is empty and nobody has it.
    fn empty(
        folder: &Folder,
        owner: &Owner,
        settings: &Settings,
        slot: u64,
        extent: Extent,
    ) -> io::Result<Option<Self>> {
        let name = names::open(owner.settled().key, slot);
        let file = folder.open_file(&name, How::Create)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let look = file::look(&file)?;
        if look.size == 0 && folder.owns(&look) && folder.still_names(&name, &look) {
            return Self::begin(file, &name, extent, owner, settings).map(Some);
        }
        // Closing would not do: see `Writer::release`.
        let _ = file.unlock();
        Ok(None)
    }

    fn begin(file: File, name: &str, extent: Extent, owner: &Owner, settings: &Settings) -> io::Result<Self> {
        let (id, label) = (random()?, owner.settled().label.clone());
        let header = Header { id, created_ms: u64::from(settings.seconds()) * 1000, label }.encode();
        if header.len() as u64 > extent.most().bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let ready = if extent.whole { whole::write(&file, &header) } else { 0 };
        if ready == 0 {
            file::write_at(&file, &header, 0)?;
        }
        let start = header.len() as u64;
        let (name, seed) = (name.to_owned(), Seed::of(id));
        let (tally, lost) = (Tally::default(), Lost::default());
        let (found, free) = (Amount::new(start, tally), Amount::default());
        let (is_said, limit) = (true, None);
        Ok(Self {
            file,
            name,
            id,
            seed,
            tail: start,
            start,
            tally,
            is_said,
            extent,
            ready,
            found,
            free,
            lost,
            limit,
        })
    }

    /// What this process has put into it, which is `tally` and ends at `tail` by now.
    pub(super) fn filled(&self, tail: u64, tally: Tally) -> Amount {
        Amount::new(tail, tally).less(self.found)
    }

    /// Events at which a mapping of it is full.
    pub(super) fn most_events(&self) -> u32 {
        u32::try_from(self.extent.most().events).unwrap_or(u32::MAX)
    }

    /// Its mapping, of which nothing is allocated yet.
    pub(super) fn map(&self) -> io::Result<Mapping> {
        Mapping::new(
            &self.file,
            usize::try_from(self.extent.most().bytes).unwrap_or(0),
            self.tail,
            self.ready,
        )
    }

    /// Removes a slot that holds nothing to keep, unless its name is somebody else's by now.
    pub(super) fn remove_unused(&self, folder: &Folder) {
        if file::look(&self.file).is_ok_and(|look| folder.still_names(&self.name, &look)) {
            let _ = folder.remove(&self.name);
        }
        let _ = self.file.unlock();
    }

    fn reopen(
        folder: &Folder,
        file: File,
        name: &str,
        extent: Extent,
        look: &Look,
        own: &dyn Fn(&Label) -> bool,
    ) -> io::Result<Slot> {
        let mut bytes = [0; WHOLE_READ];
        // Not beyond its end, which would be asked for again.
        let all = usize::try_from(look.size).ok().filter(|size| *size <= WHOLE_READ).unwrap_or(FIRST_READ);
        let read = file::read_at(&file, &mut bytes[..all], 0)?;
        let mut parsed = Header::parse(&bytes[..read]);
        if parsed.is_none() && read == all && look.size > all as u64 {
            let mut long = vec![0; 2 * MAX_HEADER];
            let read = file::read_at(&file, &mut long, 0)?;
            parsed = Header::parse(&long[..read]);
        }
        let Some((header, start)) = parsed else {
            return Ok(Slot::Next);
        };
        if !own(&header.label) {
            return Ok(Slot::Next);
        }
        let mut lease = Self {
            file,
            name: name.to_owned(),
            id: header.id,
            seed: Seed::of(header.id),
            tail: look.size,
            start: start as u64,
            tally: Tally::default(),
            is_said: true,
            extent,
            ready: 0,
            found: Amount::default(),
            free: Amount::default(),
            lost: Lost::default(),
            limit: None,
        };
        lease.find_tail(&bytes[..read])?;
        lease.found = Amount::new(lease.tail, lease.tally);
        if lease.tail >= extent.most().bytes {
            let sequence = next_sequence(folder)?;
            lease.seal(folder, sequence)?;
            return Ok(Slot::Again);
        }
        Ok(Slot::Leased(lease))
    }

    /// Finds where the records end and how many events they are. `first` is what the file begins with.
    fn find_tail(&mut self, first: &[u8]) -> io::Result<()> {
        if self.tail <= self.start {
            self.tail = self.start;
            return Ok(());
        }
        if let Some(last) = self.last_record(first)? {
            self.tally = last.tally;
            return Ok(());
        }
        // Its last writer died in the middle of a record, or had it mapped, or its last record is damaged.
        let bytes = file::read_all(&self.file, super::segment::MOST_BYTES)?;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        self.tail = used.next_multiple_of(8).max(self.start);
        let size = bytes.len() as u64;
        if let Ok(loaded) = Loaded::parse(bytes) {
            self.tally = loaded.tally;
            self.is_said = loaded.claimed == loaded.tally;
        }
        self.cut(size)
    }

    /// The record that the file ends in, if it is sound. Its count goes into the segment's name, and by the names
    /// the caps remove what is too many: one flipped bit in a count that nothing vouches for would cost every
    /// event that waits.
    fn last_record(&self, first: &[u8]) -> io::Result<Option<Head>> {
        if !self.tail.is_multiple_of(8) {
            return Ok(None);
        }
        if first.len() as u64 == self.tail {
            return Ok(format::decode_last(self.seed, first, self.tail));
        }
        let records = self.tail - self.start;
        let mut bytes = [0; LAST_READ];
        let short = usize::try_from(records).unwrap_or(LAST_READ).min(LAST_READ);
        let bytes = &mut bytes[..short];
        file::read_at(&self.file, bytes, self.tail - short as u64)?;
        match format::size_by_end(bytes) {
            Some(size) if size > short && size as u64 <= records => {
                let mut long = vec![0; size];
                file::read_at(&self.file, &mut long, self.tail - size as u64)?;
                Ok(format::decode_last(self.seed, &long, self.tail))
            }
            _ => Ok(format::decode_last(self.seed, bytes, self.tail)),
        }
    }

    /// Goes on behind what a mapping of it holds, in which nobody appends any more.
    pub(super) fn go_on_behind(&mut self, mapped: &Mapped) {
        (self.tail, self.tally) = mapped.held();
        self.is_said &= mapped.gone() == 0;
    }

    /// Cuts off what is behind the tail, in a file of this size. Where the last record says more than there is, a zero
    /// word stays behind it: whoever leases the slot next counts then.
    ///
    /// Only ever shorter: to make it longer could be more than the system lets this process write, and kill it.
    pub(super) fn cut(&self, size: u64) -> io::Result<()> {
        const ZERO: [u8; 8] = [0; 8];
        let end = self.tail + ZERO.len() as u64;
        if self.is_said && size > self.tail {
            return self.file.set_len(self.tail);
        }
        // Where it cannot be written nothing is cut: then there is one further behind.
        if !self.is_said
            && size > end
            && file::write_within(&self.file, &ZERO, self.tail, host::file_size_limit()).is_ok()
        {
            return self.file.set_len(end);
        }
        Ok(())
    }

    /// Says in a record of its own what it holds, where its last one says more: whoever leases the slot next goes by
    /// that.
    pub(super) fn say_count(&mut self) -> io::Result<()> {
        let mut record = Draft::new();
        // It says that commands moved on, and names none.
        record.set(MOVED, [0; 16], 0, &[]);
        let placed = record.place(self.seed, self.tail, self.tally);
        file::write_within(&self.file, placed, self.tail, host::file_size_limit())?;
        self.tail += record.size() as u64;
        self.is_said = true;
        Ok(())
    }

    /// Gives the segment its sealed name. Whoever calls this writes to it no more.
    pub(super) fn seal(&self, folder: &Folder, sequence: u64) -> io::Result<String> {
        let size = file::look(&self.file)?.size;
        // To cut a large page of memory takes longer than to make one. Zeros at the end are read as the end.
        let keeps = size == self.ready && self.tail >= self.ready / 4 * 3;
        if !keeps {
            self.cut(size)?;
        }
        let sealed = Sealed { sequence, id: self.id, tally: self.tally }.name();
        folder.rename(&self.name, &sealed)?;
        Ok(sealed)
    }

    /// Whether a record of so many bytes fits. The first record of a segment always does.
    pub(super) fn fits(&self, size: usize) -> bool {
        let most = self.extent.most();
        let full = self.tail + size as u64 > most.bytes || u64::from(self.tally.events()) >= most.events;
        !full || self.tail == self.start
    }
}

/// What was found in a slot that is there.
enum Opened {
    /// Nothing, and it is ours now.
    Empty(File),
    Filled(Slot),
}

enum Slot {
    Leased(Lease),
    Again,
    Next,
}

/// The sequence that a segment sealed now gets.
pub(super) fn next_sequence(folder: &Folder) -> io::Result<u64> {
    let sealed = folder.names()?.into_iter().filter_map(|name| Sealed::parse(&name));
    Ok(sealed.map(|sealed| sealed.sequence.saturating_add(1)).max().unwrap_or(0))
}

pub(super) fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    platform::random::fill(&mut bytes)
        .map_err(|error| io::Error::other(format!("the system gave no random number: {error}")))?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(unix)]
fn is_obstacle(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::LOOP | Errno::ISDIR | Errno::NXIO | Errno::ACCESS | Errno::PERM))
}

#[cfg(not(unix))]
fn is_obstacle(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
