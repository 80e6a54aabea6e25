//! The imports of this track: the gate and the log, in its words.

use std::time::{Duration, SystemTime};

use super::bindings::telemetry::backend::{http, log, types};
use crate::egress::answer::Answer;
use crate::egress::coding::Coding;
use crate::egress::request::{Asked, Refusal};
use crate::log::{Level, Stream};
use crate::state::State;

fn asked(from: http::Request) -> Asked {
    Asked {
        endpoint: from.endpoint,
        method: match from.method {
            http::Method::Get => "GET",
            http::Method::Post => "POST",
            http::Method::Put => "PUT",
            http::Method::Patch => "PATCH",
            http::Method::Delete => "DELETE",
            http::Method::Head => "HEAD",
        },
        path: from.path,
        query: from.query,
        headers: from.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: match from.body {
            http::Body::Empty => Vec::new(),
            http::Body::Text(text) => text.into_bytes(),
            http::Body::Bytes(bytes) => bytes,
        },
        coding: match from.coding {
            http::ContentCoding::Identity => Coding::Identity,
            http::ContentCoding::Gzip => Coding::Gzip,
            http::ContentCoding::Deflate => Coding::Deflate,
            http::ContentCoding::Br => Coding::Br,
            http::ContentCoding::Zstd => Coding::Zstd,
        },
        timeout: from.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
    }
}

fn response(from: Answer) -> http::Response {
    let retry_after_ms = from.retry_after(SystemTime::now()).map(|wait| wait.as_secs_f64() * 1_000.0);
    let body = if from.body.is_empty() {
        http::Body::Empty
    } else {
        String::from_utf8(from.body)
            .map_or_else(|error| http::Body::Bytes(error.into_bytes()), http::Body::Text)
    };
    let headers = from.headers.into_iter().map(|(name, value)| http::Header { name, value }).collect();
    http::Response { status: from.status, headers, body, retry_after_ms }
}

fn error(from: Refusal) -> http::Error {
    match from {
        Refusal::Denied(why) => http::Error::Denied(why),
        // The gate answers a body that is too large with 413.
        Refusal::Invalid(why) | Refusal::TooLarge(why) => http::Error::Invalid(why),
        Refusal::Unreachable(why) => http::Error::Unreachable(why),
        Refusal::Timeout => http::Error::Timeout,
        Refusal::ResponseTooLarge => http::Error::ResponseTooLarge,
        Refusal::Other(why) => http::Error::Other(why),
    }
}

impl http::Host for State {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        Ok(self.gate.clone().send(asked(request)).await.map(response).map_err(error))
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.log.write(level, Stream::Log, &message);
        Ok(())
    }
}

impl types::Host for State {}
