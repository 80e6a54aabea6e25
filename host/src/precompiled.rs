//! Components compiled when the tool is built, so that the tool needs no compiler: how an artefact is read.
//!
//! An artefact is a magic, a checksum of what follows, an index of parts, and their code packed in one stream
//! (LZMA2, in the order of the index). A part is one way to run one component: the component's name where there
//! are several, what it was compiled for, the SHA-256 of the component, and the code's length. Of one component
//! the better part comes first, and all native code before any of the interpreter's, so that a tool whose system
//! runs native code unpacks none of the other half.
//!
//! The checksum is against accidents: whoever can change an artefact inside a program can change the program. The
//! code is packed because it is most of what a backend adds to a tool, and in one stream because backends share
//! much of it: four of them pack to a sixth, each by itself to two fifths. Unpacking takes tens of milliseconds of
//! a sender that nobody waits for.

use std::io::{self, Read, copy, sink};

use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::{Action, Lzma2Stream, Status};

use crate::engine::Target;
use crate::error::LoadError;

const MAGIC: &[u8; 8] = b"TLMPREC4";
/// Magic and checksum.
pub(crate) const HEAD: usize = 8 + 16;
/// Code longer than this is not unpacked: it is some ten times its component at the most.
const CODE_BYTES: u64 = 512 << 20;
/// LZMA packs so many bytes into one, and no more: what claims more is not unpacked.
pub(crate) const MOST_PACKED: u64 = 7_200;

/// What was done to code before it was packed, so that it packs better: where a call names the distance to what it
/// calls, it names its place instead, which is the same for all who call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    None,
    X86,
    Arm64,
}

/// One part of an artefact.
pub(crate) struct Part {
    /// Its component's name; empty where there is one component.
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) filter: Filter,
    pub(crate) digest: String,
    /// Where its code begins in what is unpacked.
    start: u64,
    /// Bytes of its code.
    pub(crate) length: u64,
}

/// An artefact, read and not yet unpacked.
pub(crate) struct Artefact<'a> {
    pub(crate) parts: Vec<Part>,
    packed: &'a [u8],
}

impl<'a> Artefact<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or_else(|| not("it is too short"))?;
        let (magic, checksum) = head.split_at(8);
        if magic != MAGIC {
            return Err(not("it was not made by this version of this package"));
        }
        if checksum_of(rest) != checksum {
            return Err(damaged());
        }
        let mut rest = rest;
        let mut parts = Vec::new();
        let mut end = 0_u64;
        for _ in 0..number(&mut rest)? {
            let part = Part::read(&mut rest, end)?;
            end = end.checked_add(part.length).ok_or_else(damaged)?;
            parts.push(part);
        }
        if end > CODE_BYTES || end / MOST_PACKED > rest.len() as u64 {
            return Err(damaged());
        }
        Ok(Self { parts, packed: rest })
    }

    pub(crate) fn unpack(&self) -> Unpacked<'a> {
        let length = self.parts.iter().map(|part| part.length).sum();
        Unpacked { code: Stream { stream: Lzma2Stream::new(window(length)), packed: self.packed }, at: 0 }
    }
}

impl Part {
    fn read(rest: &mut &[u8], start: u64) -> Result<Self, LoadError> {
        let name = number(rest).and_then(|length| take(rest, length))?;
        let name = std::str::from_utf8(name).map_err(|_| damaged())?.to_owned();
        let target = match take(rest, 8)? {
            b"native\0\0" => Target::Native,
            b"pulley\0\0" => Target::Pulley,
            _ => return Err(not("it is for something unknown")),
        };
        let filter = match take(rest, 8)? {
            b"none\0\0\0\0" => Filter::None,
            b"x86\0\0\0\0\0" => Filter::X86,
            b"arm64\0\0\0" => Filter::Arm64,
            _ => return Err(not("it is packed in a way unknown")),
        };
        let digest = take(rest, 32)?.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { name, target, filter, digest, start, length: number(rest)? })
    }
}

/// The code of an artefact's parts, unpacked as far as it was asked for.
pub(crate) struct Unpacked<'a> {
    code: Stream<'a>,
    at: u64,
}

impl Unpacked<'_> {
    /// The code of a part, as the compiler wrote it. Parts are asked for in their order: there is no way back.
    pub(crate) fn code(&mut self, part: &Part) -> Result<Vec<u8>, LoadError> {
        let before = part.start.checked_sub(self.at).ok_or_else(damaged)?;
        let skipped = copy(&mut self.code.by_ref().take(before), &mut sink());
        let mut code = Vec::with_capacity(usize::try_from(part.length).unwrap_or_default());
        let mut packed = self.code.by_ref().take(part.length);
        let unpacked = match part.filter {
            Filter::None => packed.read_to_end(&mut code),
            Filter::X86 => BcjReader::new_x86(packed, 0).read_to_end(&mut code),
            Filter::Arm64 => BcjReader::new_arm64(packed, 0).read_to_end(&mut code),
        };
        self.at = part.start + part.length;
        match (skipped, unpacked) {
            (Ok(skipped), Ok(length)) if skipped == before && length as u64 == part.length => Ok(code),
            _ => Err(damaged()),
        }
    }
}

/// A packed stream, read. The crate's own reader never comes back from some damaged streams: it waits for a chunk
/// that stopped giving anything. This one takes a step without progress for damage.
struct Stream<'a> {
    stream: Lzma2Stream,
    packed: &'a [u8],
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            let step = self.stream.process(self.packed, buffer, Action::Finish)?;
            self.packed = self.packed.get(step.bytes_consumed..).unwrap_or_default();
            if step.bytes_produced > 0 || matches!(step.status, Status::StreamEnd) {
                return Ok(step.bytes_produced);
            }
            if step.bytes_consumed == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(0)
    }
}

/// How far back a repetition may lie. Both sides reckon it from the code's length, so that no artefact asks for
/// more memory than its code has; and never more than the packer's own highest level has.
pub(crate) fn window(length: u64) -> u32 {
    u32::try_from(length.clamp(4 << 10, 64 << 20)).unwrap_or(64 << 20)
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], LoadError> {
    let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let (taken, after) = split.ok_or_else(damaged)?;
    *rest = after;
    Ok(taken)
}

fn number(rest: &mut &[u8]) -> Result<u64, LoadError> {
    Ok(take(rest, 8)?.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

fn not(why: &str) -> LoadError {
    LoadError::Precompiled(why.to_owned())
}

fn damaged() -> LoadError {
    not("it is damaged")
}

fn checksum_of(rest: &[u8]) -> [u8; 16] {
    xxhash_rust::xxh3::xxh3_128(rest).to_le_bytes()
}

/// What follows magic and checksum, with both before it.
#[cfg(any(feature = "compiler", feature = "fuzzing"))]
pub(crate) fn seal(rest: &[u8]) -> Vec<u8> {
    [MAGIC, checksum_of(rest).as_slice(), rest].concat()
}
