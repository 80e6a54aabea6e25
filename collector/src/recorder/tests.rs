//! What a recorder tells the author's hook.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::journal::{Label, Settings, survey};

type Told = Arc<Mutex<Vec<(Severity, String)>>>;

fn recorder(directory: &Path, settings: Settings) -> (Recorder, Told) {
    let told = Told::default();
    let heard = Arc::clone(&told);
    let logger = Logger::new(move |it| heard.lock().unwrap().push((it.severity, it.message.clone())));
    let directory = directory.to_path_buf();
    let label = Label { destination: "a vendor".to_owned(), origin: Vec::new() };
    let open = move || Journal::new(directory.clone(), label.clone(), settings.clone());
    (Recorder::new(open, logger), told)
}

fn record(recorder: &Recorder, many: usize) {
    for _ in 0..many {
        recorder.record(&Event::new(kind::FEATURE_USED, "cache"));
    }
}

fn take(told: &Told) -> Vec<(Severity, String)> {
    std::mem::take(&mut *told.lock().unwrap())
}

#[test]
fn a_fallback_to_memory_and_its_end_are_told_once_and_what_is_lost_at_exit_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    std::fs::write(&directory, "a file is in the way").unwrap();
    let (recorder, told) = recorder(&directory, Settings::default());
    record(&recorder, 5);
    let heard = take(&told);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].0 == Severity::Warning && heard[0].1.starts_with("events are kept in memory only"));
    recorder.seal();
    assert_eq!(take(&told), [], "a process that goes on has lost nothing yet");
    recorder.end();
    let heard = take(&told);
    assert_eq!(heard.len(), 1, "{heard:?}");
    let words = "5 events are lost, never written before the process ended: the journal in ";
    assert!(heard[0].0 == Severity::Error && heard[0].1.starts_with(words), "{heard:?}");
    recorder.end();
    assert_eq!(take(&told), [], "and told once");
}

#[test]
fn what_could_be_written_in_the_end_is_not_lost() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    std::fs::write(&directory, "a file is in the way").unwrap();
    let (recorder, told) = recorder(&directory, Settings::default());
    record(&recorder, 5);
    assert!(recorder.journal().holds_events(), "what is in memory only waits, too");
    std::fs::remove_file(&directory).unwrap();
    recorder.end();
    assert!(!recorder.journal().holds_events());
    let it = survey(&directory);
    assert_eq!((it.events, it.losses), (5, Vec::new()));
    assert_eq!(take(&told).len(), 1, "the fallback alone");
}

#[test]
fn what_the_limits_took_is_told_when_the_segment_is_given_up() {
    let temp = tempfile::tempdir().unwrap();
    let settings = Settings { max_events: 16, ..Settings::default() };
    let (recorder, told) = recorder(&temp.path().join("journal"), settings);
    record(&recorder, 100);
    recorder.seal();
    let heard = take(&told);
    assert_eq!(heard.len(), 1, "{heard:?}");
    let told_of: u64 = heard[0].1.split(' ').next().unwrap().parse().unwrap();
    let left = survey(&temp.path().join("journal")).events;
    assert!(heard[0].1.ends_with(" events are lost, the journal held too many events"), "{heard:?}");
    assert_eq!((heard[0].0, told_of + left), (Severity::Error, 100));
}

#[test]
fn what_comes_after_a_no_leaves_nothing_on_disk_and_nothing_in_memory() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("journal");
    let (mut recorder, _) = recorder(&directory, Settings::default());
    let label = Label { destination: "a vendor".to_owned(), origin: b"whose it is".to_vec() };
    let at = directory.clone();
    recorder.open = Box::new(move || {
        Journal::new(at.clone(), label.clone(), Settings::default()).while_allowed(|| false)
    });
    record(&recorder, 5);
    assert!(!recorder.journal().holds_events());
    recorder.end();
    assert!(!directory.exists());
}

#[test]
fn no_two_threads_and_no_two_processes_give_an_event_the_same_id() {
    let ids = Ids::default();
    let block = || Block { process: 0, next: 0, left: 0 };
    let taken = |pid: u32| {
        let mut block = block();
        (0..1000).map(|_| ids.next(&mut block, pid)).collect::<Vec<_>>()
    };
    let mut all: Vec<EventId> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| taken(1))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    // A child that was forked has its parent's memory, with what a thread had taken for its next ids.
    let mut of_both = block();
    all.push(ids.next(&mut of_both, 1));
    let copy = Ids {
        process: AtomicU64::new(ids.process.load(Ordering::Relaxed)),
        owner: AtomicU64::new(ids.owner.load(Ordering::Relaxed)),
        counter: AtomicU64::new(ids.counter.load(Ordering::Relaxed)),
    };
    let mut childs = Block { ..of_both };
    all.extend((0..100).map(|_| ids.next(&mut of_both, 1)));
    all.extend((0..100).map(|_| copy.next(&mut childs, 2)));
    let count = all.len();
    all.sort_unstable_by_key(|id| id.0);
    all.dedup();
    assert_eq!(all.len(), count);
}
