//! What recording costs, as ratios against a plain `write` of the same bytes in the same run.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use telemetry::journal::{Drain, Durability, Journal, Label, Map, RecordKind, Settings, Want};

const PAYLOAD: usize = 200;

fn id(number: u64) -> [u8; 16] {
    let mut id = [0x5a; 16];
    id[8..].copy_from_slice(&number.to_le_bytes());
    id
}

fn label() -> Label {
    Label { destination: "https://telemetry.example.com".into(), origin: vec![1; 120] }
}

fn journal(directory: &Path, map: Map) -> Journal {
    Journal::new(directory.to_path_buf(), label(), Settings { map, ..Settings::default() })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The median of five runs, per item.
fn per_item(items: u32, mut run: impl FnMut()) -> Duration {
    median(
        (0..5)
            .map(|_| {
                let begin = Instant::now();
                run();
                begin.elapsed() / items
            })
            .collect(),
    )
}

fn steady(directory: &Path, map: Map, threads: u32, records: u32) -> Duration {
    let journal = journal(directory, map);
    let payload = [0xa5; PAYLOAD];
    for number in 0..200 {
        journal.append(RecordKind::Event, &id(number), &payload).unwrap();
    }
    per_item(records * threads, || {
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let journal = &journal;
                scope.spawn(move || {
                    for number in 0..records {
                        let id = id(u64::from(thread) << 40 | u64::from(number));
                        journal.append(RecordKind::Event, black_box(&id), black_box(&payload)).unwrap();
                    }
                });
            }
        });
    })
}

fn line(what: &str, time: Duration, unit: Duration) {
    println!("{what:<58} {:>10.3?}  {:>7.2} x write", time, time.as_secs_f64() / unit.as_secs_f64());
}

fn main() {
    // With an argument, only the parts whose name has it.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| part.contains(only));
    let temp = tempfile::tempdir().unwrap();
    let dir = |name: &str| temp.path().join(name);

    let mut file = std::fs::File::create(dir("plain")).unwrap();
    let bytes = [0xa5; PAYLOAD + 40];
    let unit = per_item(100_000, || (0..100_000).for_each(|_| file.write_all(black_box(&bytes)).unwrap()));
    line("one write of the same bytes", unit, unit);

    if wanted("first") {
        let times = |setup: &dyn Fn(usize) -> Journal| {
            let payload = [0xa5; PAYLOAD];
            median(
                (0..300)
                    .map(|run| {
                        let journal = setup(run);
                        let begin = Instant::now();
                        journal.append(RecordKind::Event, &id(run as u64), &payload).unwrap();
                        begin.elapsed()
                    })
                    .collect(),
            )
        };
        line(
            "first record of a process, no journal yet",
            times(&|run| journal(&dir(&format!("fresh{run}")), Map::Never)),
            unit,
        );
        line(
            "first record of a process, a journal to reuse",
            times(&|_| journal(&dir("reused"), Map::Never)),
            unit,
        );
    }
    if wanted("plain") {
        line("one record, plain", steady(&dir("plain-journal"), Map::Never, 1, 20_000), unit);
    }
    if wanted("mapped") {
        let one = steady(&dir("mapped1"), Map::After(64), 1, 200_000);
        line("one record, mapped, moving to new segments included", one, unit);
        let within = {
            let settings = Settings { max_bytes: 1 << 30, max_events: 1 << 30, ..Settings::default() };
            let journal = Journal::new(dir("large"), label(), settings);
            let payload = [0xa5; PAYLOAD];
            for number in 0..12_000 {
                journal.append(RecordKind::Event, &id(number), &payload).unwrap();
            }
            per_item(3_000, || {
                (0..3_000).for_each(|number| {
                    journal.append(RecordKind::Event, black_box(&id(number)), &payload).unwrap()
                })
            })
        };
        line("one record, mapped, within a segment", within, unit);
        let two = steady(&dir("mapped2"), Map::After(64), 2, 200_000);
        line("one record of two threads, mapped (wall time / records)", two, unit);
        println!(
            "two threads: each one's time per record is {:.2} x one thread's",
            2.0 * two.as_secs_f64() / one.as_secs_f64()
        );
    }
    if wanted("drain") {
        let settings = Settings { max_bytes: 1 << 30, max_events: 1 << 30, ..Settings::default() };
        let many = Journal::new(dir("backlog"), label(), settings.clone());
        for number in 0..200_000 {
            many.append(RecordKind::Event, &id(number), &[0xa5; PAYLOAD]).unwrap();
        }
        drop(many);
        let begin = Instant::now();
        let mut drain = Drain::try_open(&dir("backlog"), settings).unwrap().unwrap();
        drain.adopt().unwrap();
        let mut count = 0;
        let want = Want {
            destination: None,
            max_events: 1000,
            max_bytes: 4 << 20,
            size_of: &|_, it| Some(it.len()),
            after: None,
        };
        while let Some(batch) = drain.next_batch(&want).unwrap() {
            count += batch.records.len();
            drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
        }
        assert_eq!(count, 200_000);
        line("one record drained: read, handed out, acknowledged", begin.elapsed() / 200_000, unit);
    }
}
