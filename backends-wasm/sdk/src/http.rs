//! The door to the network, and requests and responses that are pleasant to use.

use crate::{Body, ContentCoding, Header, HttpError, Method, Request, Response, json};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The one power of a backend. The real one asks the host; [`testing::Script`](crate::testing::Script)
/// answers from a list.
pub trait Http {
    /// Sends one request and waits for the whole answer. Any status is an answer.
    ///
    /// # Errors
    /// No answer came, or the host did not send the request. [`Rules`](crate::Rules) turns each into
    /// the right outcome.
    fn send(&mut self, request: &Request) -> Result<Response, HttpError>;
}

/// A function is a door: for tests with a vendor that looks at what it is asked.
impl<F: FnMut(&Request) -> Result<Response, HttpError>> Http for F {
    fn send(&mut self, request: &Request) -> Result<Response, HttpError> {
        self(request)
    }
}

/// The door of a component: the host's import.
pub(crate) struct Door;

impl Http for Door {
    #[cfg(target_arch = "wasm32")]
    fn send(&mut self, request: &Request) -> Result<Response, HttpError> {
        crate::bindings::telemetry::backend::http::send(request)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn send(&mut self, _: &Request) -> Result<Response, HttpError> {
        Err(HttpError::Unreachable("there is no host outside WebAssembly".into()))
    }
}

impl Request {
    /// A POST to an endpoint from [`Description`](crate::Description), with no body yet.
    ///
    /// `path` is appended to the URL that the author granted: empty, or beginning with `/`.
    #[must_use]
    pub fn post(endpoint: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            method: Method::Post,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            coding: ContentCoding::Identity,
            timeout_ms: None,
        }
    }

    /// The same with another method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// Adds a name and a value to the query. The host encodes them.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Makes this value, as JSON, the body, and says so in `content-type`.
    ///
    /// A value that JSON cannot hold (a map whose keys are not text) makes the body empty, which a
    /// vendor refuses: use maps with text keys.
    #[must_use]
    pub fn json(self, value: &impl Serialize) -> Self {
        self.text("application/json", serde_json::to_string(value).unwrap_or_default())
    }

    /// Makes this text the body.
    #[must_use]
    pub fn text(mut self, content_type: &str, text: String) -> Self {
        self.body = Body::Text(text);
        self.header("content-type", content_type)
    }

    /// Makes these bytes the body.
    #[must_use]
    pub fn bytes(mut self, content_type: &str, bytes: Vec<u8>) -> Self {
        self.body = Body::Bytes(bytes);
        self.header("content-type", content_type)
    }

    /// Has the host compress the body.
    #[must_use]
    pub fn coding(mut self, coding: ContentCoding) -> Self {
        self.coding = coding;
        self
    }

    /// The longest that the exchange may take. The host's own limit holds in any case.
    #[must_use]
    pub fn timeout_ms(mut self, timeout: u32) -> Self {
        self.timeout_ms = Some(timeout);
        self
    }
}

impl Body {
    /// The body as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Response {
    /// The value of the first header of this name, which is compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.name.eq_ignore_ascii_case(name)).map(|it| it.value.as_str())
    }

    /// The body as text; empty if it is not text.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Empty => "",
            Body::Text(text) => text,
            Body::Bytes(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        }
    }

    /// The body read as JSON; none if it is not that.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        json::from_str(self.text()).ok()
    }

    /// Whether this is a page for people: what a captive portal or a wrong address answers, with 200,
    /// instead of the vendor. It says nothing about the events.
    #[must_use]
    pub fn is_web_page(&self) -> bool {
        let text = self.text();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii_start();
        ["<!doctype html", "<html"]
            .iter()
            .any(|tag| text.get(..tag.len()).is_some_and(|it| it.eq_ignore_ascii_case(tag)))
    }
}
