//! What is in a journal, for people: reads, never writes, never waits.

use super::batch::{Batch, Position, Record, Span, Want};
use super::names::{self, Name, Sealed};
use super::segment::{Loaded, Unreadable, count};
use super::settings::{Label, LossCause, RecordKind};
use super::state::State;
use super::{acks, notes, quarantine};
use crate::platform::folder::{Folder, How};
use crate::platform::{clock, file, process};
use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Who drains a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Draining {
    /// Its process.
    pub pid: u32,
    /// When it began, in seconds since 1970.
    pub since: u32,
    /// When the system started its process, where it does nothing but drain and may be ended.
    pub began: Option<u64>,
    /// When it began, on a clock that nobody sets, where the system has one.
    steady: Option<i64>,
}

impl Draining {
    /// Whether it began longer ago than it may live: it is stopped or stuck. `false` where it is
    /// not ours to end: a tool that drains in a thread of its own, a young one, one that has ended.
    ///
    /// Where the system has a clock that nobody sets, `now`, in seconds since 1970, does not count: a clock that is put
    /// forward must not end one that is at work.
    #[must_use]
    pub fn is_stuck(&self, now: u32, lifetime: Duration) -> bool {
        let lived = match (self.steady, clock::steady()) {
            (Some(since), Some(now)) => now.checked_sub(since),
            _ => Some(i64::from(now) - i64::from(self.since)),
        };
        let lived = lived.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        self.began.is_some()
            && lived.is_some_and(|lived| lived > lifetime)
            && process::is_alive(self.pid, self.began)
    }

    /// Ends a drain that [is stuck](Self::is_stuck); says whether it was.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn end_if_stuck(&self, now: u32, lifetime: Duration) -> io::Result<bool> {
        if self.is_stuck(now, lifetime) {
            process::end(self.pid, self.began).map(|()| true)
        } else {
            Ok(false)
        }
    }
}

/// What is in a journal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Survey {
    /// Events not yet delivered.
    pub events: u64,
    /// Commands that were interrupted, not yet delivered.
    pub interrupted: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Segments.
    pub files: u64,
    /// Segments of a later version, left alone.
    pub newer: u64,
    /// Segments that cannot be read.
    pub unreadable: u64,
    /// The oldest event, in seconds since 1970.
    pub oldest: Option<u32>,
    /// Events by destination.
    pub destinations: BTreeMap<String, u64>,
    /// Events lost, by cause.
    pub losses: Vec<(LossCause, u64)>,
    /// Records ever set aside.
    pub quarantined: u64,
    /// Records set aside that are still there.
    pub set_aside: u64,
    /// Why the last of them was.
    pub set_aside_because: Option<String>,
    /// Who drains it now.
    pub draining: Option<Draining>,
    /// Why the directory cannot be read; `None` if it can, or does not exist.
    pub problem: Option<String>,
}

/// Looks at a journal. Whatever is damaged is left out.
#[must_use]
pub fn survey(directory: &Path) -> Survey {
    let mut survey = Survey::default();
    let folder = match Folder::open(directory) {
        Ok(folder) => folder,
        Err(error) => {
            survey.problem = (error.kind() != std::io::ErrorKind::NotFound).then(|| error.to_string());
            return survey;
        }
    };
    let state = State::read(&folder).unwrap_or_default();
    survey.losses = state.losses();
    for (cause, by) in notes::read(&folder) {
        count(&mut survey.losses, cause, by);
    }
    survey.quarantined = state.quarantined;
    let set_aside = quarantine::read(&folder);
    survey.set_aside = set_aside.len() as u64;
    survey.set_aside_because = set_aside.into_iter().last().map(|(_, _, reason, _)| reason);
    survey.draining = draining(&folder);
    each_segment(&folder, &state, |look, segment| {
        survey.files += 1;
        survey.bytes += look.size;
        match segment {
            Ok((sealed, loaded)) => add(&mut survey, sealed, &loaded),
            Err(Unreadable::Newer) => survey.newer += 1,
            Err(_) => survey.unreadable += u64::from(look.size > 0),
        }
    });
    survey
}

/// Whether some process gave up a segment that is not gone yet, by the names alone.
pub(crate) fn has_sealed(directory: &Path) -> bool {
    let names = Folder::open(directory).and_then(|folder| folder.names()).unwrap_or_default();
    names.iter().any(|name| matches!(names::parse(name), Name::Sealed(_)))
}

fn add(survey: &mut Survey, sealed: Option<Sealed>, loaded: &Loaded) {
    let events = loaded.live_events();
    survey.events += events;
    *survey.destinations.entry(loaded.label.destination.clone()).or_default() += events;
    if sealed.is_some() {
        let starts = loaded.live().filter(|entry| entry.kind == RecordKind::Start).count();
        survey.interrupted += starts as u64;
    }
    count(&mut survey.losses, LossCause::Damaged, loaded.damaged);
    for (cause, by) in &loaded.losses {
        count(&mut survey.losses, *cause, *by);
    }
    let first = loaded.live().map(|entry| entry.seconds).min();
    survey.oldest = [survey.oldest, first].into_iter().flatten().min();
}

/// The newest records not yet delivered, oldest first: at most `newest`. A [`RecordKind::Start`] is a
/// command that is running or was interrupted.
#[must_use]
pub fn read_all(directory: &Path, newest: usize) -> Vec<(Label, Record)> {
    let Ok(folder) = Folder::open(directory) else {
        return Vec::new();
    };
    let state = State::read(&folder).unwrap_or_default();
    let mut all: Vec<(Label, Record)> = Vec::new();
    each_segment(&folder, &state, |_, segment| {
        let Ok((sealed, loaded)) = segment else {
            return;
        };
        let sequence = sealed.map_or(u64::MAX, |sealed| sealed.sequence);
        for entry in loaded.live() {
            if let Some(found) = loaded.found(entry) {
                let position = Position { sequence, segment: loaded.id, offset: entry.offset };
                let (kind, seconds, payload) = (entry.kind, entry.seconds, found.payload.to_vec());
                all.push((
                    loaded.label.clone(),
                    Record { position, kind, id: found.head.id, seconds, payload },
                ));
            }
        }
        // A sort now and then keeps no more than twice of what is asked for.
        if all.len() > newest.saturating_mul(2).max(1024) {
            keep_newest(&mut all, newest);
        }
    });
    keep_newest(&mut all, newest);
    all
}

fn keep_newest(all: &mut Vec<(Label, Record)>, newest: usize) {
    all.sort_by_key(|(_, record)| (record.seconds, record.position));
    all.drain(..all.len().saturating_sub(newest));
}

/// Every segment, sealed or not, with what was acknowledged taken off.
fn each_segment(
    folder: &Folder,
    state: &State,
    mut visit: impl FnMut(&file::Look, Result<(Option<Sealed>, Loaded), Unreadable>),
) {
    let mut names = folder.names().unwrap_or_default();
    names.sort_unstable();
    // A merge under way has its records twice.
    let twice = state.merge.as_ref().filter(|merge| names.contains(&merge.into));
    for name in &names {
        let sealed = match names::parse(name) {
            Name::Sealed(sealed) => Some(sealed),
            Name::Open => None,
            _ => continue,
        };
        let leaving = sealed.is_some_and(|sealed| state.leaving.contains(&sealed.id));
        if leaving || twice.is_some_and(|merge| merge.from.contains(name)) {
            continue;
        }
        let Ok(file) = folder.open_file(name, How::Read) else {
            continue;
        };
        let Ok(look) = file::look(&file) else {
            continue;
        };
        if !look.is_ours() {
            continue;
        }
        visit(
            &look,
            Loaded::read(&file).map(|mut loaded| {
                if let Some(sealed) = &sealed {
                    loaded.sealed_as(sealed);
                    loaded.acknowledge(&acks::read(folder, loaded.id).unwrap_or_default());
                    loaded.forget_starts(state.reported());
                }
                (sealed, loaded)
            }),
        );
    }
}

/// Who drains a journal now. Reads nothing else of it.
#[must_use]
pub fn running_drain(directory: &Path) -> Option<Draining> {
    draining(&Folder::open(directory).ok()?)
}

/// Records as a drain would hand them out next, without one: nothing is taken up or changed. `span` for
/// a batch that was tried before. What a running process holds counts like the rest.
#[must_use]
pub fn peek(directory: &Path, want: &Want<'_>, span: Option<&Span>) -> Option<Batch> {
    let folder = Folder::open(directory).ok()?;
    let state = State::read(&folder).unwrap_or_default();
    let mut segments = Vec::new();
    each_segment(&folder, &state, |_, segment| segments.extend(segment.ok()));
    segments.sort_by_key(|(sealed, loaded)| {
        (sealed.map_or(u64::MAX, |sealed| sealed.sequence), loaded.created_ms, loaded.id)
    });
    let mut batch: Option<Batch> = None;
    let mut bytes = 0usize;
    'full: for (sealed, loaded) in &segments {
        if want.destination.is_some_and(|destination| destination != loaded.label.destination) {
            continue;
        }
        for entry in loaded.live() {
            let sequence = sealed.map_or(u64::MAX, |sealed| sealed.sequence);
            let position = Position { sequence, segment: loaded.id, offset: entry.offset };
            // A start in a slot is of a command that may be running still.
            let running = sealed.is_none() && entry.kind == RecordKind::Start;
            if running || span.is_some_and(|span| !span.holds(position)) {
                continue;
            }
            let Some(found) = loaded.found(entry) else { continue };
            let Some(size) = (want.size_of)(entry.kind, found.payload) else { continue };
            if let Some(batch) = &batch
                && (batch.records.len() >= want.max_events
                    || bytes.saturating_add(size) > want.max_bytes
                    || batch.label != loaded.label)
            {
                break 'full;
            }
            bytes = bytes.saturating_add(size);
            let batch =
                batch.get_or_insert_with(|| Batch { label: loaded.label.clone(), records: Vec::new() });
            let (kind, seconds, payload) = (entry.kind, entry.seconds, found.payload.to_vec());
            batch.records.push(Record { position, kind, id: found.head.id, seconds, payload });
        }
    }
    batch
}

/// Who holds the drain's lock. A shared lock, for a moment, tells; a drain that just wants to begin
/// tries again.
fn draining(folder: &Folder) -> Option<Draining> {
    let file = folder.open_file(names::LOCK, How::Read).ok()?;
    match file.try_lock_shared() {
        Ok(()) => {
            let _ = file.unlock();
            None
        }
        Err(TryLockError::Error(_)) => None,
        Err(TryLockError::WouldBlock) => {
            let text = String::from_utf8(file::read_all(&file, 64).ok()?).unwrap_or_default();
            let mut numbers = text.split_ascii_whitespace().map(str::parse::<i64>);
            let mut number = || numbers.next().and_then(Result::ok);
            let mut short = || number().and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
            let (pid, since) = (short(), short());
            let began = number().and_then(|number| u64::try_from(number).ok());
            Some(Draining { pid, since, began, steady: number() })
        }
    }
}
