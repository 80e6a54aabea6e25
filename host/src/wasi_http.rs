//! `wasi:http/outgoing-handler` for components of ordinary HTTP libraries, through the same gate.
//!
//! Such a component names URLs, so the endpoint is found by them: the one granted (and asked for in
//! `describe`) whose scheme, host and port are the request's and whose path begins it, the longest first.
//! From there on it is a request like any other: same checks, same credential, same limits.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use wasmtime::component::Linker;
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::egress::answer::Answer;
use crate::egress::coding::Coding;
use crate::egress::gate::Gate;
use crate::egress::request::{Asked, Refusal};
use crate::state::State;

/// Links the client's side of `wasi:http`.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.http_hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Sends what `wasi:http` hands over.
pub(crate) struct Hooks {
    pub(crate) gate: Gate,
    pub(crate) request_bytes: usize,
}

type Done = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Done,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Done)>> + Send> {
        let (gate, limit) = (self.gate.clone(), self.request_bytes);
        Box::new(async move {
            let asked = asked(&gate, request, options, limit).await?;
            let answer = gate.send(asked).await.map_err(error)?;
            let done: Done = Box::new(async { Ok(()) });
            Ok((response(answer)?, done))
        })
    }
}

async fn asked(
    gate: &Gate,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
    limit: usize,
) -> Result<Asked> {
    let (head, body) = request.into_parts();
    let (endpoint, path) = gate.endpoint_of(&head.uri).map_err(error)?;
    let method = match head.method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        _ => return Err(Error::HttpRequestMethodInvalid),
    };
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let query = query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let mut headers = Vec::new();
    for (name, value) in &head.headers {
        // Libraries set these by themselves; the host has its own.
        if matches!(name.as_str(), "host" | "content-length" | "accept-encoding") {
            continue;
        }
        let value = value.to_str().map_err(|_| Error::HttpRequestHeaderSize {
            field_name: Some(name.as_str().to_owned()),
            field_size: None,
        })?;
        headers.push((name.as_str().to_owned(), value.to_owned()));
    }
    let body = Limited::new(body, limit).collect().await.map_err(|_| Error::HttpRequestBodySize(None))?;
    let timeout = options.and_then(|options| options.first_byte_timeout);
    Ok(Asked {
        endpoint,
        method,
        path,
        query,
        headers,
        body: body.to_bytes().into(),
        coding: Coding::Identity,
        timeout,
    })
}

fn response(answer: Answer) -> Result<http::Response<WasiBody>> {
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = Full::new(Bytes::from(answer.body)).map_err(|never| match never {}).boxed_unsync();
    response.body(body).map_err(|_| Error::HttpProtocolError)
}

fn error(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Denied(_) => Error::HttpRequestDenied,
        Refusal::Invalid(_) => Error::HttpRequestUriInvalid,
        Refusal::Unreachable(_) => Error::DestinationUnavailable,
        Refusal::Timeout => Error::HttpResponseTimeout,
        Refusal::ResponseTooLarge => Error::HttpResponseBodySize(None),
        Refusal::Other(why) => Error::InternalError(Some(why)),
    }
}
