//! A fleet of machines in virtual time, driving the policy that a real sender drives.
//!
//! Machines do not know of each other, so each one's whole day is simulated by itself and only its
//! requests are kept, as counts: a million machines need the memory of one.

use telemetry::delivery::policy::{Act, Happened, Next, Pick};
use telemetry::delivery::rules::Rules;
use telemetry::delivery::schedule::Schedule;
use telemetry::delivery::starts::{Start, Starts, may_start};
use telemetry::event::Timestamp;

/// 2026-08-01T00:00:00Z, a full hour.
const EPOCH: i64 = 1_785_542_400;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;

/// What is simulated. Times are seconds from the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Machines.
    pub(crate) machines: u64,
    /// Runs of the tool a day on each machine, at random moments.
    pub(crate) runs_a_day: f64,
    /// One machine in so many also runs the tool at minute 0 of each hour.
    pub(crate) one_in_with_cron: u64,
    /// Machines are installed at any moment until then.
    pub(crate) installed: f64,
    /// From when the rate counts as steady, until the outage.
    pub(crate) steady: f64,
    /// When the vendor goes away.
    pub(crate) outage: f64,
    /// When it is back: at minute 0, when the timers fire.
    pub(crate) recovery: f64,
    /// When the simulation ends.
    pub(crate) end: f64,
    /// What the vendor says while it is away.
    pub(crate) answer: Answer,
}

/// What the vendor says while it is away.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Answer {
    /// Nothing.
    Nothing,
    /// "Come back at the moment of recovery", to everybody.
    RetryAtRecovery,
}

impl Scenario {
    /// The fleet of the promise: 20 runs a day, a tenth with a timer. The outage begins at 9 o'clock.
    pub(crate) fn outage(machines: u64, hours: u32) -> Self {
        Self {
            machines,
            runs_a_day: 20.0,
            one_in_with_cron: 10,
            installed: 4.0 * HOUR,
            steady: 6.0 * HOUR,
            outage: 9.0 * HOUR,
            recovery: (9.0 + f64::from(hours)) * HOUR,
            end: (13.0 + f64::from(hours)) * HOUR,
            answer: Answer::Nothing,
        }
    }
}

/// The same rules without anything that spreads, and nothing else changed: the interval is exact, and timers
/// that fire together send together. With waits that take their whole window, this is plain exponential
/// backoff.
pub(crate) fn without_jitter() -> Rules {
    Rules { interval_stretch: 0.0, crowd: None, ..Rules::default() }
}

/// Requests of the whole fleet, counted by ten seconds.
pub(crate) struct Curve {
    /// The counts.
    tens: Vec<u32>,
    scenario: Scenario,
}

/// SplitMix64: all the chance that the simulation has.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The time to the next of events that happen so many times a day.
    fn gap(&mut self, a_day: f64) -> f64 {
        -(1.0 - self.unit()).ln() * DAY / a_day
    }
}

/// Runs the fleet under these rules. With `jitter`, waits are random as in a real sender; without, each
/// one takes its whole window.
pub(crate) fn run(scenario: &Scenario, rules: &Rules, jitter: bool) -> Curve {
    let mut tens = vec![0; (scenario.end / 10.0) as usize];
    for machine in 0..scenario.machines {
        Machine::new(machine, scenario).live(rules, jitter, &mut tens);
    }
    Curve { tens, scenario: scenario.clone() }
}

struct Machine<'a> {
    scenario: &'a Scenario,
    chance: Chance,
    seed: u64,
    starts: Starts,
    schedule: Schedule<()>,
    /// Events in the journal that are in no batch yet.
    fresh: u32,
    next_run: f64,
    next_timer: f64,
    /// When a sender that sits out a short pause goes on.
    sender: Option<f64>,
}

impl<'a> Machine<'a> {
    fn new(number: u64, scenario: &'a Scenario) -> Self {
        let mut chance = Chance(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let seed = (chance.unit() * 1e15) as u64;
        let installed = chance.unit() * scenario.installed;
        let cron = number.is_multiple_of(scenario.one_in_with_cron);
        Self {
            scenario,
            seed,
            starts: Starts::default(),
            schedule: Schedule::default(),
            fresh: 0,
            next_run: installed + chance.gap(scenario.runs_a_day),
            next_timer: if cron { (installed / HOUR).ceil() * HOUR } else { f64::INFINITY },
            sender: None,
            chance,
        }
    }

    fn live(mut self, rules: &Rules, jitter: bool, tens: &mut [u32]) {
        loop {
            let sender = self.sender.unwrap_or(f64::INFINITY);
            let next = self.next_run.min(self.next_timer).min(sender);
            if next >= self.scenario.end {
                return;
            }
            if sender <= next {
                self.sender = None;
                self.send(next, rules, jitter, tens);
                continue;
            }
            // A timer's run takes a moment to get to its end.
            let ended = if self.next_timer <= next {
                self.next_timer += HOUR;
                next + self.chance.unit() * 2.0
            } else {
                self.next_run += self.chance.gap(self.scenario.runs_a_day);
                next
            };
            self.fresh += 1;
            if may_start(Ok(&self.schedule), &self.starts, moment(ended), rules, self.seed) == Start::Due {
                self.starts.started(moment(ended), true);
                // Only one sender at a time has the lock.
                if self.sender.is_none() {
                    self.send(ended, rules, jitter, tens);
                }
            }
        }
    }

    /// A sender's loop, as `delivery::policy` describes it.
    fn send(&mut self, now: f64, rules: &Rules, jitter: bool, tens: &mut [u32]) {
        let (at, away) = (moment(now), (self.scenario.outage..self.scenario.recovery).contains(&now));
        let Self { chance, schedule, fresh, .. } = self;
        let mut random = || if jitter { chance.unit() } else { 1.0 };
        assert!(schedule.resume(at, rules, &mut random).is_empty(), "no sender dies here");
        loop {
            let (id, events) = match schedule.pick(at, rules, *fresh > 0) {
                Pick::Again(batch) => (batch.id, batch.events),
                Pick::Fresh => (schedule.begin(()), std::mem::take(fresh)),
                _ => return,
            };
            schedule.attempt(id, events, u64::from(events) * 500, at, rules).expect("it was just picked");
            if let Some(count) = tens.get_mut((now / 10.0) as usize) {
                *count += 1;
            }
            let happened = match (away, self.scenario.answer) {
                (false, _) => Happened::Delivered,
                (true, Answer::Nothing) => Happened::Retry { reason: "refused".to_owned(), after_ms: None },
                (true, Answer::RetryAtRecovery) => Happened::Retry {
                    reason: "503".to_owned(),
                    after_ms: Some((self.scenario.recovery - now) * 1e3),
                },
            };
            let step = schedule.after_attempt(id, happened, at, rules, &mut random);
            assert!(matches!(step.act, Act::Acknowledge | Act::Keep), "{:?}", step.act);
            match step.next {
                Next::GoOn => {}
                Next::Wait(until) => {
                    self.sender = Some(until.unix_ms() / 1e3 - EPOCH as f64);
                    return;
                }
                Next::Stop => return,
            }
        }
    }
}

fn moment(seconds: f64) -> Timestamp {
    let whole = seconds.floor();
    Timestamp { seconds: EPOCH + whole as i64, nanos: ((seconds - whole) * 1e9) as u32 }
}

impl Curve {
    /// Requests a minute, from a moment on: the mean until another one.
    fn mean(&self, from: f64, to: f64) -> f64 {
        let tens = &self.tens[(from / 10.0) as usize..(to / 10.0) as usize];
        tens.iter().map(|count| f64::from(*count)).sum::<f64>() / (tens.len() as f64 / 6.0)
    }

    /// The mean rate before the outage, in requests a minute.
    fn steady(&self) -> f64 {
        self.mean(self.scenario.steady, self.scenario.outage)
    }

    /// The highest rate in any so many seconds between two moments, in requests a minute.
    fn peak(&self, from: f64, to: f64, seconds: usize) -> f64 {
        let tens = &self.tens[(from / 10.0) as usize..(to / 10.0) as usize];
        let windows = tens.chunks_exact(seconds / 10).map(|window| window.iter().sum::<u32>());
        f64::from(windows.max().unwrap_or(0)) * 60.0 / seconds as f64
    }

    /// The highest rate of any minute after the recovery, as a multiple of the steady one.
    pub(crate) fn after_recovery(&self) -> f64 {
        self.peak(self.scenario.recovery, self.scenario.end, 60) / self.steady()
    }

    /// The highest rate of any minute while the rate was steady, as a multiple of its mean.
    fn before_outage(&self) -> f64 {
        self.peak(self.scenario.steady, self.scenario.outage, 60) / self.steady()
    }

    /// The highest rate of any ten seconds after the recovery, as a multiple of the steady one.
    fn after_recovery_by_tens(&self) -> f64 {
        self.peak(self.scenario.recovery, self.scenario.end, 10) / self.steady()
    }

    /// The mean rate during the outage, as a multiple of the steady one.
    pub(crate) fn during_outage(&self) -> f64 {
        self.mean(self.scenario.outage, self.scenario.recovery) / self.steady()
    }

    /// The curve as text: a line for each five minutes from an hour before the outage to two hours after
    /// it, with the mean (`#`) and the highest minute (`·`) in multiples of the steady rate.
    pub(crate) fn text(&self) -> String {
        let (steady, scenario) = (self.steady(), &self.scenario);
        let mut text = String::new();
        let mut at = scenario.outage - HOUR;
        while at < scenario.recovery + 2.0 * HOUR {
            let (mean, peak) = (self.mean(at, at + 300.0) / steady, self.peak(at, at + 300.0, 60) / steady);
            let away = (scenario.outage..scenario.recovery).contains(&at);
            let (bar, dots) = ((mean * 12.0).round() as usize, (peak * 12.0).round() as usize);
            text += &format!(
                "{:02}:{:02} {} {mean:5.2} {peak:5.2} |{}{}\n",
                (at / HOUR) as u32,
                (at % HOUR / 60.0) as u32,
                if away { "away" } else { "    " },
                "#".repeat(bar),
                "·".repeat(dots.saturating_sub(bar)),
            );
            at += 300.0;
        }
        text + &self.summary()
    }

    /// The figures in words.
    pub(crate) fn summary(&self) -> String {
        let (steady, before, after) = (self.steady(), self.before_outage(), self.after_recovery());
        let mut text = format!("steady: {steady:.0} requests a minute; highest minute {before:.2}\n");
        text += &format!("during the outage: mean {:.2}\n", self.during_outage());
        let tens = self.after_recovery_by_tens();
        text + &format!("after recovery: highest minute {after:.2}, highest ten seconds {tens:.2}\n")
    }
}
