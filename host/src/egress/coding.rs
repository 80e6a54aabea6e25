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
        Coding::Br | Coding::Zstd => {
            return Err(format!("this host cannot encode `{}`; ask for gzip", coding.name()));
        }
    };
    encoded.map_err(|error| format!("the body could not be encoded: {error}"))
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
