//! What names a request: the same for every attempt at the same events, and another for any others.
//!
//! It is computed from the events' ids, not stored. So it cannot be stale: where a crash left a batch with
//! fewer events than were sent before, that is another request, and a vendor that drops requests it
//! has seen drops nothing that it has not.

use hmac_sha256::Hash;

use crate::event::EventId;

/// A version 8 UUID (RFC 9562, "custom") from the SHA-256 of the events' ids in their order.
#[must_use]
pub fn request_id(events: impl IntoIterator<Item = EventId>) -> String {
    let mut hash = Hash::new();
    hash.update(b"telemetry request");
    for event in events {
        hash.update(event.0);
    }
    let hash: [u8; 32] = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    EventId(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_events_are_the_same_request_and_others_another() {
        let ids: Vec<EventId> = (0..4).map(|n| EventId::from_parts(7, n)).collect();
        let id = request_id(ids.iter().copied());
        assert_eq!(id, request_id(ids.clone()));
        assert_eq!((id.len(), &id[14..15]), (36, "8"));
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
        for fewer in [&ids[1..], &ids[..3], &[], &[ids[1], ids[0], ids[2], ids[3]]] {
            assert_ne!(id, request_id(fewer.iter().copied()));
        }
    }
}
