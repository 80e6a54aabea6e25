//! The whole loop of a sender against a simple journal, with a crash at any instruction, a vendor in any
//! mood, and a schedule that is lost at times: no event is lost, none is sent twice where that is
//! promised, and all is delivered in the end.

use super::*;
use crate::delivery::limits::BatchLimits;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Most events in a batch.
const BATCH: u32 = 8;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    Waiting,
    Acknowledged,
    SetAside,
}

/// A sender that died here.
struct Died;

/// What is on disk and at the vendor, and a count of what went where.
struct World {
    chance: Chance,
    rules: Rules,
    /// The events by number: the journal.
    journal: BTreeMap<u32, Fate>,
    schedule: Vec<u8>,
    /// How often each event was in a request.
    sent: BTreeMap<u32, u32>,
    arrived: BTreeMap<u32, u32>,
    now: i64,
    /// All is well from now on: nobody dies, and the vendor takes everything.
    well: bool,
    requests: u32,
}

impl World {
    fn new(seed: u64, rules: Rules) -> Self {
        let empty: Schedule<Vec<u32>> = Schedule::default();
        Self {
            chance: Chance(seed),
            rules,
            journal: BTreeMap::new(),
            schedule: empty.write(),
            sent: BTreeMap::new(),
            arrived: BTreeMap::new(),
            now: NOON,
            well: false,
            requests: 0,
        }
    }

    /// Any instruction may be a sender's last.
    fn may_die(&mut self) -> Result<(), Died> {
        if !self.well && self.chance.one_in(12) { Err(Died) } else { Ok(()) }
    }

    fn save(&mut self, schedule: &Schedule<Vec<u32>>) -> Result<(), Died> {
        self.may_die()?;
        self.schedule = schedule.write();
        self.may_die()
    }

    fn waiting(&self, span: &[u32]) -> Vec<u32> {
        span.iter().copied().filter(|event| self.journal[event] == Fate::Waiting).collect()
    }

    fn settle(&mut self, events: &[u32], fate: Fate) -> Result<(), Died> {
        for event in events {
            self.may_die()?;
            self.journal.insert(*event, fate);
        }
        Ok(())
    }

    fn answer(&mut self, events: &[u32]) -> Happened {
        self.requests += 1;
        for event in events {
            *self.sent.entry(*event).or_default() += 1;
        }
        let mood = if self.well { 0 } else { self.chance.below(14) };
        let arrive = |arrived: &mut BTreeMap<u32, u32>, events: &[u32]| {
            for event in events {
                *arrived.entry(*event).or_default() += 1;
            }
        };
        match mood {
            0..=4 => {
                arrive(&mut self.arrived, events);
                Happened::Delivered
            }
            // The answer was lost on its way, not the request.
            5 => {
                arrive(&mut self.arrived, events);
                refused()
            }
            6 | 7 => refused(),
            8 => Happened::Retry { reason: String::new(), after_ms: Some(self.chance.unit() * 2e4) },
            9 => Happened::TooLarge,
            10 => Happened::Rejected("400".to_owned()),
            11 => Happened::Crashed("trap".to_owned()),
            12 => Happened::Held("no grant".to_owned()),
            _ => Happened::Partial(
                events
                    .iter()
                    .map(|event| match self.chance.below(3) {
                        0 => {
                            arrive(&mut self.arrived, &[*event]);
                            Verdict::Delivered
                        }
                        1 => Verdict::Retry("busy".to_owned()),
                        _ => Verdict::Rejected("no".to_owned()),
                    })
                    .collect(),
            ),
        }
    }

    fn apply(
        &mut self,
        schedule: &mut Schedule<Vec<u32>>,
        id: u64,
        events: &[u32],
        act: Act,
    ) -> Result<(), Died> {
        let pick =
            |indexes: &[u32]| -> Vec<u32> { indexes.iter().map(|index| events[*index as usize]).collect() };
        match act {
            Act::Keep => Ok(()),
            Act::Acknowledge | Act::Lose(_) => self.settle(events, Fate::Acknowledged),
            Act::SetAside(..) => self.settle(events, Fate::SetAside),
            Act::Sort { delivered, set_aside, kept, lost } => {
                let aside: Vec<u32> = set_aside.iter().map(|(index, ..)| *index).collect();
                let mut all: Vec<u32> = [&delivered[..], &aside, &kept, &lost].concat();
                all.sort_unstable();
                assert_eq!(all, (0..events.len() as u32).collect::<Vec<_>>(), "each index in one list");
                self.settle(&pick(&delivered), Fate::Acknowledged)?;
                self.settle(&pick(&lost), Fate::Acknowledged)?;
                self.settle(&pick(&aside), Fate::SetAside)
            }
            Act::Split { at } => {
                assert!(at > 0 && (at as usize) < events.len(), "{at} of {}", events.len());
                let (left, right) = events.split_at(at as usize);
                schedule.split(id, left.to_vec(), right.to_vec());
                Ok(())
            }
        }
    }

    /// One sender, from its start to its end or death.
    fn send(&mut self) -> Result<(), Died> {
        let rules = self.rules.clone();
        let mut chance = Chance(self.chance.next());
        let mut random = || chance.unit();
        let mut schedule = Schedule::<Vec<u32>>::read(&self.schedule)
            .unwrap_or_else(|_| Schedule::after_damage(at(self.now), &rules, &mut random));
        for (batch, step) in schedule.resume(at(self.now), &rules, &mut random) {
            let left = self.waiting(&batch.span);
            let act = match step.act {
                // Fewer may be left than when it was tried.
                Act::Split { .. } if left.len() < 2 => Act::Keep,
                Act::Split { .. } => Act::Split { at: left.len() as u32 / 2 },
                act => act,
            };
            self.apply(&mut schedule, batch.id, &left, act)?;
        }
        self.save(&schedule)?;
        loop {
            let in_batches: BTreeSet<u32> =
                schedule.in_flight().iter().flat_map(|batch| batch.span.iter().copied()).collect();
            let fresh: Vec<u32> = self
                .journal
                .iter()
                .filter(|(event, fate)| **fate == Fate::Waiting && !in_batches.contains(event))
                .map(|(event, _)| *event)
                .take(BATCH as usize)
                .collect();
            let (id, events) = match schedule.pick(at(self.now), &rules, !fresh.is_empty()) {
                Pick::Again(batch) => (batch.id, self.waiting(&batch.span)),
                Pick::Fresh => {
                    let described =
                        BatchLimits { events: BATCH, bytes: u64::from(BATCH) * 400, event_bytes: 400 };
                    let limits = schedule.limits(described, at(self.now));
                    let events: Vec<u32> = fresh.into_iter().take(limits.events as usize).collect();
                    (schedule.begin(events.clone()), events)
                }
                _ => return Ok(()),
            };
            if events.is_empty() {
                schedule.done(id);
                continue;
            }
            let bytes = events.len() as u64 * 400;
            let attempt = schedule
                .attempt(id, events.len() as u32, bytes, at(self.now), &rules)
                .expect("it was just picked");
            self.save(&schedule)?;
            if attempt.claim {
                self.settle(&events, Fate::Acknowledged)?;
            }
            self.may_die()?;
            let happened = self.answer(&events);
            self.may_die()?;
            let step = schedule.after_attempt(id, happened, at(self.now), &rules, &mut random);
            self.apply(&mut schedule, id, &events, step.act)?;
            self.save(&schedule)?;
            match step.next {
                Next::GoOn => {}
                Next::Wait(until) => {
                    let wait = until.unix_ms() - at(self.now).unix_ms();
                    assert!(wait <= rules.patience.as_millis() as f64, "{wait}");
                    self.now = until.seconds + 1;
                }
                Next::Stop => return Ok(()),
            }
        }
    }

    fn live(&mut self) {
        let mut recorded = 0;
        for _ in 0..60 {
            for _ in 0..self.chance.below(12) {
                self.journal.insert(recorded, Fate::Waiting);
                recorded += 1;
            }
            let _ = self.send();
            self.now += self.chance.below(3 * HOUR as u64) as i64;
            if self.chance.one_in(25) {
                self.schedule = b"damaged".to_vec();
            }
        }
        self.well = true;
        let before = self.requests;
        for _ in 0..30 {
            self.now += DAY * 2;
            assert!(self.send().is_ok());
        }
        let requests = self.requests - before;
        assert!(requests <= 300, "{requests} requests for {recorded} events when all is well");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn at_least_once_loses_nothing(seed: u64) {
        let mut world = World::new(seed, Rules::default());
        world.live();
        for (event, fate) in &world.journal {
            let arrived = world.arrived.get(event).copied().unwrap_or(0);
            match fate {
                Fate::Acknowledged => prop_assert!(arrived > 0, "{event} was acknowledged and never arrived"),
                Fate::SetAside => {}
                Fate::Waiting => prop_assert!(false, "{event} still waits"),
            }
        }
    }

    #[test]
    fn at_most_once_sends_nothing_twice(seed: u64) {
        let mut world = World::new(seed, at_most_once());
        world.live();
        for (event, fate) in &world.journal {
            let sent = world.sent.get(event).copied().unwrap_or(0);
            prop_assert!(sent <= 1, "{event} was sent {sent} times");
            prop_assert!(*fate != Fate::Waiting, "{event} still waits");
        }
    }
}
