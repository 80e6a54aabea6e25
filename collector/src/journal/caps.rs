//! Room for a new segment, made by whoever needs it: where nobody ever drains, the recorders
//! themselves keep the journal within its limits.

use super::acks;
use super::extent::Amount;
use super::names::{self, Name, Sealed};
use super::segment::{Loaded, count, events_by_end};
use super::settings::{LossCause, Settings};
use crate::platform::folder::{Folder, How};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

/// What making room took.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The sequence that a segment sealed now gets.
    pub(super) sequence: u64,
    /// What was lost.
    pub(super) lost: Lost,
    /// What the others leave of all that segments may hold.
    pub(super) free: Amount,
}

/// What the removal of segments lost, by cause.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Lost {
    /// By it.
    pub(super) now: Vec<(LossCause, u64)>,
    /// Before it: what the segments said of earlier losses, which is to be said elsewhere now.
    pub(super) before: Vec<(LossCause, u64)>,
}

/// Removes the oldest segments until a new one of this size fits. `begun` is the slot of that one, if it has been begun.
pub(super) fn make_room(
    folder: &Folder,
    settings: &Settings,
    new: Amount,
    begun: Option<&str>,
) -> io::Result<Room> {
    let mut room = Room::default();
    let (mut bytes, mut events) = (new.bytes.max(settings.segment_bytes()), new.events);
    let own = Amount { bytes, events };
    // Heaps: as a rule nothing or little of them is taken, and a sort is 5 KiB of code.
    let mut sealed: BinaryHeap<Reverse<(Sealed, u64)>> = BinaryHeap::new();
    let mut open: BinaryHeap<Reverse<(i64, String, u64)>> = BinaryHeap::new();
    for name in folder.names()? {
        match names::parse(&name) {
            Name::Sealed(segment) => {
                let size = folder.look(&name).map_or(0, |look| look.size);
                bytes += size;
                events += segment.events_in(size);
                room.sequence = room.sequence.max(segment.sequence.saturating_add(1));
                sealed.push(Reverse((segment, size)));
            }
            Name::Open if begun != Some(&*name) => {
                if let Ok(look) = folder.look(&name) {
                    bytes += look.size;
                    open.push(Reverse((look.changed, name, look.size)));
                }
            }
            _ => {}
        }
    }
    while let Some(Reverse((segment, size))) = sealed.pop() {
        let cause = match (bytes > settings.max_bytes, events > settings.max_events) {
            (true, _) => LossCause::Bytes,
            (_, true) => LossCause::Events,
            _ => break,
        };
        drop_sealed(folder, &segment, cause, &mut room.lost);
        bytes = bytes.saturating_sub(size);
        events = events.saturating_sub(segment.events_in(size));
    }
    if bytes > settings.max_bytes {
        // Other labels' slots, left by processes of versions that may never run again.
        while bytes > settings.max_bytes
            && let Some(Reverse((_, name, size))) = open.pop()
        {
            if drop_open(folder, &name, &mut room.lost) {
                bytes = bytes.saturating_sub(size);
            }
        }
    }
    room.free = Amount::of_all(settings).less(Amount { bytes, events }.less(own));
    Ok(room)
}

/// Removes a sealed segment and counts what was left to deliver of it, and what it had counted.
pub(super) fn drop_sealed(folder: &Folder, segment: &Sealed, cause: LossCause, lost: &mut Lost) {
    let name = segment.name();
    let acknowledged = folder.look(&names::ack(segment.id)).is_ok();
    if !acknowledged && !segment.tally.has_losses() {
        // Its name and its size say it all. Where nobody drains this happens at each new segment.
        let size = folder.look(&name).map_or(0, |look| look.size);
        if folder.remove(&name).is_ok() {
            count(&mut lost.now, cause, segment.events_in(size));
        }
        return;
    }
    let loaded = folder.open_file(&name, How::Read).ok().and_then(|file| Loaded::read(&file).ok());
    // Whoever removes it counts it: of two processes at work here, the system lets one succeed.
    if folder.remove(&name).is_err() {
        return;
    }
    match loaded {
        Some(mut loaded) => {
            loaded.sealed_as(segment);
            loaded.acknowledge(&acks::read(folder, segment.id).unwrap_or_default());
            account(&loaded, cause, lost);
        }
        None => count(&mut lost.now, LossCause::Damaged, u64::from(segment.tally.events())),
    }
    // The acknowledgements stay for the drain: where they say what was claimed they must outlive the segment on disk,
    // too.
}

/// Removes a slot that nobody leases. Slots without a byte are somebody's who is about to begin.
fn drop_open(folder: &Folder, name: &str, lost: &mut Lost) -> bool {
    let Ok(file) = folder.open_file(name, How::Write) else {
        return false;
    };
    let Ok(look) = crate::platform::file::look(&file) else {
        return false;
    };
    if look.size == 0 || file.try_lock().is_err() || !folder.still_names(name, &look) {
        return false;
    }
    let loaded = Loaded::read(&file);
    if folder.remove(name).is_err() {
        return false;
    }
    match loaded {
        Ok(loaded) => account(&loaded, LossCause::Bytes, lost),
        Err(_) => count(&mut lost.now, LossCause::Damaged, events_by_end(&file).unwrap_or(1)),
    }
    true
}

fn account(loaded: &Loaded, cause: LossCause, lost: &mut Lost) {
    count(&mut lost.now, cause, loaded.live_events());
    count(&mut lost.now, LossCause::Damaged, loaded.damaged);
    for (cause, number) in &loaded.losses {
        count(&mut lost.before, *cause, *number);
    }
}
