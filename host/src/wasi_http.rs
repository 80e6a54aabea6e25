//! `wasi:http/outgoing-handler` and `types` through the same gate: for guests whose HTTP library speaks WASI.
//!
//! Such a guest names a URL where one of the contract names an endpoint, so the endpoint is found by the URL:
//! the granted one with the same scheme, host and port whose path it begins with. What is left of it goes
//! through the gate like any other request, with the same checks, the same credential and the same counting;
//! nothing about it is believed that the gate would not believe otherwise.
//!
//! What such a guest may hold of the host's memory is bounded too: bodies on their way out, and answers that
//! it keeps, together; and bodies that it fills and never sends. (Header fields that it makes are bounded each
//! by its own size, and together by the number of handles.)

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
    unsent: Unsent,
}

/// Bodies that were begun and not sent. Each has room for two writes of one chunk's size, and nothing says
/// which of them a guest gives up without sending it; so the chunks become smaller as room becomes scarce, and
/// there is room again when none is left unsent.
struct Unsent {
    bodies: usize,
    room: usize,
    most: usize,
}

impl Unsent {
    /// What an honest guest gets, which has one at a time.
    const CHUNK: usize = 1 << 20;
    /// However many there are, as many as there may be handles.
    const LEAST: usize = 1 << 10;
    /// Writes that fit into a body that nobody takes anything from.
    const WRITES: usize = 2;

    fn new(most: usize) -> Self {
        Self { bodies: 0, room: most, most }
    }

    /// One more; answers the size of its chunks.
    fn begin(&mut self) -> usize {
        let chunk = (self.room / (2 * Self::WRITES)).clamp(Self::LEAST, Self::CHUNK);
        self.bodies += 1;
        self.room = self.room.saturating_sub(Self::WRITES * chunk);
        chunk
    }

    /// One is sent: what is in it is counted where it is collected.
    fn sent(&mut self) {
        self.bodies = self.bodies.saturating_sub(1);
        if self.bodies == 0 {
            self.room = self.most;
        }
    }
}

impl Http {
    pub(crate) fn new(gate: &Gate, limits: &Limits) -> Self {
        let mut context = WasiHttpCtx::new();
        // By its reckoning a header takes up about twice what it has on the wire.
        context.set_field_size_limit(limits.head_bytes.saturating_mul(2));
        let most = limits.request_bytes.saturating_add(limits.response_bytes.saturating_mul(4));
        let held = Held { bytes: Arc::default(), most };
        Self { context, hooks: Hooks { gate: gate.clone(), held, unsent: Unsent::new(most) } }
    }

    /// Whether a body was begun that was never sent: it lives as long as the instance.
    pub(crate) fn has_unsent(&self) -> bool {
        self.hooks.unsent.bodies > 0
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
        // A request without a body has one that has ended; what a guest fills never says so of itself.
        if !request.body().is_end_stream() {
            self.unsent.sent();
        }
        // The guest may drop what it waits for, and go on: it is a loose end until then, begun or not.
        let loose = gate.loose_end();
        Box::new(async move {
            let _loose = loose;
            let (head, body) = request.into_parts();
            let (body, kept) = collect(body, &held).await?;
            let asked = asked(&gate, &head, body, options)?;
            let answer = gate.send(asked).await.map_err(error)?;
            drop(kept);
            let response = response(answer, &held)?;
            Ok((response, Box::new(async { Ok(()) }) as Ended))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.unsent.begin()
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
    /// Takes more, if there is room for it.
    fn grow(&mut self, by: usize) -> bool {
        let Held { bytes, most } = &self.held;
        let more = |held: usize| held.checked_add(by).filter(|held| held <= most);
        let grown = bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if grown {
            self.bytes += by;
        }
        grown
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_together_and_given_back_part_by_part() {
        let held = Held { bytes: Arc::default(), most: 100 };
        let (mut one, mut other) = (held.nothing(), held.nothing());
        assert!(one.grow(60) && other.grow(40));
        assert!(!other.grow(1), "both are counted");
        drop(other);
        assert!(one.grow(40));
        assert!(!one.grow(usize::MAX), "a number that wraps round finds no room");
        drop(one);
        assert_eq!(held.bytes.load(Ordering::Relaxed), 0);
        assert!(held.nothing().grow(100));
    }

    #[test]
    fn bodies_that_are_not_sent_share_what_there_is_however_many_they_are() {
        let mut unsent = Unsent::new(32 << 20);
        for _ in 0..100 {
            assert_eq!(unsent.begin(), Unsent::CHUNK, "one at a time has all that it wants");
            unsent.sent();
        }
        let total: usize = (0..4_096).map(|_| Unsent::WRITES * unsent.begin()).sum();
        assert!(total <= (32 << 20) + 4_096 * Unsent::WRITES * Unsent::LEAST, "{total}");
        unsent.sent();
        assert_eq!(unsent.begin(), Unsent::LEAST, "one of many that is sent makes no room");
    }
}
