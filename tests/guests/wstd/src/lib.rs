//! A backend that sends with `wstd`: it names a URL, and knows nothing of the contract's `http`.
#![cfg(target_os = "wasi")]

use telemetry_backend_sdk::RetryAdvice;
use telemetry_backend_sdk::prelude::*;
use wstd::http::{Client, Request as WasiRequest};

struct Wstd {
    url: String,
}

#[derive(Deserialize)]
struct Settings {
    url: String,
}

impl Backend for Wstd {
    type Settings = Settings;

    fn describe() -> Description {
        Description::new("wstd", env!("CARGO_PKG_VERSION"), "Sends the names of events.")
            .setting(Setting::required("url", "Where to, in full."))
            .endpoint(Endpoint::new("intake", "Has the url's scheme, host and port."))
    }

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        Ok(Self { url: settings.url })
    }

    fn send(&self, batch: &Batch, _: &SendContext, _: &mut dyn Http) -> Outcome {
        let names: Vec<_> = batch.events.iter().map(|event| json!({"name": event.name})).collect();
        let retry = |reason| Outcome::Retry(RetryAdvice { reason, after_ms: None });
        match wstd::runtime::block_on(post(&self.url, json!(names).to_string())) {
            Ok((200..=299, _)) => Outcome::Delivered,
            Ok((status, answer)) => retry(format!("status {status}: {answer}")),
            Err(error) => retry(format!("{error:?}")),
        }
    }
}

async fn post(url: &str, body: String) -> Result<(u16, String), wstd::http::Error> {
    let request = WasiRequest::post(url).header("content-type", "application/json").body(body)?;
    let answer = Client::new().send(request).await?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    Ok((status, String::from_utf8_lossy(body.contents().await?).into_owned()))
}

telemetry_backend_sdk::export!(Wstd);
