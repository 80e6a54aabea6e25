//! `wasi:http/outgoing-handler` and `types` through the same gate: for guests whose HTTP library speaks WASI.
//!
//! Such a guest names a URL where one of the contract names an endpoint, so the endpoint is found by the URL:
//! the granted one with the same scheme, host and port whose path it begins with. What is left of it goes
//! through the gate like any other request, with the same checks, the same credential and the same counting;
//! nothing about it is believed that the gate would not believe otherwise.
//!
//! What such a guest may hold of the host's memory is bounded too: bodies on their way out, and answers that
//! it keeps, together.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use wasmtime::component::Linker;
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::egress::answer::Answer;
use crate::egress::coding::Coding;
use crate::egress::gate::Gate;
use crate::egress::request::{Asked, Refusal};
use crate::limits::Limits;
use crate::state::State;

/// A store's part in it.
pub(crate) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    gate: Gate,
    held: Held,
}

impl Http {
    pub(crate) fn new(gate: &Gate, limits: &Limits) -> Self {
        let mut context = WasiHttpCtx::new();
        // By its reckoning a header takes up about twice what it has on the wire.
        context.set_field_size_limit(limits.head_bytes.saturating_mul(2));
        let most = limits.request_bytes.saturating_add(limits.response_bytes.saturating_mul(4));
        Self { context, hooks: Hooks { gate: gate.clone(), held: Held { bytes: Arc::default(), most } } }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Http { context, hooks } = &mut self.http;
        WasiHttpCtxView { hooks, table: &mut self.table, ctx: context }
    }
}

/// Links both interfaces.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

type Ended = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Ended,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Ended)>> + Send> {
        let (gate, held) = (self.gate.clone(), self.held.clone());
        Box::new(async move {
            // The guest may drop what it waits for, and go on: it is a loose end until then.
            let _loose = gate.loose_end();
            let (head, body) = request.into_parts();
            let (body, kept) = collect(body, &held).await?;
            let asked = asked(&gate, &head, body, options)?;
            let answer = gate.send(asked).await.map_err(error)?;
            drop(kept);
            let response = response(answer, &held)?;
            Ok((response, Box::new(async { Ok(()) }) as Ended))
        })
    }

    /// The gate sets it.
    fn set_host_header(&mut self) -> bool {
        false
    }
}

/// Bytes that the host holds for one guest.
#[derive(Clone)]
struct Held {
    bytes: Arc<AtomicUsize>,
    most: usize,
}

/// A part of them, given back when it is dropped.
struct Kept {
    held: Held,
    bytes: usize,
}

impl Held {
    fn nothing(&self) -> Kept {
        Kept { held: self.clone(), bytes: 0 }
    }
}

impl Kept {
    /// Whether there is room for more.
    fn grow(&mut self, by: usize) -> bool {
        self.bytes = self.bytes.saturating_add(by);
        self.held.bytes.fetch_add(by, Ordering::Relaxed).saturating_add(by) <= self.held.most
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

async fn collect(mut body: WasiBody, held: &Held) -> Result<(Vec<u8>, Kept)> {
    let (mut whole, mut kept) = (Vec::new(), held.nothing());
    while let Some(frame) = body.frame().await {
        // Trailers are not sent.
        if let Ok(bytes) = frame?.into_data() {
            if !kept.grow(bytes.len()) {
                return Err(Error::HttpRequestBodySize(None));
            }
            whole.extend_from_slice(&bytes);
        }
    }
    Ok((whole, kept))
}

fn asked(
    gate: &Gate,
    head: &http::request::Parts,
    body: Vec<u8>,
    options: Option<RequestOptions>,
) -> Result<Asked> {
    let method = match head.method {
        http::Method::GET => "GET",
        http::Method::POST => "POST",
        http::Method::PUT => "PUT",
        http::Method::PATCH => "PATCH",
        http::Method::DELETE => "DELETE",
        http::Method::HEAD => "HEAD",
        _ => return Err(Error::HttpRequestMethodInvalid),
    };
    let (endpoint, path) = gate.endpoint_at(&head.uri).map_err(error)?;
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mut headers = Vec::new();
    for (name, value) in &head.headers {
        // About the connection or the body's form: the gate's to set, and set by every library.
        if matches!(name.as_str(), "host" | "content-length" | "accept-encoding") {
            continue;
        }
        let value = value.to_str().map_err(|_| {
            error(Refusal::Invalid(format!("the header `{name}` holds what is not visible ASCII")))
        })?;
        headers.push((name.as_str().to_owned(), value.to_owned()));
    }
    let timeout = options.and_then(|options| options.first_byte_timeout);
    Ok(Asked { endpoint, method, path, query, headers, body, coding: Coding::Identity, timeout })
}

fn response(answer: Answer, held: &Held) -> Result<http::Response<WasiBody>> {
    let mut kept = held.nothing();
    if !kept.grow(answer.body.len()) {
        return Err(Error::HttpResponseBodySize(None));
    }
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = Whole { bytes: Some(answer.body.into()), _kept: kept };
    response.body(body.boxed_unsync()).map_err(|_| Error::HttpProtocolError)
}

/// An answer's body, counted for as long as the guest keeps it.
struct Whole {
    bytes: Option<Bytes>,
    _kept: Kept,
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        Poll::Ready(self.bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

/// WASI's errors have next to no room for a reason, and the reason is what an author needs.
fn error(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Timeout => Error::HttpResponseTimeout,
        Refusal::ResponseTooLarge => Error::HttpResponseBodySize(None),
        // The gate answers it with 413.
        Refusal::TooLarge(_) => Error::HttpRequestBodySize(None),
        Refusal::Denied(why) | Refusal::Invalid(why) | Refusal::Unreachable(why) | Refusal::Other(why) => {
            Error::InternalError(Some(why))
        }
    }
}
