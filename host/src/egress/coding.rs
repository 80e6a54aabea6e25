//! Content coding, by the host and bounded: encoding of requests, decoding of answers.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

/// How a body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Br,
    Zstd,
}

/// What is offered to servers, in one place with what [`decode`] reads.
pub(crate) const ACCEPTED: &str = "gzip, deflate";

impl Coding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Br => "br",
            Coding::Zstd => "zstd",
        }
    }
}

/// Encodes a request's body. The same bytes for the same body, always.
pub(crate) fn encode(coding: Coding, body: &[u8]) -> Result<Vec<u8>, String> {
    let room = body.len() / 4 + 64;
    let encoded = match coding {
        Coding::Identity => Ok(body.to_vec()),
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::with_capacity(room), Compression::default());
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::with_capacity(room), Compression::default());
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
        Coding::Br => br(body, room),
        Coding::Zstd => zstd(body),
    };
    encoded.map_err(|error| format!("the body could not be encoded: {error}"))
}

/// Quality 5 of 11: smaller than gzip and about as fast. Above it every step costs several times as much.
#[cfg(feature = "coding-br")]
fn br(body: &[u8], room: usize) -> std::io::Result<Vec<u8>> {
    let mut encoder = brotli::CompressorWriter::new(Vec::with_capacity(room), 4096, 5, 22);
    encoder.write_all(body)?;
    Ok(encoder.into_inner())
}

/// Level 3, its own default.
#[cfg(feature = "coding-zstd")]
fn zstd(body: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(body, 3)
}

#[cfg(not(feature = "coding-br"))]
fn br(_: &[u8], _: usize) -> std::io::Result<Vec<u8>> {
    Err(without("br"))
}

#[cfg(not(feature = "coding-zstd"))]
fn zstd(_: &[u8]) -> std::io::Result<Vec<u8>> {
    Err(without("zstd"))
}

#[cfg(not(all(feature = "coding-br", feature = "coding-zstd")))]
fn without(coding: &str) -> std::io::Error {
    std::io::Error::other(format!("this tool was built without `coding-{coding}`; ask for gzip"))
}

/// Why a body could not be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    TooLarge,
    Unknown(String),
    Broken(String),
}

/// Decodes an answer's body and stops at the limit, however much there would be.
pub(crate) fn decode(content_encoding: &str, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoded = body;
    let mut codings: Vec<String> = content_encoding
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    if codings.len() > 2 {
        return Err(DecodeError::Broken("more than two content codings on one body".to_owned()));
    }
    while let Some(coding) = codings.pop() {
        if decoded.is_empty() && coding != "identity" {
            // An answer without a body (204, HEAD) may still carry the header.
            return Ok(decoded);
        }
        decoded = match coding.as_str() {
            "identity" => decoded,
            "gzip" | "x-gzip" => bounded(MultiGzDecoder::new(decoded.as_slice()), limit)?,
            "deflate" => bounded(ZlibDecoder::new(decoded.as_slice()), limit)?,
            other => return Err(DecodeError::Unknown(crate::text::tidy(other, 60))),
        };
    }
    if decoded.len() > limit { Err(DecodeError::TooLarge) } else { Ok(decoded) }
}

fn bounded(reader: impl Read, limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    let cap = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(cap).read_to_end(&mut out).map_err(|error| DecodeError::Broken(error.to_string()))?;
    if out.len() > limit { Err(DecodeError::TooLarge) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_what_is_decoded_the_same_every_time_and_smaller() {
        let body = br#"{"event":"command.invocation","name":"build"}"#.repeat(1_000);
        for coding in [Coding::Gzip, Coding::Deflate] {
            let encoded = encode(coding, &body).unwrap();
            assert!(encoded.len() < body.len() / 10, "{coding:?}");
            assert_eq!(encode(coding, &body).unwrap(), encoded, "{coding:?}");
            assert_eq!(decode(coding.name(), encoded, body.len()).unwrap(), body, "{coding:?}");
        }
    }

    #[cfg(all(feature = "coding-br", feature = "coding-zstd"))]
    #[test]
    fn br_and_zstd_are_what_their_own_decoders_read() {
        let body = br#"{"event":"command.invocation","name":"build"}"#.repeat(1_000);
        let (br, zstd) = (encode(Coding::Br, &body).unwrap(), encode(Coding::Zstd, &body).unwrap());
        assert!(br.len() < body.len() / 10 && zstd.len() < body.len() / 10);
        assert_eq!(encode(Coding::Br, &body).unwrap(), br);
        assert_eq!(encode(Coding::Zstd, &body).unwrap(), zstd);
        let mut decoded = Vec::new();
        brotli::Decompressor::new(br.as_slice(), 4096).read_to_end(&mut decoded).unwrap();
        assert_eq!(decoded, body);
        assert_eq!(zstd::bulk::decompress(&zstd, body.len()).unwrap(), body);
    }

    #[cfg(not(feature = "coding-br"))]
    #[test]
    fn a_coding_that_was_left_out_says_which_feature_has_it() {
        assert!(encode(Coding::Br, b"x").unwrap_err().contains("`coding-br`"));
    }
}
