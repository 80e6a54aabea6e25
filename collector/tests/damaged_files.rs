//! Damaged files cost no memory: whatever their bytes claim, no reader asks for much more than it does for the
//! sound file. And every damage of the small files that senders leave to later runs and to people.
#![cfg(unix)]

use std::alloc::System;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use telemetry::backend::{Backend, Batch, Outcome, SendContext};
use telemetry::delivery::Unreadable;
use telemetry::delivery::starts::Starts;
use telemetry::event::{Timestamp, kind};
use telemetry::journal::*;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What is counted is the process's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Bytes that this asked for, whether it gave them back or not.
fn asked_for(act: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    act();
    let change = region.change();
    change.bytes_allocated + usize::try_from(change.bytes_reallocated).unwrap_or(0)
}

fn shared_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Every bit flipped, every truncation.
fn damages(sound: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let flips = (0..sound.len() * 8).map(|bit| {
        let mut bytes = sound.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit}"), bytes)
    });
    flips.chain((0..sound.len()).map(|length| (format!("{length} bytes"), sound[..length].to_vec())))
}

/// Everything that reads a journal, over a copy of this segment.
fn read_journal(name: &str, write: impl FnOnce(&Path)) -> usize {
    let temp = shared_memory();
    let directory = temp.path().join("journal");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    write(&directory.join(name));
    asked_for(|| {
        let _ = survey(&directory);
        let _ = read_all(&directory, 10);
        let mut drain = Drain::try_open(&directory, Settings::default()).unwrap().unwrap();
        drain.adopt().unwrap();
        let want = Want {
            destination: None,
            max_events: 100,
            max_bytes: 1 << 20,
            size_of: &|_, it| Some(it.len()),
            after: None,
        };
        while let Some(batch) = drain.next_batch(&want).unwrap() {
            drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
        }
    })
}

#[test]
fn no_reader_of_a_damaged_segment_asks_for_much_more_memory_than_of_a_sound_one() {
    let _alone = ALONE.lock().unwrap();
    let made = shared_memory();
    let label = Label { destination: "https://a.example".into(), origin: vec![7; 100] };
    let journal = Journal::new(made.path().join("journal"), label, Settings::default());
    for number in 0..300u64 {
        let mut id = [3; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        journal.append(RecordKind::Event, &id, &[number as u8; 300]).unwrap();
    }
    drop(journal);
    let segment = |path: &PathBuf| path.extension().is_some_and(|it| it == "open1");
    let paths = std::fs::read_dir(made.path().join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let path = paths.into_iter().find(segment).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let sound = std::fs::read(&path).unwrap();
    let usual = read_journal(name, |path| std::fs::write(path, &sound).unwrap());
    let most = 2 * usual + (256 << 10);
    // The header's copies and the first records hold every kind of field; so does the last one.
    let places = (0..500).chain(sound.len() - 340..sound.len());
    let mut rounds = 0;
    for at in places {
        for (length, byte) in [(1, 0x80), (1, 0x7f), (4, 0xff)] {
            let mut bytes = sound.clone();
            let end = (at + length).min(bytes.len());
            bytes[at..end].iter_mut().for_each(|it| *it ^= byte);
            let asked = read_journal(name, |path| std::fs::write(path, &bytes).unwrap());
            assert!(asked <= most, "byte {at} ^ {byte:#x}: {asked} bytes, {usual} for a sound one");
            rounds += 1;
        }
    }
    assert!(rounds > 2500, "{rounds}");
    // A file that says it is a tebibyte long: a segment is never longer than 16 MiB, and no more is read.
    let asked = read_journal(name, |path| {
        std::fs::write(path, &sound).unwrap();
        std::fs::File::options().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
    });
    assert!(asked <= most + 8 * (16 << 20), "{asked}");
}

/// A vendor that takes everything.
struct Takes;

impl Backend for Takes {
    fn send(&mut self, _: &Batch, _: &SendContext) -> Outcome {
        Outcome::Delivered
    }
}

#[test]
fn every_damage_of_the_starts_and_the_deliveries_costs_no_more_than_what_it_hit() {
    let _alone = ALONE.lock().unwrap();
    let home = shared_memory();
    let toml = "[tool]\nid = \"com.example.damaged\"\nforce = true\nsend_from_tests = true\n\
        [delivery]\nmode = \"never\"\n";
    let tool = telemetry::Tool::from_toml("1.0.0", toml).data_directory(home.path()).debug_build(false);
    let telemetry = telemetry::start(tool.backend("takes everything", || Takes));
    for events in 1..=3 {
        for _ in 0..events {
            telemetry.track(kind::FEATURE_USED, "one", &[]);
        }
        assert_eq!(telemetry::commands::flush().unwrap().delivered, events);
    }
    let mut starts = Starts::default();
    starts.started(Timestamp { seconds: 1_800_000_000, nanos: 5 }, true);
    let path = home.path().join("starts");
    let most = 1 << 20;
    for (what, bytes) in damages(&starts.write()) {
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Starts::read(&bytes), Err(Unreadable::Damaged), "{what}");
        // And a run that meets it: it says how a sender would be started.
        let mut shown = String::new();
        let asked = asked_for(|| shown = telemetry::commands::status().unwrap().telemetry);
        assert_eq!(shown, "on", "{what}");
        assert!(asked < most, "{what}: {asked} bytes");
    }
    std::fs::remove_file(&path).unwrap();

    let path = home.path().join("deliveries");
    let sound = std::fs::read(&path).unwrap();
    let whole = telemetry::commands::log(100).unwrap().deliveries;
    assert_eq!(whole.len(), 3);
    for (what, bytes) in damages(&sound) {
        std::fs::write(&path, &bytes).unwrap();
        let mut shown = Vec::new();
        let asked = asked_for(|| shown = telemetry::commands::log(100).unwrap().deliveries);
        assert!(asked < most, "{what}: {asked} bytes");
        // A line without its damage is the line that it was; a lost line's end takes its neighbour along.
        let lines: Vec<&[u8]> = sound.split_inclusive(|byte| *byte == b'\n').collect();
        let mut at = 0;
        for (line, delivery) in lines.iter().zip(&whole) {
            let untouched =
                bytes.get(at..at + line.len()) == Some(line) && (at == 0 || bytes[at - 1] == b'\n');
            assert!(!untouched || shown.contains(delivery), "{what}: {shown:?}");
            at += line.len();
        }
        assert!(shown.len() <= 3, "{what}: invented {shown:?}");
    }
}
