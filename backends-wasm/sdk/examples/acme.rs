#![doc = "A whole backend: it sends events to a vendor that takes JSON."]

use telemetry_backend_sdk::prelude::*;

struct Acme {
    project: String,
}

#[derive(Deserialize)]
#[serde(crate = "telemetry_backend_sdk::serde")]
struct Settings {
    project: String,
}

impl Backend for Acme {
    type Settings = Settings;

    fn describe() -> Description {
        Description::new("acme", env!("CARGO_PKG_VERSION"), "Sends events to Acme, as JSON.")
            .setting(Setting::required("project", "The project's number, from Acme's console."))
            .endpoint(Endpoint::new("api", "Acme's API.").site("eu", "https://eu.acme.example"))
    }

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        Ok(Self { project: settings.project })
    }

    fn send(&self, batch: &Batch, _: &SendContext, http: &mut dyn Http) -> Outcome {
        let event = |it: &Event| json!({"id": it.id, "at": it.time.rfc3339, "name": it.name});
        let events: Vec<_> = batch.events.iter().map(event).collect();
        let body = json!({"project": self.project, "who": batch.origin.machine_id, "events": events});
        Rules::COMMON.send(http, &Request::post("api", "/events").json(&body))
    }
}

telemetry_backend_sdk::export!(Acme);
