//! The decision as bytes.
//!
//! Two lines: a header with the format's version and a checksum, and the record as JSON, so that a
//! user can read it. The checksum (the first eight bytes of a SHA-256) covers the second line, the
//! header is compared byte for byte, and nothing may follow: no flipped bit and no truncation of any
//! record decodes, so damage cannot turn a no into a yes.

use crate::consent::Decision;
use crate::event::Timestamp;
use crate::json::Object;
use serde::Serialize;

/// The version that this library writes, and the only one that it reads.
const VERSION: u32 = 1;

/// What every version's file begins with.
const MAGIC: &[u8] = b"telemetry consent ";

/// No record is longer. A destination of more than a few kilobytes is none.
pub(crate) const LIMIT: usize = 16 * 1024;

/// A decision with what it covers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Record {
    /// What the user said.
    pub decision: Decision,
    /// When, by the system's clock: for the user's eyes, nothing is decided by it.
    pub time: Timestamp,
    /// The number of the author's policy that was in force.
    pub policy: u32,
    /// Where events were to be sent: what [`Author::destination`](crate::consent::Author) said.
    pub destination: String,
}

/// Why bytes are no record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Undecodable {
    /// They were written by a newer version of the library.
    Newer(u32),
    /// They are damaged, or were never a record.
    Damaged,
}

#[derive(Serialize)]
struct Body {
    decision: String,
    seconds: i64,
    nanos: u32,
    policy: u32,
    destination: String,
}

impl Record {
    /// The bytes of the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let body = Body {
            decision: self.decision.as_str().to_owned(),
            seconds: self.time.seconds,
            nanos: self.time.nanos,
            policy: self.policy,
            destination: self.destination.clone(),
        };
        // Text and integers always serialise. Were that ever untrue, the empty body does not decode,
        // and what does not decode is not a yes.
        Self::vouched(&serde_json::to_string(&body).unwrap_or_default())
    }

    /// A body with the line before it that vouches for it.
    pub(crate) fn vouched(body: &str) -> Vec<u8> {
        let body = format!("{body}\n");
        (header(body.as_bytes()) + &body).into_bytes()
    }

    /// The record that these bytes are.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Undecodable> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(Undecodable::Damaged)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let version = std::str::from_utf8(&rest[..digits]).ok().and_then(|text| text.parse::<u32>().ok());
        match version {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION && rest.get(digits) == Some(&b' ') => {
                return Err(Undecodable::Newer(newer));
            }
            _ => return Err(Undecodable::Damaged),
        }
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Undecodable::Damaged)?;
        let (head, body) = bytes.split_at(end + 1);
        if head != header(body).as_bytes() {
            return Err(Undecodable::Damaged);
        }
        Self::of(body).ok_or(Undecodable::Damaged)
    }

    fn of(body: &[u8]) -> Option<Self> {
        let body = Object::read(body)?;
        let word = body.text("decision")?;
        let nanos: u32 = body.whole("nanos")?;
        Some(Self {
            decision: Decision::ALL.into_iter().find(|decision| decision.as_str() == word)?,
            time: Timestamp { seconds: body.whole("seconds")?, nanos: nanos.min(999_999_999) },
            policy: body.whole("policy")?,
            destination: body.text("destination")?.to_owned(),
        })
    }
}

fn header(body: &[u8]) -> String {
    let hash = hmac_sha256::Hash::hash(body);
    format!("telemetry consent {VERSION} {}\n", crate::identity::hex8(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let time = Timestamp { seconds: 1_785_585_600, nanos: 5 };
        let destination = "https://otel.example.com".to_owned();
        Decision::ALL
            .into_iter()
            .map(|decision| Record { decision, time, policy: 3, destination: destination.clone() })
            .chain([Record::default()])
            .collect()
    }

    #[test]
    fn what_was_written_is_read_again() {
        for record in records() {
            assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn a_file_is_two_readable_lines() {
        let record = Record { decision: Decision::LocalOnly, policy: 2, ..Record::default() };
        let text = String::from_utf8(record.encode()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("telemetry consent 1 "), "{text}");
        assert_eq!(
            lines[1],
            r#"{"decision":"local only","seconds":0,"nanos":0,"policy":2,"destination":""}"#
        );
    }

    #[test]
    fn no_truncation_of_a_record_decodes() {
        for record in records() {
            let bytes = record.encode();
            for length in 0..bytes.len() {
                assert!(Record::decode(&bytes[..length]).is_err(), "{length} bytes of {record:?}");
            }
        }
    }

    #[test]
    fn no_flipped_bit_leaves_a_record_that_decodes() {
        for record in records() {
            let bytes = record.encode();
            for at in 0..bytes.len() {
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << bit;
                    assert!(Record::decode(&flipped).is_err(), "bit {bit} of byte {at} of {record:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_may_follow_a_record() {
        for tail in ["\n", " ", "\0", "{}\n"] {
            let mut bytes = Record::default().encode();
            bytes.extend_from_slice(tail.as_bytes());
            assert_eq!(Record::decode(&bytes), Err(Undecodable::Damaged), "{tail:?}");
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        assert_eq!(Record::decode(b"telemetry consent 2 anything"), Err(Undecodable::Newer(2)));
        assert_eq!(Record::decode(b"telemetry consent 4294967295 x"), Err(Undecodable::Newer(u32::MAX)));
        for damaged in ["telemetry consent 0 x", "telemetry consent 2x", "telemetry consent 4294967296 x", ""]
        {
            assert_eq!(Record::decode(damaged.as_bytes()), Err(Undecodable::Damaged), "{damaged:?}");
        }
    }

    #[test]
    fn an_unknown_decision_under_a_true_checksum_is_no_record() {
        for word in ["maybe", "Granted", "granted ", ""] {
            let body = format!(
                "{{\"decision\":\"{word}\",\"seconds\":0,\"nanos\":0,\"policy\":1,\"destination\":\"\"}}\n"
            );
            let bytes = [header(body.as_bytes()).as_bytes(), body.as_bytes()].concat();
            assert_eq!(Record::decode(&bytes), Err(Undecodable::Damaged), "{word:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_damage_makes_a_yes_of_a_no(
            writes in proptest::collection::vec((0_usize..200, proptest::num::u8::ANY), 1..40),
            length in 0_usize..200,
        ) {
            for record in records().iter().filter(|record| !record.decision.is_yes()) {
                let mut bytes = record.encode();
                for (at, byte) in &writes {
                    if let Some(to) = bytes.get_mut(*at) {
                        *to = *byte;
                    }
                }
                bytes.truncate(length.max(1));
                let decoded = Record::decode(&bytes);
                assert!(decoded.as_ref().is_err() || decoded.as_ref() == Ok(record), "{decoded:?}");
            }
        }

        #[test]
        fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = Record::decode(&bytes);
            let _ = Record::decode(&[MAGIC, b"1 ", &bytes].concat());
        }
    }
}
