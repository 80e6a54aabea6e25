//! A vendor that answers from a list.

use crate::{Body, Header, Http, HttpError, Request, Response};
use std::collections::VecDeque;

/// A door whose answers are given beforehand, in order. After the last, nobody is reachable.
#[derive(Debug, Default)]
pub struct Script {
    answers: VecDeque<Result<Response, HttpError>>,
    /// What was asked, in order.
    pub requests: Vec<Request>,
}

impl Script {
    /// A vendor that gives these answers.
    pub fn new(answers: impl IntoIterator<Item = Result<Response, HttpError>>) -> Self {
        Self { answers: answers.into_iter().collect(), requests: Vec::new() }
    }

    /// A vendor that answers once, with this.
    #[must_use]
    pub fn once(response: Response) -> Self {
        Self::new([Ok(response)])
    }
}

impl Http for Script {
    fn send(&mut self, request: &Request) -> Result<Response, HttpError> {
        self.requests.push(request.clone());
        let nobody = || Err(HttpError::Unreachable("the script has no further answer".into()));
        self.answers.pop_front().unwrap_or_else(nobody)
    }
}

/// An answer with this status and nothing else.
#[must_use]
pub fn answer(status: u16) -> Response {
    Response { status, headers: Vec::new(), body: Body::Empty, retry_after_ms: None }
}

impl Response {
    /// The same with a header. It is only a header: what the host would parse from `Retry-After`
    /// goes into `retry_after_ms`.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(Header { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }

    /// The same with this text as its body.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.body = if text.is_empty() { Body::Empty } else { Body::Text(text.into()) };
        self
    }

    /// The same with these bytes as its body. As from the host, bytes that are UTF-8 arrive as text.
    #[must_use]
    pub fn with_bytes(mut self, bytes: &[u8]) -> Self {
        self.body = match std::str::from_utf8(bytes) {
            Ok("") => Body::Empty,
            Ok(text) => Body::Text(text.into()),
            Err(_) => Body::Bytes(bytes.into()),
        };
        self
    }

    /// The same with a parsed `Retry-After`, in milliseconds.
    #[must_use]
    pub fn with_retry_after_ms(mut self, after: f64) -> Self {
        self.retry_after_ms = Some(after);
        self
    }
}
