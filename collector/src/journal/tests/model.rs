//! Random operations, crashes and reopenings, beside a model that is a list.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Step {
    /// Record so many events, in the journal with this number.
    Record(usize, u8),
    Start(usize),
    End(usize),
    /// The threads that record into this one meet: each takes places for some events at once.
    Meet(usize),
    Seal(usize),
    /// The process ends as it should.
    Close(usize),
    /// The process is killed; so many bytes of a record that nobody was told of are left.
    Crash(usize, u8),
    Adopt,
    /// Hand out a batch and acknowledge this part of it.
    Deliver(u8, bool),
    /// The drain is killed.
    Forget,
    /// The same batch again.
    Again,
}

fn step() -> impl Strategy<Value = Step> {
    let writer = 0..3usize;
    prop_oneof![
        4 => (writer.clone(), 1..9u8).prop_map(|(at, count)| Step::Record(at, count)),
        2 => writer.clone().prop_map(Step::Start),
        1 => writer.clone().prop_map(Step::End),
        1 => writer.clone().prop_map(Step::Meet),
        3 => writer.clone().prop_map(Step::Seal),
        1 => writer.clone().prop_map(Step::Close),
        1 => (writer, any::<u8>()).prop_map(|(at, torn)| Step::Crash(at, torn)),
        2 => Just(Step::Adopt),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(part, durable)| Step::Deliver(part, durable)),
        1 => Just(Step::Forget),
        1 => Just(Step::Again),
    ]
}

/// The real journal and the list beside it.
struct World {
    directory: tempfile::TempDir,
    settings: Settings,
    writers: [Option<Journal>; 3],
    running: [Vec<u64>; 3],
    drain: Option<Drain>,
    last: Option<Batch>,
    next: u64,
    recorded: BTreeSet<u64>,
    interrupted: BTreeSet<u64>,
    done: BTreeSet<u64>,
}

impl World {
    fn new(map: Map) -> Self {
        let settings = Settings { max_bytes: 4 << 20, map, ..settings() };
        Self {
            directory: quick_temp(),
            settings,
            writers: [None, None, None],
            running: Default::default(),
            drain: None,
            last: None,
            next: 0,
            recorded: BTreeSet::new(),
            interrupted: BTreeSet::new(),
            done: BTreeSet::new(),
        }
    }

    fn writer(&mut self, at: usize) -> &Journal {
        let (directory, settings) = (self.directory.path().to_path_buf(), self.settings.clone());
        // Two of the three share a label.
        let label = label(["https://a.example", "https://b.example"][at % 2]);
        self.writers[at].get_or_insert_with(|| Journal::new(directory, label, settings))
    }

    fn record(&mut self, at: usize, kind: RecordKind, number: u64) {
        let payload = payload(number);
        self.writer(at).append(kind, &id(number), payload.as_bytes()).unwrap();
    }

    fn record_alone(&mut self, at: usize, number: u64) {
        super::record_alone(self.writer(at), number);
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn end_of_process(&mut self, at: usize) {
        self.interrupted.extend(std::mem::take(&mut self.running[at]));
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Record(at, count) => {
                for _ in 0..count {
                    let number = self.fresh();
                    self.record_alone(at, number);
                    self.recorded.insert(number);
                }
            }
            Step::Meet(at) => self.writer(at).crowd(),
            Step::Start(at) => {
                let number = self.fresh();
                self.record(at, RecordKind::Start, number);
                self.running[at].push(number);
            }
            Step::End(at) => {
                if let Some(number) = self.running[at].pop() {
                    self.record(at, RecordKind::Event, number);
                    self.recorded.insert(number);
                }
            }
            Step::Seal(at) => self.writer(at).seal(),
            Step::Close(at) => {
                self.writers[at] = None;
                self.end_of_process(at);
            }
            Step::Crash(at, torn) => self.crash(at, torn),
            Step::Adopt => {
                self.with_drain(|world, drain| {
                    drain.adopt().unwrap();
                    world.last = None;
                });
            }
            Step::Deliver(part, durable) => self.deliver(part, durable),
            Step::Forget => {
                if let Some(drain) = self.drain.take() {
                    drain.crash();
                }
            }
            Step::Again => {
                if let Some(last) = self.last.clone() {
                    let again = self.with_drain(|_, drain| drain.read_span(&last.span()).unwrap()).flatten();
                    let rest = last.records.into_iter().filter(|it| !self.done.contains(&number(&it.id)));
                    assert_eq!(again.map_or(Vec::new(), |batch| batch.records), rest.collect::<Vec<_>>());
                }
            }
        }
    }

    fn crash(&mut self, at: usize, torn: u8) {
        let Some(journal) = self.writers[at].take() else {
            return;
        };
        let free: Vec<String> = segments(self.directory.path());
        journal.crash();
        self.end_of_process(at);
        if torn == 0 || free.is_empty() {
            return;
        }
        // The beginning of one more record, or of zeros, at the end of a slot that nobody holds.
        let name = &free[usize::from(torn) % free.len()];
        if !name.ends_with(".open1") {
            return;
        }
        let path = self.directory.path().join(name);
        let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        if file.try_lock().is_ok() {
            let bytes = if torn.is_multiple_of(2) {
                vec![0; usize::from(torn)]
            } else {
                vec![torn; usize::from(torn)]
            };
            std::io::Write::write_all(&mut &file, &bytes).unwrap();
        }
    }

    fn with_drain<T>(&mut self, act: impl FnOnce(&mut Self, &mut Drain) -> T) -> Option<T> {
        let mut drain = match self.drain.take() {
            Some(drain) => drain,
            None => match Drain::try_open(self.directory.path(), self.settings.clone()) {
                Ok(drain) => drain.unwrap(),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
                    return None;
                }
            },
        };
        let result = act(self, &mut drain);
        self.drain = Some(drain);
        Some(result)
    }

    fn deliver(&mut self, part: u8, durable: bool) {
        let batch = self.with_drain(|_, drain| {
            drain.next_batch(&Want { max_events: 1 + usize::from(part % 16), ..want() }).unwrap()
        });
        let Some(Some(batch)) = batch else {
            return;
        };
        let split = batch.records.len() * usize::from(part) / 255;
        for record in &batch.records {
            let number = number(&record.id);
            assert_eq!(record.payload, payload(number).as_bytes());
            assert!(!self.done.contains(&number), "{number} was handed out after its acknowledgement");
            let known = if record.kind == RecordKind::Start { &self.interrupted } else { &self.recorded };
            assert!(known.contains(&number), "{number} is invented, or its command still runs");
        }
        let acknowledged = &batch.positions()[..split];
        let durability = if durable && part > 250 { Durability::Durable } else { Durability::Cached };
        self.with_drain(|_, drain| drain.acknowledge(acknowledged, durability).unwrap());
        self.done.extend(batch.records[..split].iter().map(|record| number(&record.id)));
        self.last = Some(batch);
    }

    /// In the end everything was delivered, and nothing twice.
    fn finish(mut self) {
        for at in 0..3 {
            self.take(&Step::Close(at));
        }
        // Nobody holds a lease now, but for a moment a process that another test is starting may: between
        // its fork and its exec it has this process's descriptors, and with them their locks.
        self.with_drain(|_, drain| {
            for _ in 0..1_000 {
                if drain.adopt().unwrap().leased == 0 {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let survey = survey(self.directory.path());
        let all: BTreeSet<u64> = self.recorded.union(&self.interrupted).copied().collect();
        let left: Vec<u64> = all.difference(&self.done).copied().collect();
        assert_eq!(survey.events + survey.interrupted, left.len() as u64);
        assert_eq!(survey.losses, []);
        let mut delivered = self
            .with_drain(|_, drain| deliver(drain).into_iter().map(|it| it.1).collect::<Vec<_>>())
            .unwrap_or_default();
        delivered.sort_unstable();
        assert_eq!(delivered, left);
    }
}

fn run(map: Map, steps: &[Step]) {
    let mut world = World::new(map);
    for step in steps {
        world.take(step);
    }
    world.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_is_lost_or_invented(steps in proptest::collection::vec(step(), 1..24)) {
        run(Map::Never, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_is_lost_or_invented_with_mapped_segments(steps in proptest::collection::vec(step(), 1..24)) {
        run(Map::After(3), &steps);
    }
}
