//! A request's body as something a person can read.

use std::io::Read;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;

use crate::receiver::Request;

/// A decompressed body bigger than this is not shown.
const MAX_DECODED: u64 = 64 * 1024 * 1024;

/// What a body turned out to be.
pub(crate) enum Body {
    Json(serde_json::Value),
    Text(String),
    Bytes(usize),
}

/// Decompresses and decodes a body by its headers: JSON, OTLP's protobuf (shown as OTLP's JSON), or
/// text.
pub(crate) fn body(request: &Request) -> Result<Body, String> {
    let bytes = decompressed(request)?;
    let media_type = request.header("content-type").unwrap_or_default();
    if media_type.starts_with("application/x-protobuf") {
        let export = ExportLogsServiceRequest::decode(bytes.as_slice())
            .map_err(|error| format!("the body is not an OTLP logs request: {error}"))?;
        return serde_json::to_value(&export).map(Body::Json).map_err(|error| error.to_string());
    }
    // PostHog's browser clients send JSON as text, so that no preflight is needed.
    if media_type.starts_with("text/plain") {
        let text = || Body::Text(String::from_utf8_lossy(&bytes).into_owned());
        return Ok(serde_json::from_slice(&bytes).map_or_else(|_| text(), Body::Json));
    }
    if media_type.starts_with("application/json") {
        return serde_json::from_slice(&bytes)
            .map(Body::Json)
            .map_err(|error| format!("the body says that it is JSON and is not: {error}"));
    }
    Ok(String::from_utf8(bytes).map_or_else(|error| Body::Bytes(error.as_bytes().len()), Body::Text))
}

fn decompressed(request: &Request) -> Result<Vec<u8>, String> {
    let read = |reader: &mut dyn Read| {
        let mut bytes = Vec::new();
        reader
            .take(MAX_DECODED)
            .read_to_end(&mut bytes)
            .map(|_| bytes)
            .map_err(|error| format!("the body cannot be decompressed: {error}"))
    };
    match request.header("content-encoding") {
        None | Some("identity") => Ok(request.body.clone()),
        Some("gzip") => read(&mut flate2::read::MultiGzDecoder::new(request.body.as_slice())),
        Some("deflate") => read(&mut flate2::read::ZlibDecoder::new(request.body.as_slice())),
        Some(other) => Err(format!("the body's content coding {other:?} is not one that is decoded here")),
    }
}
