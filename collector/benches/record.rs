//! What recording an event costs, durable against SIGKILL, against the OpenTelemetry SDK's batch queue, which
//! keeps it in memory: the same event, in the same run, in turns.
//!
//! `cargo bench -p cli-telemetry --no-default-features --features commands,config-file,sender --bench record`
//!
//! Each figure stands beside its target; where one is missed the exit code is 1. It runs itself again for what
//! a process can do once only.

mod judge;

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, SdkLogger, SdkLoggerProvider,
};
use telemetry::Telemetry;
use telemetry::backend::Stdout;
use telemetry::event::{Attribute, kind};

const ROLE: &str = "TELEMETRY_BENCH_ROLE";
const HOME: &str = "TELEMETRY_BENCH_HOME";
/// Steps of a round, and what each thread records in one: together somewhat less than two segments of one thread, so that
/// no round pays for a segment that it does not use.
const STEPS: usize = 44;
const STEPS_OF_A_PIECE: usize = 4;
const PIECES: usize = STEPS / STEPS_OF_A_PIECE;
const EVENTS_OF_A_STEP: u32 = 500;
/// So often a thread looks whether another one is done.
const STRETCH: u32 = 50;
const ROUNDS: usize = 15;

/// Of the time that the OpenTelemetry SDK's queue takes.
const MOST_OF_THE_QUEUE: f64 = 0.6;
/// Of the time that one thread takes for an event, where two record at once.
const MOST_OF_ONE_THREAD: f64 = 1.5;
/// Of the time that a piece of work takes at best. Where it takes more, the thread shares its processor, and what it
/// records meanwhile tells nothing of what two threads that record do to each other.
const MOST_OF_ONE_PROCESSOR: f64 = 1.1;
/// After so many tries there are as many rounds as there are.
const MOST_ROUNDS: usize = 10 * ROUNDS;
/// Microseconds of a process's first record.
const MOST_FIRST: f64 = 50.0;
/// Nanoseconds of a call while telemetry is off.
const MOST_DISABLED: f64 = 2.0;
/// Stretches of 50 records in 200 that may allocate: those in which a segment ends, and there are two or three.
const MOST_ALLOCATING: f64 = 4.0;

/// Counts allocations while it is told to. Otherwise it costs either side one load for each.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

fn allocated() {
    if COUNTS.load(Ordering::Relaxed) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: everything is the system allocator's own doing.
#[allow(unsafe_code, reason = "an allocator is unsafe by its trait")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocated();
        // SAFETY: the caller keeps the same promise to both.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        allocated();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The event: a command and three texts.
const NAME: &str = "project/build";
const TEXTS: [(&str, &str); 3] =
    [("format", "json"), ("target", "x86_64-unknown-linux-gnu"), ("profile", "release")];

fn record(telemetry: &Telemetry) {
    let attributes = TEXTS.map(|(key, value)| Attribute::new(key, black_box(value)));
    telemetry.track(kind::COMMAND_INVOCATION, black_box(NAME), &attributes);
}

/// What becomes of a batch is not what is measured.
#[derive(Debug)]
struct Nowhere;

impl LogExporter for Nowhere {
    fn export(&self, batch: LogBatch<'_>) -> impl Future<Output = OTelSdkResult> + Send {
        black_box(batch.iter().count());
        std::future::ready(Ok(()))
    }
}

fn emit(logger: &SdkLogger) {
    let mut record = logger.create_log_record();
    record.set_event_name("command.invocation");
    record.set_severity_number(Severity::Info);
    record.set_body(AnyValue::from(black_box(NAME)));
    for (key, value) in TEXTS {
        record.add_attribute(key, black_box(value));
    }
    logger.emit(record);
}

fn start(home: &std::path::Path, force: bool) -> Telemetry {
    let toml = format!(
        "[tool]\nid = \"com.example.bench\"\nforce = {force}\nsend_from_tests = true\n\
         [delivery]\nmode = \"never\"\n"
    );
    let tool = telemetry::Tool::from_toml("1.0.0", toml).data_directory(home).debug_build(false);
    // Nothing is sent: what recording costs is the question.
    telemetry::start(tool.backend("nowhere", || Stdout::new(std::io::sink())))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What a round of so many threads, all of which do the same, took for one event of each while all are at it.
///
/// The processors of a shared machine are not always two: for milliseconds at a time both threads may get one, or one of
/// another speed. So they go in step, from a piece of work that does nothing but compute to some events and again to
/// such a piece. Events count where every thread's piece of work before and after them took what it takes at best.
fn round(threads: usize, best: f64, act: &(dyn Fn() + Sync)) -> Round {
    let step = Step { threads, here: AtomicUsize::new(0), gone: AtomicUsize::new(0) };
    let ended = AtomicU64::new(0);
    let run = || {
        let mut computed = Vec::with_capacity(STEPS + 1);
        let mut recorded = Vec::with_capacity(STEPS);
        for number in 1..=STEPS as u64 {
            step.begin();
            computed.push(compute());
            step.begin();
            let (mut done, began) = (0, Instant::now());
            // All of them end as soon as one has done its part.
            while done < EVENTS_OF_A_STEP && ended.load(Ordering::Relaxed) < number {
                (0..STRETCH).for_each(|_| act());
                done += STRETCH;
            }
            recorded.push((began.elapsed().as_secs_f64() * 1e9, done));
            ended.fetch_max(number, Ordering::Relaxed);
        }
        step.begin();
        computed.push(compute());
        (computed, recorded)
    };
    let all: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running.into_iter().map(|thread| thread.join().expect("no thread fails")).collect()
    });
    let best = all.iter().flat_map(|(computed, _)| computed).copied().fold(best, f64::min);
    let is_alone = |at: usize| {
        all.iter().all(|(computed, _)| {
            computed[at..at + 2].iter().all(|took| *took <= best * MOST_OF_ONE_PROCESSOR)
        })
    };
    let mut pieces = [None; PIECES];
    let mut counted = 0;
    for (piece, steps) in pieces.iter_mut().zip((0..STEPS).collect::<Vec<_>>().chunks(STEPS_OF_A_PIECE)) {
        let counts: Vec<usize> = steps.iter().copied().filter(|at| is_alone(*at)).collect();
        let each = || all.iter().flat_map(|(_, recorded)| counts.iter().map(|at| recorded[*at]));
        let nanos = each().map(|it| it.0).sum::<f64>() / each().map(|it| f64::from(it.1)).sum::<f64>();
        *piece = Some(nanos).filter(|_| counts.len() * 2 >= steps.len());
        counted += counts.len();
    }
    Round { best, counted, pieces }
}

struct Round {
    /// What the quickest piece of work took.
    best: f64,
    /// Steps that count.
    counted: usize,
    /// Nanoseconds for an event, in each piece of it of which enough counts.
    pieces: [Option<f64>; PIECES],
}

/// Of each piece of a round the median, of all of them the mean: a segment ends at the same place of each round, and what
/// the machine does besides, which for one thread is milliseconds at a time, at any.
fn over_rounds(rounds: &[Round]) -> f64 {
    let of_piece = |at: usize| median(rounds.iter().filter_map(|round| round.pieces[at]).collect());
    (0..PIECES).map(of_piece).sum::<f64>() / PIECES as f64
}

/// Whether there is enough of each piece.
fn is_enough(rounds: &[Round]) -> bool {
    (0..PIECES).all(|at| rounds.iter().filter(|round| round.pieces[at].is_some()).count() >= ROUNDS)
}

/// Lets threads go on together. They do not sleep, as to wake one takes longer than a step; but whoever else needs the
/// processor gets it: the kernel, for what they record.
struct Step {
    threads: usize,
    here: AtomicUsize,
    gone: AtomicUsize,
}

impl Step {
    fn begin(&self) {
        let before = self.gone.load(Ordering::Acquire);
        if self.here.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.here.store(0, Ordering::Relaxed);
            self.gone.store(before + 1, Ordering::Release);
        }
        while self.gone.load(Ordering::Acquire) == before {
            std::thread::yield_now();
        }
    }
}

/// Nanoseconds that a word takes from one processor to another one.
fn hop() -> f64 {
    const HOPS: u64 = 2000;
    let word = AtomicU64::new(0);
    let run = |me: u64| {
        let began = Instant::now();
        for hop in 0..HOPS {
            while word.load(Ordering::Acquire) != hop * 2 + me {
                std::hint::spin_loop();
            }
            word.store(hop * 2 + me + 1, Ordering::Release);
        }
        began.elapsed().as_secs_f64() * 1e9 / (2 * HOPS) as f64
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        run(0);
        other.join().unwrap_or(f64::NAN)
    })
}

/// Keeps all of a processor busy, and shares nothing with others: nanoseconds that it took.
fn compute() -> f64 {
    let began = Instant::now();
    let mut sums = black_box([1_u64, 2, 3, 4, 5, 6, 7, 8]);
    for round in 0..20_000_u64 {
        for sum in &mut sums {
            *sum = (*sum ^ round).wrapping_add(*sum << 3) ^ (*sum >> 7);
        }
    }
    black_box(sums);
    began.elapsed().as_secs_f64() * 1e9
}

/// A program that records many.
fn many(home: &std::path::Path) {
    let telemetry = start(home, true);
    assert!(telemetry.enabled(), "telemetry is off here, so there is nothing to measure");
    let queue = BatchConfigBuilder::default().with_max_queue_size(1 << 17).build();
    let processor = BatchLogProcessor::builder(Nowhere).with_batch_config(queue).build();
    let provider = SdkLoggerProvider::builder().with_log_processor(processor).build();
    let logger = provider.logger("bench");
    let (ours, theirs) = (|| record(&telemetry), || emit(&logger));
    let mut best = round(1, f64::INFINITY, &ours).best;
    let mut rounds: [Vec<Round>; 4] = Default::default();
    let (mut steps, mut counted, mut hops) = (0, 0, Vec::new());
    // In turns, so that all meet the machine as it is.
    for _ in 0..MOST_ROUNDS {
        for (rounds, (threads, act)) in
            rounds.iter_mut().zip([(1, &ours as &(dyn Fn() + Sync)), (1, &theirs), (2, &ours), (2, &theirs)])
        {
            hops.push(hop());
            // Neither side is measured in an overload: the queue takes all of a round, and so do the caps.
            let _ = telemetry.discard();
            let _ = provider.force_flush();
            // A process that records many has a segment already.
            record(&telemetry);
            let round = round(threads, best, act);
            best = best.min(round.best);
            (steps, counted) = (steps + STEPS, counted + round.counted);
            rounds.push(round);
        }
        if rounds.iter().all(|rounds| is_enough(rounds)) {
            break;
        }
    }
    let [one, queued, two, queued_two] = rounds.map(|rounds| over_rounds(&rounds));
    println!("{one} {queued} {two} {queued_two} {counted} {steps} {}", median(hops));
    // What was recorded is of no use to anybody: no time is spent on sending it.
    let _ = telemetry.discard();
}

/// In how many of 200 stretches of 50 records anything was allocated, once the first ones are past.
fn allocations(home: &std::path::Path) {
    let telemetry = start(home, true);
    assert!(telemetry.enabled(), "telemetry is off here, so there is nothing to measure");
    (0..500).for_each(|_| record(&telemetry));
    COUNTS.store(true, Ordering::Relaxed);
    let stretch = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        (0..50).for_each(|_| record(&telemetry));
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    let allocating = (0..200).filter(|_| stretch() > 0).count();
    COUNTS.store(false, Ordering::Relaxed);
    println!("{allocating}");
    let _ = telemetry.discard();
}

/// The first event of a process, everything included.
fn first(home: &std::path::Path) {
    let began = Instant::now();
    let telemetry = start(home, true);
    let started = began.elapsed();
    let began = Instant::now();
    record(&telemetry);
    let first = began.elapsed();
    println!("{} {}", started.as_nanos(), first.as_nanos());
}

fn off(home: &std::path::Path) {
    let telemetry = start(home, false);
    assert!(!telemetry.enabled());
    let per_call = |act: &mut dyn FnMut()| {
        median(
            (0..ROUNDS)
                .map(|_| {
                    let started = Instant::now();
                    for _ in 0..1_000_000 {
                        act();
                    }
                    started.elapsed().as_secs_f64() * 1e3
                })
                .collect(),
        )
    };
    let attributes = TEXTS.map(|(key, value)| Attribute::new(key, value));
    let nothing = per_call(&mut || {
        black_box(&attributes);
    });
    let disabled = per_call(&mut || telemetry.track(kind::COMMAND_INVOCATION, NAME, black_box(&attributes)));
    println!("{}", disabled - nothing);
}

/// The numbers that a run in this role prints; what it says beside them is passed on.
fn again<const N: usize>(role: &str, home: &std::path::Path) -> [f64; N] {
    let mut command = Command::new(std::env::current_exe().expect("it is running"));
    command.env(ROLE, role).env(HOME, home);
    for variable in ["CI", "DO_NOT_TRACK", "TELEMETRY_ENABLED", "TELEMETRY_LOCAL"] {
        command.env_remove(variable);
    }
    let output = command.output().expect("it can be run again");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = said.split_whitespace().map(|it| it.parse::<f64>().unwrap_or(f64::NAN));
    [(); N].map(|()| numbers.next().unwrap_or(f64::NAN))
}

fn judged() -> ExitCode {
    let temporary = tempfile::tempdir().expect("a temporary directory can be made");
    let mut judge = judge::Judge::default();
    let [one, queued, two, queued_two, told, tried, hop] = again("many", &temporary.path().join("many"));
    println!("an event with three texts, in a process that records many:");
    println!("  recorded, on disk {one:.0} ns; OpenTelemetry's queue, in memory {queued:.0} ns");
    println!("  by each of two threads {two:.0} ns; OpenTelemetry's queue {queued_two:.0} ns");
    println!("  (of {tried} steps {told} count: in those each thread had a processor;");
    println!("  a word goes from one to the other in {hop:.0} ns)");
    judge.at_most("of the time of OpenTelemetry's queue", one / queued, MOST_OF_THE_QUEUE, "x");
    judge.at_most("of the time of one thread, by each of two", two / one, MOST_OF_ONE_THREAD, "x");
    let [allocating] = again("allocations", &temporary.path().join("allocations"));
    judge.at_most("stretches of 50 records, of 200, that allocate", allocating, MOST_ALLOCATING, "");
    let [disabled] = again("off", &temporary.path().join("off"));
    judge.at_most("a call while telemetry is off", disabled, MOST_DISABLED, "ns");
    first_records(temporary.path(), &mut judge);
    judge.end()
}

/// The first events of processes: after a yes, which makes a slot ready as a sender does that has taken all there was;
/// after another run; and where nobody said yes (the author forces it) and nothing was recorded yet.
fn first_records(place: &std::path::Path, judge: &mut judge::Judge) {
    const HOMES: [&str; 3] = ["after a yes", "after another run", "with nothing there"];
    let mut times = [const { [const { Vec::new() }; 2] }; HOMES.len()];
    for run in 0..102 {
        for (name, times) in HOMES.iter().zip(&mut times) {
            let home = place.join(name);
            if *name != "after another run" {
                // Not removed: ext4 looks at each file that was removed a moment ago before it gives a new one its place.
                let _ = std::fs::rename(home.join("journal"), place.join(format!("{name} {run}")));
            }
            if *name == "after a yes" {
                let [] = again("yes", &home);
            }
            let numbers: [f64; 2] = again("first", &home);
            // The id of this machine is made by the first run of all.
            if run > 0 {
                times.iter_mut().zip(numbers).for_each(|(times, number)| times.push(number / 1e3));
            }
        }
    }
    println!("the first event of a process, everything included, medians of 101 processes:");
    for (name, times) in HOMES.into_iter().zip(times) {
        let [start, first] = times.map(median);
        println!("  start! before it: {name} {start:.1} us");
        if name == "with nothing there" {
            // No target: the directory and the file alone take the system more than that.
            println!("  first record, {name} (the first of a machine where nobody said yes) {first:.1} us");
        } else {
            judge.at_most(&format!("first record, {name}"), first, MOST_FIRST, "us");
        }
    }
}

fn main() -> ExitCode {
    let home = std::env::var_os(HOME).map(std::path::PathBuf::from);
    match (std::env::var(ROLE).as_deref(), home) {
        (Ok("many"), Some(home)) => many(&home),
        (Ok("allocations"), Some(home)) => allocations(&home),
        (Ok("first"), Some(home)) => first(&home),
        (Ok("off"), Some(home)) => off(&home),
        (Ok("yes"), Some(home)) => {
            let _telemetry = start(&home, true);
            telemetry::commands::enable(false).expect("a yes can be stored");
        }
        // For a profiler: nothing but recording.
        (Ok("ours"), Some(home)) => {
            let telemetry = start(&home, true);
            let threads = std::env::var("TELEMETRY_BENCH_THREADS").ok().and_then(|it| it.parse().ok());
            for _ in 0..ROUNDS {
                record(&telemetry);
                let before = hop();
                let round = round(threads.unwrap_or(1), f64::INFINITY, &|| record(&telemetry));
                println!(
                    "{:.0} ns, {} steps of {STEPS} hop {:.0} {:.0}",
                    median(round.pieces.into_iter().flatten().collect()),
                    round.counted,
                    before,
                    hop()
                );
                let _ = telemetry.discard();
            }
        }
        _ => return judged(),
    }
    ExitCode::SUCCESS
}
