//! A process that records many and has its next segment ready before this one is full.

use super::*;
use crate::journal::mapped::LOOK_EVERY;
use crate::journal::writer::LAST_STEP;
use crate::platform::whole::WHOLE;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a long event says.
const LONG: [u8; 104] = [b'x'; 104];

/// Events of a segment.
const EACH: u64 = 100;

/// A journal whose segments are full soon, and mapped at once.
fn mapping(directory: &Path) -> Journal {
    let settings = Settings { map: Map::After(1), max_events: 8 * EACH, ..settings() };
    Journal::new(directory.to_path_buf(), label("https://a.example"), settings)
}

fn slots(directory: &Path) -> Vec<String> {
    segments(directory).into_iter().filter(|name| names::parse(name) == names::Name::Open).collect()
}

fn sealed(directory: &Path) -> usize {
    segments(directory).len() - slots(directory).len()
}

/// Whether segments are mapped where the tests run: elsewhere nothing is made ahead.
fn maps(journal: &Journal) -> bool {
    journal.health().mapped
}

#[test]
fn the_next_segment_is_there_before_this_one_is_full_and_the_full_one_is_sealed_after() {
    let temp = temp();
    let journal = mapping(temp.path());
    record(&journal, 0..EACH - 5);
    if maps(&journal) {
        assert_eq!((slots(temp.path()).len(), sealed(temp.path())), (2, 0), "this one and the next");
        record(&journal, EACH - 5..EACH + 5);
        assert_eq!((slots(temp.path()).len(), sealed(temp.path())), (2, 0), "the full one and this one");
        record(&journal, EACH + 5..2 * EACH - 5);
        assert_eq!((slots(temp.path()).len(), sealed(temp.path())), (2, 1), "this one and the next");
    } else {
        record(&journal, EACH - 5..2 * EACH - 5);
    }
    record(&journal, 2 * EACH - 5..6 * EACH - 5);
    drop(journal);
    assert_eq!(deliver_events(temp.path()), (0..6 * EACH - 5).collect::<Vec<_>>());
}

#[test]
fn a_next_segment_that_is_not_used_leaves_no_file() {
    for end in [Journal::seal as fn(&Journal), |journal| assert_eq!(journal.end(), 0), |_| {}] {
        let temp = temp();
        let journal = mapping(temp.path());
        record(&journal, 0..EACH - 5);
        end(&journal);
        drop(journal);
        assert_eq!(segments(temp.path()).len(), 1);
        assert_eq!(deliver_events(temp.path()), (0..EACH - 5).collect::<Vec<_>>());
    }
}

#[test]
fn a_kill_at_any_time_loses_nothing_and_its_slots_are_used_again() {
    for recorded in [EACH - 5, EACH, EACH + 5, 2 * EACH - 5, 2 * EACH + 1] {
        let temp = temp();
        let first = mapping(temp.path());
        record(&first, 0..recorded);
        first.crash();
        let second = mapping(temp.path());
        record(&second, recorded..recorded + EACH);
        drop(second);
        assert!(slots(temp.path()).len() <= 2);
        assert_eq!(deliver_events(temp.path()), (0..recorded + EACH).collect::<Vec<_>>());
        assert_eq!(segments(temp.path()), [] as [String; 0], "what a kill left empty goes with the drain");
    }
}

#[test]
fn running_commands_go_along_and_are_reported_once_if_the_process_is_killed() {
    for crash in [false, true] {
        let temp = temp();
        let journal = mapping(temp.path());
        journal.append(RecordKind::Start, &id(9_001), b"start").unwrap();
        record(&journal, 0..EACH / 2);
        journal.append(RecordKind::Start, &id(9_002), b"start").unwrap();
        record(&journal, EACH / 2..2 * EACH + 5);
        assert_eq!(journal.running().len(), 2);
        record(&journal, [9_001]);
        record(&journal, 2 * EACH + 5..3 * EACH + 5);
        if crash {
            journal.crash()
        } else {
            drop(journal)
        }
        let mut drain = drain(temp.path());
        drain.adopt().unwrap();
        let delivered = deliver(&mut drain);
        let starts: Vec<u64> =
            delivered.iter().filter(|it| it.0 == RecordKind::Start).map(|it| it.1).collect();
        assert_eq!(starts, [9_002], "crash: {crash}");
        let mut events: Vec<u64> =
            delivered.iter().filter(|it| it.0 == RecordKind::Event).map(|it| it.1).collect();
        events.sort_unstable();
        assert_eq!(events, (0..3 * EACH + 5).chain([9_001]).collect::<Vec<_>>(), "crash: {crash}");
    }
}

#[test]
fn a_purge_takes_the_next_segment_too_and_nothing_of_before_comes_back() {
    for before in [EACH - 5, EACH + 5] {
        let temp = temp();
        let directory = temp.path().join("journal");
        let journal = mapping(&directory);
        journal.append(RecordKind::Start, &id(9_001), b"start").unwrap();
        record(&journal, 0..before);
        purge(&directory).unwrap();
        assert_eq!(segments(&directory), [] as [String; 0]);
        journal.look();
        record(&journal, 1_000..1_000 + 2 * EACH);
        journal.crash();
        let mut drain = drain(&directory);
        drain.adopt().unwrap();
        let mut delivered: Vec<u64> = deliver(&mut drain).into_iter().map(|it| it.1).collect();
        delivered.sort_unstable();
        assert_eq!(delivered, (1_000..1_000 + 2 * EACH).collect::<Vec<_>>());
    }
}

#[test]
fn a_next_segment_that_somebody_removed_or_cut_is_not_gone_to() {
    let cut = |path: &Path| std::fs::File::options().write(true).open(path).unwrap().set_len(100).unwrap();
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    for harm in [&cut as &dyn Fn(&Path), &remove] {
        let temp = temp();
        let journal = mapping(temp.path());
        journal.append(RecordKind::Start, &id(9_001), b"start").unwrap();
        record(&journal, 0..EACH - 5);
        if let [_, next] = &slots(temp.path())[..] {
            harm(&temp.path().join(next));
        }
        record(&journal, EACH - 5..3 * EACH);
        record(&journal, [9_001]);
        drop(journal);
        let expected: Vec<u64> = (0..3 * EACH).chain([9_001]).collect();
        assert_eq!(deliver_events(temp.path()), expected);
    }
}

#[test]
fn a_name_that_is_somebody_elses_by_now_is_left_to_them() {
    let temp = temp();
    let first = mapping(temp.path());
    record(&first, 0..EACH + 5);
    if !maps(&first) {
        return;
    }
    // The full one loses its name, and another process takes it.
    let names = slots(temp.path());
    std::fs::remove_file(temp.path().join(&names[0])).unwrap();
    let second = journal(temp.path());
    record(&second, [5_000]);
    assert_eq!(slots(temp.path()), names);
    first.seal();
    assert!(slots(temp.path()).contains(&names[0]), "it is still leased by the other one");
    record(&second, [5_001]);
    drop((first, second));
    assert_eq!(deliver_events(temp.path()), (EACH..EACH + 5).chain([5_000, 5_001]).collect::<Vec<_>>());
}

#[test]
fn after_a_no_no_next_segment_is_made() {
    let temp = temp();
    let allowed = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&allowed);
    let journal = mapping(temp.path()).while_allowed(move || asked.load(Ordering::Relaxed));
    record(&journal, 0..10);
    allowed.store(false, Ordering::Relaxed);
    record(&journal, 10..EACH - 5);
    assert_eq!(slots(temp.path()).len(), 1);
}

#[test]
fn recorders_that_have_a_next_segment_keep_the_number_of_events() {
    let temp = temp();
    let journal = mapping(temp.path());
    for number in 0..20 * EACH {
        record(&journal, [number]);
        // As a process that records for long does from time to time, which seals what is full.
        if number % EACH == 5 {
            journal.look();
        }
    }
    journal.seal();
    let delivered = deliver_events(temp.path());
    assert!((7 * EACH..=8 * EACH).contains(&(delivered.len() as u64)), "{}", delivered.len());
    assert_eq!(delivered.last(), Some(&(20 * EACH - 1)), "the oldest go first");
    assert_eq!(
        journal.health().losses.iter().map(|it| it.1).sum::<u64>() + delivered.len() as u64,
        20 * EACH
    );
}

#[test]
fn what_the_caps_took_is_on_disk_when_the_append_that_made_room_returns() {
    let temp = temp();
    let journal = mapping(temp.path());
    record(&journal, 0..7 * EACH);
    for number in 7 * EACH..11 * EACH {
        record(&journal, [number]);
        assert_eq!(survey(temp.path()).losses, journal.health().losses, "after event {number}");
    }
    let lost: u64 = journal.health().losses.iter().map(|it| it.1).sum();
    assert!(lost > 0);
    journal.crash();
    assert_eq!(deliver_events(temp.path()).len() as u64 + lost, 11 * EACH);
}

#[test]
fn a_look_says_the_losses_that_no_record_came_to_say() {
    let temp = temp();
    let directory = temp.path().join("journal");
    let journal = mapping(&directory);
    journal.count_loss(LossCause::Sampled, 3);
    journal.look();
    assert!(!directory.exists(), "nothing is made for a look");
    record(&journal, 0..5);
    journal.count_loss(LossCause::Sampled, 4);
    journal.look();
    journal.crash();
    assert_eq!(survey(&directory).losses, [(LossCause::Sampled, 7)]);
}

/// A journal of the default size, of which each segment is mapped at once.
fn long(directory: &Path) -> Journal {
    let settings = Settings { map: Map::After(1), ..settings() };
    Journal::new(directory.to_path_buf(), label("https://a.example"), settings)
}

/// Events as long as a tool's, of which twelve thousand take nearly two megabytes.
fn record_long(journal: &Journal, numbers: std::ops::Range<u64>) {
    for number in numbers {
        journal.append(RecordKind::Event, &id(number), &LONG).unwrap();
    }
}

/// Delivers them, and says which they were.
fn deliver_long(directory: &Path) -> Vec<u64> {
    let mut drain = drain(directory);
    drain.adopt().unwrap();
    let mut numbers = Vec::new();
    while let Some(batch) = drain.next_batch(&want()).unwrap() {
        for record in &batch.records {
            assert_eq!((record.kind, &*record.payload), (RecordKind::Event, &LONG[..]));
            numbers.push(number(&record.id));
        }
        drain.acknowledge(&batch.positions(), Durability::Cached).unwrap();
    }
    numbers.sort_unstable();
    numbers
}

/// Sizes of the slots and of the sealed segments.
fn sizes(directory: &Path) -> (Vec<u64>, Vec<u64>) {
    let of = |names: Vec<String>| {
        names.iter().map(|name| std::fs::metadata(directory.join(name)).unwrap().len()).collect()
    };
    let open = slots(directory);
    let sealed = segments(directory).into_iter().filter(|name| !open.contains(name)).collect();
    (of(open), of(sealed))
}

#[test]
fn who_has_filled_a_segment_gets_the_next_one_in_one_piece_and_keeps_its_zeros_when_it_is_full() {
    const FIRST: u64 = 6_250;
    const SECOND: u64 = FIRST + 12_500;
    let temp = temp();
    let journal = long(temp.path());
    record_long(&journal, 0..FIRST + 1);
    if !maps(&journal) {
        return;
    }
    assert!(sizes(temp.path()).0.contains(&WHOLE), "{:?}", sizes(temp.path()));
    record_long(&journal, FIRST + 1..SECOND + 500);
    journal.look();
    let (open, sealed) = sizes(temp.path());
    assert_eq!(open, [WHOLE]);
    assert!(sealed[0] < WHOLE, "the first one came in steps: {sealed:?}");
    assert_eq!(sealed[1..], [WHOLE], "to cut it would cost more than it gives");
    journal.seal();
    assert!(sizes(temp.path()).0[0] < WHOLE / 4, "what is given up early is cut");
    record_long(&journal, SECOND + 500..SECOND + 510);
    assert!(sizes(temp.path()).0[0] < WHOLE, "who gives up early gets no such piece again");
    drop(journal);
    assert_eq!(deliver_long(temp.path()), (0..SECOND + 510).collect::<Vec<_>>());
}

#[test]
fn a_kill_with_a_segment_in_one_piece_loses_nothing_and_its_slots_are_used_again() {
    for recorded in [6_200, 6_251, 18_700, 18_751, 20_000] {
        let temp = temp();
        let first = long(temp.path());
        record_long(&first, 0..recorded);
        first.crash();
        let second = long(temp.path());
        record_long(&second, recorded..recorded + 300);
        drop(second);
        assert!(slots(temp.path()).len() <= 2);
        assert_eq!(deliver_long(temp.path()), (0..recorded + 300).collect::<Vec<_>>());
        assert_eq!(segments(temp.path()), [] as [String; 0], "what a kill left empty goes with the drain");
    }
}

#[test]
fn segments_in_one_piece_keep_the_caps_and_stop_where_these_are_near() {
    let temp = temp();
    let journal = long(temp.path());
    let Settings { max_bytes, max_events, .. } = settings();
    let mut pieces = std::collections::BTreeSet::new();
    for part in 0..32 {
        record_long(&journal, part * 2_750..(part + 1) * 2_750);
        let now = survey(temp.path());
        // Room is made at the next look after a segment has begun.
        assert!(now.events <= max_events + u64::from(LOOK_EVERY), "{} events, part {part}", now.events);
        assert!(now.bytes <= max_bytes + LAST_STEP, "{} bytes, part {part}", now.bytes);
        pieces.extend(segments(temp.path()).into_iter().filter(|name| {
            std::fs::metadata(temp.path().join(name)).is_ok_and(|it| it.len() == WHOLE)
                && names::parse(name) != names::Name::Open
        }));
    }
    if maps(&journal) {
        assert!((2..=3).contains(&pieces.len()), "{pieces:?}");
    }
    journal.seal();
    let left = deliver_long(temp.path());
    assert!(left.len() as u64 > max_events / 8 * 6, "{}", left.len());
    assert!(
        left.last() == Some(&87_999) && left.windows(2).all(|two| two[0] + 1 == two[1]),
        "the oldest go first"
    );
    assert_eq!(journal.health().losses.iter().map(|it| it.1).sum::<u64>() + left.len() as u64, 88_000);
}

#[test]
fn who_only_adds_to_what_others_recorded_gets_no_piece_of_its_own() {
    let temp = temp();
    record_long(&journal(temp.path()), 0..6_200);
    let second = long(temp.path());
    record_long(&second, 6_200..6_300);
    if maps(&second) {
        let (open, sealed) = sizes(temp.path());
        assert!(!open.contains(&WHOLE) && sealed.len() == 1, "{open:?} {sealed:?}");
    }
    drop(second);
    assert_eq!(deliver_long(temp.path()), (0..6_300).collect::<Vec<_>>());
}

#[test]
fn threads_go_to_the_next_segment_together_and_nothing_is_lost() {
    const OF_A_THREAD: u64 = 5_000;
    let temp = temp();
    let settings = Settings { map: Map::After(1), max_events: 160_000, ..settings() };
    let small = Settings { max_bytes: 2 << 20, ..settings.clone() };
    for settings in [settings, small] {
        let directory = temp.path().join(settings.max_bytes.to_string());
        let kept = settings.max_bytes > 2 << 20;
        let journal = Journal::new(directory.clone(), label("https://a.example"), settings);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let journal = &journal;
                scope.spawn(move || {
                    for number in thread * OF_A_THREAD..(thread + 1) * OF_A_THREAD {
                        journal.append(RecordKind::Start, &id(number), b"start").unwrap();
                        record(journal, [number]);
                    }
                });
            }
        });
        assert_eq!(journal.running().len(), 0);
        let lost: u64 = journal.health().losses.iter().map(|it| it.1).sum();
        assert_eq!(lost == 0, kept);
        drop(journal);
        let mut drain = drain(&directory);
        drain.adopt().unwrap();
        let mut delivered = deliver(&mut drain);
        delivered.sort_unstable_by_key(|it| it.1);
        delivered.dedup();
        assert!(delivered.iter().all(|it| it.0 == RecordKind::Event));
        assert_eq!(delivered.len() as u64 + lost, 4 * OF_A_THREAD);
    }
}
