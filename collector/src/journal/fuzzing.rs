//! A segment out of any bytes.
#![allow(clippy::unreachable, reason = "a promise that is broken is what a fuzzer looks for")]

use super::format::{Head, Header, Seed, Tally};
use super::names::Sealed;
use super::segment::Loaded;
use super::settings::{Label, RecordKind};

/// The bytes as a segment's file, and as what the records of an undamaged one say.
pub(crate) fn segment(bytes: &[u8]) {
    if let Ok(loaded) = Loaded::parse(bytes.to_vec()) {
        holds(loaded, bytes.len());
    }
    let (whole, records) = undamaged(bytes);
    let length = whole.len();
    let Ok(loaded) = Loaded::parse(whole) else { unreachable!("it is undamaged") };
    assert_eq!((loaded.entries.len(), loaded.end, loaded.damaged), (records, length, 0));
    holds(loaded, length);
    Met::of(bytes).holds();
}

/// What threads that met leave, between damage: events, the starts of commands, and places that were not used.
struct Met {
    bytes: Vec<u8>,
    /// Events that were stored.
    stored: u32,
    /// Those of them that are damaged.
    lost: u32,
    /// Records that are damaged.
    flips: u32,
    /// Where the sound records are.
    sound: Vec<u32>,
    /// Whether one of the damaged ones does not even say what it is.
    kind: bool,
}

impl Met {
    /// Each byte is a record of some length, some unused places, or a flipped bit in the record after it.
    fn of(script: &[u8]) -> Self {
        const SEGMENT: u64 = 7;
        let header = Header { id: SEGMENT, created_ms: 0, label: Label::default() };
        let (mut bytes, mut sound, mut is_kind_hit) = (header.encode(), Vec::new(), false);
        let (mut stored, mut lost, mut flips) = (0, 0, 0);
        let (mut tally, mut flip) = (Tally::default(), None);
        for byte in script.iter().take(4096) {
            let number = usize::from(byte / 4);
            match byte % 4 {
                // A writer that knows what is stored goes on.
                2 if number == 63 => tally = Tally::default().and(stored),
                // With some bytes left of them, or none.
                2 => {
                    tally = tally.and(1 + number as u32 % 16);
                    bytes.resize(bytes.len() + number / 16 * 40, 0);
                }
                3 => flip = Some(number),
                one_or_none => {
                    let is_event = one_or_none == 0 || number < 48;
                    let kind = if is_event { RecordKind::Event } else { RecordKind::Start }.code();
                    tally = tally.after(kind);
                    let at = bytes.len();
                    let head = Head { kind, id: [*byte; 16], seconds: 1, tally };
                    head.encode(Seed::of(SEGMENT), at as u64, &vec![*byte; number * 3], &mut bytes);
                    stored += u32::from(is_event);
                    match flip.take() {
                        Some(place) => {
                            (lost, flips) = (lost + u32::from(is_event), flips + 1);
                            let place = place * 37 % (bytes.len() - at);
                            is_kind_hit |= place == 11;
                            bytes[at + place] ^= 1 << (place % 8);
                        }
                        None => sound.push(at as u32),
                    }
                }
            }
        }
        Self { bytes, stored, lost, flips, sound, kind: is_kind_hit }
    }

    /// The sound ones are read, and the others counted: by a sealed segment's name exactly.
    fn holds(self) {
        let length = self.bytes.len();
        let Ok(mut loaded) = Loaded::parse(self.bytes) else { unreachable!("its header is sound") };
        assert!(loaded.entries.iter().map(|entry| entry.offset).eq(self.sound.iter().copied()));
        let lost = u64::from(self.lost);
        match (self.flips, lost) {
            (0, _) => assert_eq!(loaded.damaged, 0),
            (1, 1) if !self.kind => assert_eq!(loaded.damaged, 1),
            // Before there is a name, one place that nobody used can be taken for a damaged mark's.
            (1, _) => assert!(loaded.damaged <= 1),
            _ => {}
        }
        let name = Sealed { sequence: 0, id: loaded.id, tally: Tally::default().and(self.stored) };
        loaded.sealed_as(&name);
        assert_eq!((loaded.damaged, loaded.tally), (lost, name.tally));
        holds(loaded, length);
    }
}

/// Records of the pieces between bytes 0xff: kind, an id of up to 16 bytes, and the rest as the payload.
fn undamaged(bytes: &[u8]) -> (Vec<u8>, usize) {
    let id = 7;
    let (mut whole, mut tally) =
        (Header { id, created_ms: 0, label: Label::default() }.encode(), Tally::default());
    let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == 0xff).collect();
    for piece in &pieces {
        let (kind, rest) = piece.split_first().map_or((1, *piece), |(kind, rest)| ((*kind).max(1), rest));
        let (id_given, payload) = rest.split_at(rest.len().min(16));
        let mut head = Head { kind, id: [0; 16], seconds: 1, tally: tally.after(kind) };
        head.id[..id_given.len()].copy_from_slice(id_given);
        tally = head.tally;
        let offset = whole.len() as u64;
        head.encode(Seed::of(id), offset, payload, &mut whole);
    }
    (whole, pieces.len())
}

fn holds(mut loaded: Loaded, length: usize) {
    assert!(loaded.end <= length);
    assert!(loaded.damaged <= length as u64);
    for entry in &loaded.entries {
        let Some(found) = loaded.found(entry) else { unreachable!("it was found before") };
        assert!(found.offset < length && found.payload.len() < length);
        if entry.kind == RecordKind::Event {
            // Whether it is an event is for its reader to say.
            let _ = crate::event::codec::decode(crate::event::EventId(found.head.id), found.payload);
        }
        assert!(loaded.entry_at(entry.offset).is_some());
    }
    let ids: Vec<[u8; 16]> = loaded.entries.iter().filter_map(|it| Some(loaded.found(it)?.head.id)).collect();
    loaded.forget_starts(&ids);
    assert!(loaded.live().all(|entry| entry.kind != RecordKind::Start));
    loaded.acknowledge(&[(0, u32::MAX)]);
    assert_eq!((loaded.live().count(), loaded.live_events()), (0, 0));
}
