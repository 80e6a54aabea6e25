//! How the drain keeps bytes, events and age within the settings.

use super::drain::Drain;
use super::names::{self, Name, Sealed};
use super::settings::{LossCause, RecordKind};
use std::io;

/// Clocks lie. What seems too old must seem so for a day before it goes, so that a clock that is
/// wrong for an hour, or was wrong when an event was recorded, loses nothing that can be delivered.
const SURE_AFTER: u32 = 24 * 3600;

impl Drain {
    /// Drops what is beyond the limits; says how many events.
    pub(super) fn keep_limits(&mut self) -> io::Result<u64> {
        Ok(self.keep_bytes()? + self.keep_events()? + self.keep_age()?)
    }

    fn keep_bytes(&mut self) -> io::Result<u64> {
        let mut total = 0u64;
        for name in self.folder.names()? {
            if matches!(names::parse(&name), Name::Open | Name::Sealed(_)) {
                total += self.folder.look(&name).map_or(0, |look| look.size);
            }
        }
        let mut dropped = 0;
        for sealed in self.sealed()? {
            if total <= self.settings.max_bytes {
                break;
            }
            total = total.saturating_sub(self.folder.look(&sealed.name()).map_or(0, |look| look.size));
            dropped += self.drop_whole(&sealed, LossCause::Bytes);
        }
        Ok(dropped)
    }

    /// Counts what is left of a segment under this cause, and removes it; says how many events that were.
    fn drop_whole(&mut self, sealed: &Sealed, cause: LossCause) -> u64 {
        let readable = self.load(sealed).unwrap_or(false);
        let (events, lost) = match self.current.take().filter(|_| readable) {
            Some(current) => {
                let events = current.loaded.live_events();
                (events, current.losses_with(cause, events))
            }
            None => (0, vec![(LossCause::Damaged, u64::from(sealed.tally.events()))]),
        };
        // One that cannot be removed stays, and is not counted. The next drain tries again.
        let removed = self.count_and_remove(&sealed.name(), Some(sealed.id), &lost, |_| ());
        if removed.unwrap_or(false) { events } else { 0 }
    }

    fn keep_events(&mut self) -> io::Result<u64> {
        let all = self.sealed()?;
        let most = self.settings.max_events;
        if all.iter().map(|sealed| u64::from(sealed.tally.events())).sum::<u64>() <= most {
            return Ok(0);
        }
        let mut live = Vec::new();
        for sealed in &all {
            let events = if self.load(sealed)? { self.current_live_events() } else { 0 };
            live.push((*sealed, events));
        }
        let mut excess = live.iter().map(|(_, events)| events).sum::<u64>().saturating_sub(most);
        let mut dropped = 0;
        for (sealed, events) in live {
            if excess == 0 {
                break;
            }
            if events <= excess {
                excess -= events;
                dropped += self.drop_whole(&sealed, LossCause::Events);
            } else if self.load(&sealed)? {
                dropped += self.drop_oldest(usize::try_from(excess).unwrap_or(usize::MAX))?;
                excess = 0;
            }
        }
        Ok(dropped)
    }

    fn current_live_events(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.loaded.live_events())
    }

    fn drop_oldest(&mut self, most: usize) -> io::Result<u64> {
        let Some(current) = &self.current else {
            return Ok(0);
        };
        let events = current.loaded.live().filter(|entry| entry.kind == RecordKind::Event);
        let offsets: Vec<u32> = events.take(most).map(|entry| entry.offset).collect();
        self.drop_these(LossCause::Events, offsets.len() as u64, &offsets)
    }

    /// Counts so many events of the current segment, which are at these offsets, and says there that they are done. Where
    /// that cannot be said they stay, and are not counted: the next drain tries again.
    fn drop_these(&mut self, cause: LossCause, events: u64, offsets: &[u32]) -> io::Result<u64> {
        self.lose(cause, events);
        let said = self.save(false).and_then(|()| self.finish(offsets, false));
        if let Err(error) = said {
            self.state.take_back(cause, events);
            self.dirty = true;
            let _ = self.save(false);
            return Err(error);
        }
        Ok(events)
    }

    fn keep_age(&mut self) -> io::Result<u64> {
        let now = self.settings.seconds();
        let age = u32::try_from(self.settings.max_age.as_secs()).unwrap_or(u32::MAX);
        let mut sure = None;
        let mut dropped = 0;
        for sealed in self.sealed()? {
            if !self.load(&sealed)? || self.retire_if_done()? {
                continue;
            }
            let Some(current) = &self.current else {
                continue;
            };
            let live: Vec<_> = current.loaded.live().copied().collect();
            let old: Vec<_> = live.iter().filter(|entry| now.saturating_sub(entry.seconds) > age).collect();
            let Some(first) = old.first().and_then(|first| current.loaded.found(first)) else {
                // Segments are in order of age; a clock that lied only makes this later.
                break;
            };
            let id = first.head.id;
            let events = old.iter().filter(|entry| entry.kind == RecordKind::Event).count() as u64;
            let offsets: Vec<u32> = old.iter().map(|entry| entry.offset).collect();
            let whole = old.len() == live.len();
            if !*sure.get_or_insert_with(|| self.seems_old_for_long(id, now)) {
                break;
            }
            dropped += self.drop_these(LossCause::Age, events, &offsets)?;
            if !whole {
                break;
            }
        }
        if sure.is_none() && self.state.old_since.take().is_some() {
            self.dirty = true;
        }
        Ok(dropped)
    }

    /// Whether this record, the first that is too old, seemed so a day ago. It is known by its own
    /// id, because its segment may be merged meanwhile.
    fn seems_old_for_long(&mut self, id: [u8; 16], now: u32) -> bool {
        match self.state.old_since {
            Some((first, since)) if first == id && since <= now => now - since >= SURE_AFTER,
            _ => {
                self.state.old_since = Some((id, now));
                self.dirty = true;
                false
            }
        }
    }
}
