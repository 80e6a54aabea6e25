//! The recording path: from an event to the journal, at a cost that a command does not notice.
//!
//! While telemetry is off, [`enabled`] is one relaxed load of a static and nothing else happens.
//! While it is on, [`record`] samples, gives the event its id and time, cleans its texts, encodes it
//! into a buffer of the thread's, and appends that to the journal. There is no allocation unless a
//! text held a credential.

mod capture;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use capture::{capture, capture_all};

use crate::consent::{Gate, May};
use crate::diagnostics::{Logger, Severity};
use crate::event::{Attribute, Ended, Event, EventId, Timestamp, codec, kind};
use crate::journal::{self, AppendError, Appended, Draft, Journal, Known, LossCause, RecordKind};
use crate::platform::{self, clock, fork};

const ON: u8 = 1;
const EXTENDED: u8 = 2;

/// Bits of [`ON`] and [`EXTENDED`]; zero until a session starts with consent.
static STATE: AtomicU8 = AtomicU8::new(0);

/// What the process records into. Set once, by the first session.
static RECORDER: OnceLock<Arc<Recorder>> = OnceLock::new();

/// Whether events are recorded: one relaxed load.
#[inline]
pub(crate) fn enabled() -> bool {
    !cfg!(telemetry_off) && STATE.load(Ordering::Relaxed) & ON != 0
}

/// Whether arguments and error texts are recorded too.
#[inline]
pub(crate) fn extended() -> bool {
    !cfg!(telemetry_off) && STATE.load(Ordering::Relaxed) & (ON | EXTENDED) == ON | EXTENDED
}

/// Tells a capture that is running what a tool says with every event.
pub(crate) fn tool_started(metadata: &[Attribute<'static>]) {
    capture::started(metadata);
}

/// Records an event. Whatever goes wrong is counted and told to the author's logger, never to the
/// caller.
pub(crate) fn record(event: &Event<'_>) {
    if !enabled() || capture::offer(event) {
        return;
    }
    if let Some(recorder) = RECORDER.get() {
        if recorder.leaves_out(event) {
            return recorder.withdraw(event.id);
        }
        recorder.record(event);
    }
}

/// Takes back that a command has started: its end will not be recorded.
pub(crate) fn withdraw(id: EventId) {
    if let Some(recorder) = RECORDER.get().filter(|_| enabled() && !capture::active()) {
        recorder.withdraw(id);
    }
}

/// This run is the user's subcommand: no command of it is recorded, whichever thread it runs on and
/// whoever measures it.
pub(crate) fn leave_commands_out() {
    if let Some(recorder) = RECORDER.get() {
        recorder.no_commands.store(true, Ordering::Relaxed);
        if enabled() {
            recorder.withdraw_running();
        }
    }
}

/// Marks that a command has started, so that its end is known even where the process is killed.
/// The event that reports its end carries the id that this returns; the time is when that was, and the moment
/// of [`clock::ticking`] is what its duration is counted from.
pub(crate) fn started(name: &str, parent: Option<EventId>) -> (EventId, Timestamp, u64) {
    if capture::active() {
        return (capture::next_id(), Timestamp::default(), clock::ticking());
    }
    match RECORDER.get() {
        Some(recorder) if enabled() => recorder.started(name, parent),
        _ => (EventId([0; 16]), Timestamp::default(), clock::ticking()),
    }
}

/// Starts recording into this recorder; `false` where the process already records.
pub(crate) fn install(recorder: Arc<Recorder>) -> bool {
    let bits = if recorder.extended { ON | EXTENDED } else { ON };
    let installed = RECORDER.set(recorder).is_ok();
    if installed {
        STATE.store(bits, Ordering::Relaxed);
    }
    installed
}

/// Stops recording in this process, as after a no.
pub(crate) fn stop() {
    STATE.store(0, Ordering::Relaxed);
}

/// What the recorder of this process may do with its events; none where nothing is recorded.
pub(crate) fn may() -> Option<May> {
    Some(RECORDER.get()?.gate.as_ref().map_or(May::Off, |gate| gate.first().may))
}

/// What it may do as of now.
pub(crate) fn may_still() -> May {
    match RECORDER.get().and_then(|recorder| recorder.gate.as_ref()) {
        Some(gate) if enabled() => gate.look(),
        _ => May::Off,
    }
}

/// The same, whether or not this process goes on recording; none where it never did.
pub(crate) fn look() -> Option<May> {
    Some(RECORDER.get()?.gate.as_ref()?.look())
}

/// Whether this process has recorded events that no sender can take yet.
pub(crate) fn holds_events() -> bool {
    RECORDER.get().and_then(|recorder| recorder.journal.get()).is_some_and(Journal::holds_events)
}

/// Records the end of every command that began in this process and has not ended.
pub(crate) fn end_running(ended: Ended, exit_code: Option<i32>) {
    if let Some(recorder) = RECORDER.get().filter(|_| enabled()) {
        recorder.end_running(ended, exit_code);
    }
}

/// Gives this process's segment up for good, because the process ends.
pub(crate) fn end() {
    if let Some(recorder) = RECORDER.get() {
        recorder.end();
    }
}

/// How recording goes in this process; none where nothing was recorded.
pub(crate) fn health() -> Option<journal::Health> {
    Some(RECORDER.get()?.journal.get()?.health())
}

/// Gives this process's segment up, so that a sender can take what it holds.
pub(crate) fn seal() {
    if let Some(recorder) = RECORDER.get() {
        recorder.seal();
    }
}

type LongRun = Box<dyn Fn() + Send + Sync>;
type Sample = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Where a process's events go, and the rules they go by.
pub(crate) struct Recorder {
    journal: OnceLock<Journal>,
    /// Makes the journal at the first record: a run that records nothing does not look for an identity.
    open: Box<dyn Fn() -> Journal + Send + Sync>,
    /// Notices a no of another process.
    pub(crate) gate: Option<Arc<Gate>>,
    pub(crate) extended: bool,
    /// Said with every event, unless the event says it itself.
    pub(crate) metadata: Vec<Attribute<'static>>,
    /// Which kinds are recorded; all of them where the author said nothing.
    pub(crate) sample: Option<Sample>,
    /// Most events of this process.
    pub(crate) ceiling: u64,
    pub(crate) logger: Logger,
    /// Called at an event that comes so long after this recorder was made, again and again.
    pub(crate) long_run: Option<(Duration, LongRun)>,
    /// The user's subcommand runs here.
    no_commands: AtomicBool,
    made: Instant,
    ids: Ids,
    /// Counted only where there is a ceiling.
    recorded: AtomicU64,
    /// Whether events go to memory only.
    fallen: AtomicBool,
    /// The losses that the logger knows of.
    told: Mutex<Vec<(LossCause, u64)>>,
}

impl Recorder {
    pub(crate) fn new(open: impl Fn() -> Journal + Send + Sync + 'static, logger: Logger) -> Self {
        Self {
            journal: OnceLock::new(),
            open: Box::new(open),
            gate: None,
            extended: false,
            metadata: Vec::new(),
            sample: None,
            ceiling: u64::MAX,
            logger,
            long_run: None,
            no_commands: AtomicBool::new(false),
            made: Instant::now(),
            ids: Ids::default(),
            recorded: AtomicU64::new(0),
            fallen: AtomicBool::new(false),
            told: Mutex::default(),
        }
    }

    fn journal(&self) -> &Journal {
        if let Some(journal) = self.journal.get() {
            return journal;
        }
        // Of two threads that come first at once, one's is dropped as it was made. A child that is forked meanwhile
        // must not wait for a thread that it does not have.
        let journal = (self.open)();
        self.journal.get_or_init(|| journal)
    }

    /// Makes everything ready for the first record of another process.
    pub(crate) fn make_ready(&self) {
        self.journal().make_ready();
    }

    /// Makes what was recorded survive a loss of power.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.journal.get().map_or(Ok(()), Journal::sync)
    }

    /// Gives the segment up, so that a sender can take it.
    pub(crate) fn seal(&self) {
        if let Some(journal) = self.journal.get() {
            journal.seal();
            self.tell_losses(journal);
        }
    }

    /// Gives it up for good: what is in memory only is gone, counted and told.
    pub(crate) fn end(&self) {
        if let Some(journal) = self.journal.get() {
            journal.end();
            self.tell_losses(journal);
        }
    }

    /// Tells the logger what was lost since it was told last. What the author's own rules left out is no loss.
    fn tell_losses(&self, journal: &Journal) {
        let health = journal.health();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (cause, by) in &health.losses {
            if matches!(cause, LossCause::Sampled | LossCause::Ceiling) {
                continue;
            }
            let known = told.iter().find(|(known, _)| known == cause).map_or(0, |(_, by)| *by);
            if *by > known {
                let why = match (cause, &health.fallback) {
                    (LossCause::Exit | LossCause::Memory, Some(fallback)) => format!(": {fallback}"),
                    _ => String::new(),
                };
                let what = format!("{} events are lost, {}{why}", by - known, cause.as_str());
                self.logger.log(Severity::Error, what);
            }
        }
        *told = health.losses;
    }

    /// Whether the answer of the start still holds. Where it does not, recording ends for good: what was
    /// agreed to is not what is asked for any more.
    #[inline]
    fn may_still(&self, now: Timestamp) -> bool {
        match &self.gate {
            Some(gate) if gate.is_due(now) => self.look_again(gate),
            // The journal may have seen a no first.
            Some(gate) if gate.known() != gate.first().may => {
                stop();
                false
            }
            _ => true,
        }
    }

    #[cold]
    fn look_again(&self, gate: &Gate) -> bool {
        let still = gate.look() == gate.first().may;
        if still
            && let Some((after, act)) = &self.long_run
            && self.made.elapsed() >= *after
        {
            act();
        }
        match self.journal.get() {
            _ if !still => stop(),
            Some(journal) => journal.look(),
            None => {}
        }
        still
    }

    fn record(&self, event: &Event<'_>) {
        // Whose time is known needs it for the gate and the record's age only.
        let known = event.time != Timestamp::default();
        let (seconds, nanos) = if known { clock::roughly() } else { clock::exactly() };
        let now = Timestamp { seconds, nanos };
        if !self.may_still(now) {
            return;
        }
        if !self.samples(&event.kind) {
            return self.left_out(LossCause::Sampled);
        }
        if self.ceiling != u64::MAX && self.recorded.fetch_add(1, Ordering::Relaxed) >= self.ceiling {
            return self.left_out(LossCause::Ceiling);
        }
        let _ = self.append(RecordKind::Event, event, now);
    }

    fn samples(&self, kind: &str) -> bool {
        self.sample.as_ref().is_none_or(|sample| sample(kind))
    }

    fn started(&self, name: &str, parent: Option<EventId>) -> (EventId, Timestamp, u64) {
        let moment = clock::ticking();
        let (seconds, nanos) = clock::time_at(moment);
        let (id, time) =
            (Made::with(|made| self.ids.next(&mut made.ids, fork::pid())), Timestamp { seconds, nanos });
        if self.no_commands.load(Ordering::Relaxed) || !self.may_still(time) {
            return (id, time, moment);
        }
        if self.samples(kind::COMMAND_INVOCATION) && self.recorded.load(Ordering::Relaxed) < self.ceiling {
            let mut event = Event::new(kind::COMMAND_INVOCATION, name);
            event.id = id;
            event.time = time;
            let parent = parent.map(|parent| [Attribute::new("parent", parent.to_string())]);
            if let Some(attributes) = &parent {
                event.attributes = Cow::Borrowed(attributes);
            }
            if !self.append(RecordKind::Start, &event, time) {
                // What the mark has cost is no part of the command. Where it was quick that is less than
                // another look at the clock.
                return (id, time, clock::ticking());
            }
        }
        (id, time, moment)
    }

    /// Whether this event tells of a command where none may be told of.
    fn leaves_out(&self, event: &Event<'_>) -> bool {
        self.no_commands.load(Ordering::Relaxed)
            && matches!(&*event.kind, kind::COMMAND_INVOCATION | kind::COMMAND_ERROR)
    }

    fn withdraw(&self, id: EventId) {
        // Where nothing was appended there is nothing to take back.
        if let Some(journal) = self.journal.get().filter(|_| id != EventId([0; 16]))
            && let Err(error) = journal.withdraw(&id.0)
        {
            self.logger.log(Severity::Error, format!("a command's start was not taken back: {error}"));
        }
    }

    fn withdraw_running(&self) {
        let running = self.journal.get().map(Journal::running).unwrap_or_default();
        running.into_iter().for_each(|(id, _)| self.withdraw(EventId(id)));
    }

    /// What a command said at its start is all that is known of it here.
    fn end_running(&self, ended: Ended, exit_code: Option<i32>) {
        let Some(journal) = self.journal.get() else { return };
        let now = Timestamp::now();
        for (id, start) in journal.running() {
            if let Some(mut event) =
                codec::decode(EventId(id), &start).filter(|event| !self.leaves_out(event))
            {
                event.duration = now.since(event.time);
                event.ended = Some(ended);
                event.exit_code = exit_code;
                self.record(&event);
            }
        }
    }

    /// Counts an event that the author's rules left out, where that needs no file of its own: a run of
    /// which nothing is taken writes nothing.
    fn left_out(&self, cause: LossCause) {
        if let Some(journal) = self.journal.get() {
            journal.count_loss(cause, 1);
        }
    }

    /// Says whether it took no more than a store into memory.
    fn append(&self, record: RecordKind, event: &Event<'_>, now: Timestamp) -> bool {
        let outcome = Made::with(|made| self.append_with(record, event, now, made));
        match &outcome {
            Appended::Failed(error) => self.tell(error),
            _ if self.fallen.load(Ordering::Relaxed) && self.fallen.swap(false, Ordering::Relaxed) => {
                self.logger.log(Severity::Debug, "events are written to disk again");
            }
            _ => {}
        }
        matches!(outcome, Appended::Stored)
    }

    #[cold]
    fn tell(&self, error: &AppendError) {
        match error {
            // Once, and not with each event: what is told is that the way is another one.
            AppendError::Held(why) => {
                if !self.fallen.swap(true, Ordering::Relaxed) {
                    let what = format!("events are kept in memory only, until they can be written: {why}");
                    self.logger.log(Severity::Warning, what);
                }
            }
            error => self.logger.log(Severity::Error, format!("an event was not recorded: {error}")),
        }
    }

    fn append_with(
        &self,
        record: RecordKind,
        event: &Event<'_>,
        now: Timestamp,
        made: &mut Made,
    ) -> Appended {
        let pid = fork::pid();
        let new_id = event.id == EventId([0; 16]);
        let id = if new_id { self.ids.next(&mut made.ids, pid) } else { event.id };
        let time = if event.time == Timestamp::default() { now } else { event.time };
        codec::encode(event, time, &self.metadata, made.draft.begin());
        let seconds = u32::try_from(now.seconds.max(0)).unwrap_or(u32::MAX);
        self.journal().append_draft(record, id.0, Known { seconds, pid, new_id }, &mut made.draft)
    }
}

/// What a thread makes records with.
struct Made {
    draft: Draft,
    ids: Block,
}

impl Made {
    const fn new() -> Self {
        Self { draft: Draft::new(), ids: Block { process: 0, next: 0, left: 0 } }
    }

    /// A thread that is ending has none any more; a recursive call (a panic hook inside an append) finds it in
    /// use. Both take a fresh one.
    fn with<T>(mut act: impl FnMut(&mut Self) -> T) -> T {
        thread_local! {
            static MADE: RefCell<Made> = const { RefCell::new(Made::new()) };
        }
        MADE.try_with(|made| made.try_borrow_mut().ok().map(|mut made| act(&mut made)))
            .ok()
            .flatten()
            .unwrap_or_else(|| act(&mut Self::new()))
    }
}

/// Event ids: a random part that belongs to one process, and a counter.
#[derive(Default)]
struct Ids {
    /// Zero until the first id, and again in a forked child.
    process: AtomicU64,
    /// The process that `process` belongs to.
    owner: AtomicU64,
    counter: AtomicU64,
}

/// Counts that a thread has taken for its next ids: of a counter that threads share, each count costs as much
/// as the rest of an id's making.
struct Block {
    /// The random part that they go with, which no other recorder and no other process has.
    process: u64,
    next: u64,
    left: u64,
}

impl Ids {
    const AT_ONCE: u64 = 64;

    fn next(&self, block: &mut Block, pid: u32) -> EventId {
        let owner = u64::from(pid);
        if self.owner.load(Ordering::Acquire) != owner || self.process.load(Ordering::Relaxed) == 0 {
            self.process.store(random_part(), Ordering::Relaxed);
            self.owner.store(owner, Ordering::Release);
        }
        let process = self.process.load(Ordering::Relaxed);
        if block.process != process || block.left == 0 {
            let next = self.counter.fetch_add(Self::AT_ONCE, Ordering::Relaxed);
            *block = Block { process, next, left: Self::AT_ONCE };
        }
        block.left -= 1;
        block.next += 1;
        EventId::from_parts(process, block.next - 1)
    }
}

/// 64 random bits, never zero. Where the system gives none, the standard library's hasher keys,
/// which it draws by other means.
fn random_part() -> u64 {
    let mut bytes = [0; 8];
    if platform::random::fill(&mut bytes).is_err() {
        use std::hash::{BuildHasher, Hasher};
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        bytes = hasher.finish().to_le_bytes();
    }
    u64::from_le_bytes(bytes).max(1)
}
